/** `node scheduler/src/main.ts`: the scheduler as a process, configured by its environment. */

import { mkdirSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import v8 from "node:v8";
import { DEFAULT_KEEP_ALIVE_MS, DefaultPort } from "@signalbox/otel/conventions";
import { startScheduler } from "./app.ts";
import { type Config, ConfigError, demoConfig, findConfig, loadConfig } from "./config.ts";
import { createLog } from "./log.ts";
import { configOf, discover } from "./pools/discovery/discover.ts";

const PORT_TAKEN = 98;
const BAD_CONFIG = 78;

const { env } = process;
const log = createLog();
const home = path.resolve(env.SIGNALBOX_HOME ?? path.join(os.homedir(), ".signalbox"));
const port = Number(env.SIGNALBOX_SCHEDULER_PORT ?? DefaultPort.scheduler);

// The last decisions are kept. Where few calls come between two garbage collections that is all of them, and V8 begins to make what they
// are made of in the old generation, where each holds what it points at until a major collection: 5 µs a request.
v8.setFlagsFromString("--no-allocation-site-pretenuring");
// Bodies are outside the heap. By a limit of their own V8 begins a major collection after every 150 requests of 117 KB, a quarter of all they
// take, for bytes that a minor one frees as well.
v8.setFlagsFromString("--external-memory-accounted-in-global-limit");

// What a request passes through are many small functions, each a call from the next: V8 joins about twice as many of them as it would, 3 % of what a
// request takes. Twice that again gave no more, and compiles longer at the start.
v8.setFlagsFromString("--max-inlined-bytecode-size=700");
v8.setFlagsFromString("--max-inlined-bytecode-size-cumulative=2000");

try {
  const keepAliveMs = Number(env.SIGNALBOX_KEEP_ALIVE_MS || DEFAULT_KEEP_ALIVE_MS);
  if (!(keepAliveMs >= 1))
    throw new Error(`SIGNALBOX_KEEP_ALIVE_MS is ${env.SIGNALBOX_KEEP_ALIVE_MS}: it must be a number of milliseconds`);
  mkdirSync(home, { recursive: true, mode: 0o700 });
  const file = findConfig(home, env.SIGNALBOX_CONFIG);
  log.info("config", { file: file ?? "none: what this machine has, or built-in demo pools" });
  const { config, found } = file ? { config: loadConfig(file), found: [] } : await withoutConfig();
  const starting = startScheduler({
    config,
    found,
    configDirectory: file ? path.dirname(file) : home,
    ...(file && { configFile: file }),
    home,
    host: env.SIGNALBOX_HOST ?? "127.0.0.1",
    port,
    ...(env.SIGNALBOX_TOKEN && { token: env.SIGNALBOX_TOKEN }),
    ...(env.DATABASE_URL && { databaseUrl: env.DATABASE_URL }),
    ...(env.SIGNALBOX_OTLP_ENDPOINT && { otlpEndpoint: env.SIGNALBOX_OTLP_ENDPOINT }),
    environment: env,
    limits: { keepAliveMs },
    log,
  });
  // Before it says that it listens: whoever reads that may send one at once, and unheard it would end the process.
  process.on(
    "SIGHUP",
    () =>
      void starting.then(
        ({ reload }) => reload(),
        () => {},
      ),
  );
  const scheduler = await starting;
  let stopping = false;
  const stop = async (signal: string) => {
    if (stopping) return;
    stopping = true;
    log.info("stopping", { signal });
    await scheduler.close();
    process.exit(0);
  };
  process.on("SIGTERM", stop);
  process.on("SIGINT", stop);
} catch (error) {
  process.exit(explain(error));
}

/** SIGNALBOX_DISCOVERY=off: the demo pools and no look around. */
async function withoutConfig(): Promise<{ config: Config; found: string[] }> {
  if (env.SIGNALBOX_DISCOVERY === "off") return { config: demoConfig(), found: [] };
  const findings = await discover({ environment: env, home });
  const found = findings.map(({ text }) => text);
  for (const text of found) log.info("found", { what: text });
  return { config: configOf(findings, env), found };
}

/** Says what went wrong in a line, or a line per mistake of the config, and chooses the exit code. */
function explain(error: unknown): number {
  if (error instanceof ConfigError) {
    for (const problem of error.problems) log.error(problem);
    return BAD_CONFIG;
  }
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === "EADDRINUSE") {
    log.error(`port ${port} is taken: stop what holds it, or set SIGNALBOX_SCHEDULER_PORT to another`);
    return PORT_TAKEN;
  }
  log.error("start failed", { reason: message });
  return 1;
}
