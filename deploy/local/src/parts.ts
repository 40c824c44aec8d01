import { dirname, join } from "node:path";
import type { Database } from "./database.ts";
import type { PartSpec } from "./part.ts";
import type { Addresses, Settings } from "./settings.ts";
import type { StatePaths } from "./state-folder.ts";

export interface PartContext {
  /** the repository */
  root: string;
  settings: Settings;
  paths: StatePaths;
  addresses: Addresses;
  token: string;
  database: Pick<Database, "url" | "readerUrl">;
  /** Next's standalone server */
  webServer: string;
  /** what the user started us with; only the process contract's variables are added to it */
  env: NodeJS.ProcessEnv;
  /** where the user started us: ./signalbox.config.yaml is looked for there */
  cwd: string;
}

/**
 * The collector works while an agent does, on what that has just sent, and nobody waits for it: on a machine with few cores the agent's turn
 * goes first. A turn of Codex, a thousand records of telemetry, was 32 ms longer on two cores, and is 9 (tests/agents/RESULTS.md).
 */
const COLLECTOR_NICENESS = 5;

/** The three services in the order of their start: each needs only those before it. */
export function partSpecs(context: PartContext): PartSpec[] {
  const { root, settings, paths, addresses, cwd } = context;
  const { DATABASE_READER_URL: _unused, ...inherited } = context.env;
  const common: NodeJS.ProcessEnv = {
    ...inherited,
    NODE_ENV: "production",
    NEXT_TELEMETRY_DISABLED: "1",
    SIGNALBOX_HOST: settings.host,
    SIGNALBOX_HOME: settings.home,
    SIGNALBOX_TOKEN: context.token,
    SIGNALBOX_OTLP_PORT: String(settings.ports.otlp),
    SIGNALBOX_OTLP_GRPC_PORT: String(settings.ports.otlpGrpc),
    SIGNALBOX_SCHEDULER_PORT: String(settings.ports.scheduler),
    SIGNALBOX_KEEP_ALIVE_MS: String(settings.keepAliveMs),
    SIGNALBOX_OTLP_ENDPOINT: addresses.otlp,
    SIGNALBOX_SCHEDULER_URL: addresses.scheduler,
  };
  const logPath = (name: string) => join(paths.logs, `${name}.log`);
  return [
    {
      name: "collector",
      args: [join(root, "collector-processor/src/main.ts")],
      cwd,
      env: { ...common, DATABASE_URL: context.database.url },
      address: addresses.otlp,
      logPath: logPath("collector"),
      niceness: COLLECTOR_NICENESS,
    },
    {
      name: "scheduler",
      args: [join(root, "scheduler/src/main.ts")],
      cwd,
      env: { ...common, DATABASE_URL: context.database.url },
      address: addresses.scheduler,
      logPath: logPath("scheduler"),
    },
    {
      name: "web",
      args: [context.webServer],
      cwd: dirname(context.webServer),
      env: {
        ...common,
        DATABASE_URL: context.database.readerUrl,
        PORT: String(settings.ports.web),
        HOSTNAME: settings.host,
        KEEP_ALIVE_TIMEOUT: String(settings.keepAliveMs),
      },
      address: addresses.web,
      logPath: logPath("web"),
    },
  ];
}
