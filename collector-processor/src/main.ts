import os from "node:os";
import path from "node:path";
import { DEFAULT_KEEP_ALIVE_MS, DefaultPort } from "@signalbox/otel/conventions";
import { followPrices } from "@signalbox/otel/prices";
import { startCollector } from "./app.ts";
import { configPath, readConfig } from "./config.ts";
import { stderrLog } from "./log.ts";

const EXIT_PORT_TAKEN = 98;
const log = stderrLog();

/** @throws when the variable is no port. */
function environmentPort(variable: string, fallback: number): number {
  const text = process.env[variable] || String(fallback);
  const port = Number(text);
  if (!Number.isInteger(port) || port < 0 || port > 65_535) throw new Error(`${variable} is ${text}: it must be a port, 0 to 65535`);
  return port;
}

/** @throws when the variable is no time. */
function environmentMs(variable: string, fallback: number): number {
  const ms = Number(process.env[variable] || fallback);
  if (!(ms >= 1)) throw new Error(`${variable} is ${process.env[variable]}: it must be a number of milliseconds`);
  return ms;
}

const HTTP_PORT = "SIGNALBOX_OTLP_PORT";
const GRPC_PORT = "SIGNALBOX_OTLP_GRPC_PORT";

async function main(): Promise<void> {
  const databaseUrl = process.env.DATABASE_URL;
  if (!databaseUrl) throw new Error("DATABASE_URL is not set: give the connection string of a Postgres 15 or later");
  const home = process.env.SIGNALBOX_HOME || path.join(os.homedir(), ".signalbox");
  const file = configPath(process.env, home);
  const config = readConfig(file, process.env, home);
  const prices = followPrices(home, log, config.baseline);
  const collector = await startCollector({
    host: process.env.SIGNALBOX_HOST || "127.0.0.1",
    port: environmentPort(HTTP_PORT, DefaultPort.otlpHttp),
    grpcPort: environmentPort(GRPC_PORT, DefaultPort.otlpGrpc),
    databaseUrl,
    config: { ...config, prices },
    keepAliveMs: environmentMs("SIGNALBOX_KEEP_ALIVE_MS", DEFAULT_KEEP_ALIVE_MS),
    walDir: config.limits.wal === "on" ? (config.limits.wal_dir ?? path.join(home, "wal")) : undefined,
    log,
  });
  log.info("listening", { url: collector.url, grpc: collector.grpcUrl ?? "none", config: file ?? "defaults" });

  let stopping = false;
  const stop = (signal: NodeJS.Signals) => {
    if (stopping) return;
    stopping = true;
    log.info("stopping", { signal });
    prices.close();
    collector.close().then(
      () => process.exit(0),
      (error: Error) => {
        log.error("could not stop cleanly", { error: error.message });
        process.exit(1);
      },
    );
  };
  process.on("SIGTERM", stop);
  process.on("SIGINT", stop);
}

main().catch((error: NodeJS.ErrnoException & { port?: number }) => {
  if (error.code === "EADDRINUSE") {
    const variable = error.port === environmentPort(GRPC_PORT, DefaultPort.otlpGrpc) ? GRPC_PORT : HTTP_PORT;
    log.error(`port ${error.port} is taken: free it, or set ${variable} to another`);
    process.exit(EXIT_PORT_TAKEN);
  }
  log.error(error.message);
  process.exit(1);
});
