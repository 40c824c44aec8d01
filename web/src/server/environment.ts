import { homedir } from "node:os";
import { join } from "node:path";

/** What the process was started with. Read at each call, because a build must not freeze the builder's own environment. */
export const environment = {
  databaseUrl: () => process.env.DATABASE_URL ?? "",
  /** The admin token. Empty: nobody can log in, and every read is refused. */
  token: () => process.env.SIGNALBOX_TOKEN ?? "",
  home: () => process.env.SIGNALBOX_HOME ?? join(homedir(), ".signalbox"),
  /** The scheduler's control API. It takes the same admin token. */
  schedulerUrl: () => process.env.SIGNALBOX_SCHEDULER_URL ?? "http://127.0.0.1:4320",
  /** The collector: alert rules and channels are changed there. It takes the same admin token. */
  collectorUrl: () => process.env.SIGNALBOX_OTLP_ENDPOINT ?? "http://127.0.0.1:4318",
  port: () => process.env.PORT ?? "4321",
  isDevelopment: () => process.env.NODE_ENV === "development",
};
