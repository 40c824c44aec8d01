import { createServer } from "node:net";
import { codeOf, SetupError } from "./errors.ts";
import { type PortHolder, portHolder } from "./process-table.ts";
import { PORT_VARIABLES, type Ports } from "./settings.ts";

const USES: Record<keyof Ports, string> = {
  otlp: "OTLP over HTTP, the collector",
  otlpGrpc: "OTLP over gRPC, the collector",
  scheduler: "the scheduler",
  web: "the dashboard",
  postgres: "the embedded Postgres",
};

/** A port that cannot be had. */
export interface TakenPort {
  part: keyof Ports;
  port: number;
  holder: PortHolder | undefined;
}

/**
 * Tries to bind each port for a moment. Returns those that something else holds.
 * @throws SetupError when a port may not be bound at all (below 1024 without the right, an address this machine lacks).
 */
export async function findTakenPorts(host: string, ports: Ports, parts: readonly (keyof Ports)[]): Promise<TakenPort[]> {
  const taken: TakenPort[] = [];
  for (const part of parts) {
    const code = await bindError(part === "postgres" ? "127.0.0.1" : host, ports[part]);
    if (code === "EADDRINUSE") taken.push({ part, port: ports[part], holder: portHolder(ports[part]) });
    else if (code === "EACCES") {
      throw new SetupError(
        "port_denied",
        `Port ${ports[part]} (${USES[part]}) may not be opened by this user. Set ${PORT_VARIABLES[part]} to one above 1023.`,
      );
    } else if (code !== undefined) {
      throw new SetupError(
        "bad_host",
        `Cannot listen on ${host}:${ports[part]} (${code}). SIGNALBOX_HOST must be an address of this machine.`,
      );
    }
  }
  return taken;
}

/** One line for each taken port: the port, who holds it, and the variable that moves us away. */
export function describeTakenPorts(taken: readonly TakenPort[]): SetupError {
  const lines = taken.map(({ part, port, holder }) => {
    const by = holder ? `by process ${holder.pid} (${holder.command})` : "by another process";
    return `Port ${port} (${USES[part]}) is taken ${by}. Stop that, or choose another port: ${PORT_VARIABLES[part]}=${port + 1000} npm start`;
  });
  return new SetupError("port_taken", lines.join("\n"));
}

function bindError(host: string, port: number): Promise<string | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", (error) => resolve(codeOf(error) ?? "unknown"));
    server.listen({ host, port, exclusive: true }, () => server.close(() => resolve(undefined)));
  });
}
