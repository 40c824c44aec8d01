import { homedir } from "node:os";
import { join, resolve } from "node:path";
import { DEFAULT_KEEP_ALIVE_MS, DefaultPort } from "@signalbox/otel/conventions";
import { SetupError } from "./errors.ts";

/** What a local install listens on. */
export interface Ports {
  otlp: number;
  otlpGrpc: number;
  scheduler: number;
  web: number;
  postgres: number;
}

/** The variable that sets each port. */
export const PORT_VARIABLES = {
  otlp: "SIGNALBOX_OTLP_PORT",
  otlpGrpc: "SIGNALBOX_OTLP_GRPC_PORT",
  scheduler: "SIGNALBOX_SCHEDULER_PORT",
  web: "SIGNALBOX_WEB_PORT",
  postgres: "SIGNALBOX_POSTGRES_PORT",
} as const satisfies Record<keyof Ports, string>;

export interface Settings {
  /** state folder, absolute */
  home: string;
  /** address that every service binds to */
  host: string;
  ports: Ports;
  /** the admin token, when the environment gives it; else it is in the state folder */
  token: string | undefined;
  /** an outside Postgres in place of the embedded one */
  databaseUrl: string | undefined;
  /** the dashboard's own login to that outside Postgres; default: databaseUrl, read-only */
  readerDatabaseUrl: string | undefined;
  /** milliseconds that the services keep an idle connection */
  keepAliveMs: number;
}

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Reads the environment of a local install; see the table in README.
 * @throws SetupError naming the variable that is wrong.
 */
export function readSettings(env: Environment): Settings {
  const ports: Ports = {
    otlp: readPort(env, PORT_VARIABLES.otlp, DefaultPort.otlpHttp),
    otlpGrpc: readPort(env, PORT_VARIABLES.otlpGrpc, DefaultPort.otlpGrpc),
    scheduler: readPort(env, PORT_VARIABLES.scheduler, DefaultPort.scheduler),
    web: readPort(env, PORT_VARIABLES.web, DefaultPort.web),
    postgres: readPort(env, PORT_VARIABLES.postgres, DefaultPort.postgres),
  };
  rejectSharedPorts(ports);
  const token = nonEmpty(env.SIGNALBOX_TOKEN);
  if (token !== undefined && !/^[\x21-\x7e]{8,512}$/.test(token)) {
    throw new SetupError("bad_token", "SIGNALBOX_TOKEN must be 8 to 512 printable characters without spaces.");
  }
  return {
    home: resolve(nonEmpty(env.SIGNALBOX_HOME) ?? join(homedir(), ".signalbox")),
    host: nonEmpty(env.SIGNALBOX_HOST) ?? "127.0.0.1",
    ports,
    token,
    databaseUrl: readDatabaseUrl(env, "DATABASE_URL"),
    readerDatabaseUrl: readDatabaseUrl(env, "DATABASE_READER_URL"),
    keepAliveMs: readMilliseconds(env, "SIGNALBOX_KEEP_ALIVE_MS", DEFAULT_KEEP_ALIVE_MS),
  };
}

function readPort(env: Environment, name: string, fallback: number): number {
  const text = nonEmpty(env[name]);
  if (text === undefined) return fallback;
  const port = Number(text);
  if (!/^\d+$/.test(text) || port < 1 || port > 65_535) {
    throw new SetupError("bad_port", `${name}=${text} is not a port: use a number from 1 to 65535.`);
  }
  return port;
}

function readMilliseconds(env: Environment, name: string, fallback: number): number {
  const text = nonEmpty(env[name]);
  if (text === undefined) return fallback;
  if (!/^[1-9]\d{0,8}$/.test(text)) throw new SetupError("bad_time", `${name}=${text} is no time: use milliseconds, 1 to 999999999.`);
  return Number(text);
}

function rejectSharedPorts(ports: Ports): void {
  const seen = new Map<number, string>();
  for (const part of Object.keys(PORT_VARIABLES) as (keyof Ports)[]) {
    const other = seen.get(ports[part]);
    if (other !== undefined) {
      throw new SetupError("bad_port", `${other} and ${PORT_VARIABLES[part]} are both ${ports[part]}: give each its own port.`);
    }
    seen.set(ports[part], PORT_VARIABLES[part]);
  }
}

function readDatabaseUrl(env: Environment, name: string): string | undefined {
  const text = nonEmpty(env[name]);
  if (text === undefined) return undefined;
  // The value is never echoed: it may hold a password.
  if (!/^postgres(ql)?:\/\//.test(text) || !URL.canParse(text)) {
    throw new SetupError("bad_database_url", `${name} is not a Postgres address: use postgres://user:password@host:5432/database.`);
  }
  return text;
}

function nonEmpty(value: string | undefined): string | undefined {
  return value === undefined || value.trim() === "" ? undefined : value.trim();
}

/** The addresses that people and agents use. A service bound to every interface is still reached on loopback here. */
export interface Addresses {
  web: string;
  scheduler: string;
  otlp: string;
  otlpGrpc: string;
}

export function addressesOf(settings: Pick<Settings, "host" | "ports">): Addresses {
  const { host, ports } = settings;
  const reachable = host === "0.0.0.0" ? "127.0.0.1" : host === "::" ? "[::1]" : host.includes(":") ? `[${host}]` : host;
  return {
    web: `http://${reachable}:${ports.web}`,
    scheduler: `http://${reachable}:${ports.scheduler}`,
    otlp: `http://${reachable}:${ports.otlp}`,
    otlpGrpc: `http://${reachable}:${ports.otlpGrpc}`,
  };
}
