/**
 * `signalbox pool-worker`: a llama.cpp worker served over TCP, for a scheduler on another machine. Plain HTTP with a key: between
 * machines, put it into a private network or a tunnel.
 */

import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { existsSync, mkdirSync } from "node:fs";
import net from "node:net";
import os from "node:os";
import path from "node:path";
import { parseArgs } from "node:util";
import type { LlamaCppPoolConfig } from "../../config/schema.ts";
import { ConfigError, parseConfig } from "../../config.ts";
import { createLog } from "../../log.ts";
import { makeKvFolders } from "./kv-folders.ts";
import { workerOptions } from "./worker-options.ts";
import { superviseWorker } from "./worker-process.ts";

const HELP = `Usage: signalbox pool-worker --model <file.gguf> [options]

Serves a GGUF model to a scheduler on another box, or on this one.

  --model <file>         a GGUF file; demo: the model that Signalbox makes itself
  --host <address>       where to listen (127.0.0.1)
  --port <n>             (4330)
  --key-env <name>       the environment variable that holds the key (SIGNALBOX_POOL_KEY); unset: one is made and printed
  --id <name>            the model's id (the file's name)
  --slots <n>            calls served at once (4)
  --context-tokens <n>   of each slot (8192)
  --max-output-tokens <n> (1024)
  --threads <n>          (what the machine has)
  --gpu                  use the GPU that node-llama-cpp finds
  --kv-ram-bytes <n>  --kv-file-bytes <n>   kept state of sessions, in memory and in files
  --heartbeat-timeout-ms <n>   a worker that says nothing for so long is ended and started again (10000)
  --json                 print one JSON object when ready

Sessions move between pools of the same model, slots and context-tokens; others evaluate their prompts again.
The connection is plain HTTP: use a private network or a tunnel between machines.

Examples:
  SIGNALBOX_POOL_KEY=… npx signalbox pool-worker --model qwen.gguf --host 10.0.0.7 --slots 8
  npx signalbox pool-worker --model demo          prints the pool to put into signalbox.config.yaml
`;

const OPTIONS = {
  model: { type: "string" },
  host: { type: "string", default: "127.0.0.1" },
  port: { type: "string", default: "4330" },
  "key-env": { type: "string", default: "SIGNALBOX_POOL_KEY" },
  id: { type: "string" },
  slots: { type: "string", default: "4" },
  "context-tokens": { type: "string", default: "8192" },
  "max-output-tokens": { type: "string", default: "1024" },
  threads: { type: "string" },
  gpu: { type: "boolean", default: false },
  "kv-ram-bytes": { type: "string" },
  "kv-file-bytes": { type: "string" },
  "heartbeat-timeout-ms": { type: "string" },
  json: { type: "boolean", default: false },
  help: { type: "boolean", short: "h", default: false },
} as const;

/** The user's mistake: told in a line. */
class UsageError extends Error {}

type Values = ReturnType<typeof readArguments>;

function readArguments() {
  try {
    return parseArgs({ options: OPTIONS, strict: true }).values;
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

/** The same checks as a pool of a config file. @throws ConfigError */
function poolConfig(values: Values): LlamaCppPoolConfig {
  const number = (text: string | undefined) => (text === undefined ? undefined : Number(text));
  const { model = "", id = model === "demo" ? "signalbox-demo" : path.basename(model, ".gguf") } = values;
  const pool = {
    name: "pool-worker",
    silicon: values.gpu ? "gpu" : "cpu",
    engine: "llama-cpp",
    model,
    models: [{ id }],
    slots: number(values.slots),
    context_tokens: number(values["context-tokens"]),
    max_output_tokens: number(values["max-output-tokens"]),
    threads: number(values.threads),
    heartbeat_timeout_ms: number(values["heartbeat-timeout-ms"]),
    kv: { ram_bytes: number(values["kv-ram-bytes"]), file_bytes: number(values["kv-file-bytes"]) },
  };
  const [parsed] = parseConfig(JSON.stringify({ pools: [pool] }), "arguments", {}).pools;
  return parsed as LlamaCppPoolConfig;
}

function portOf(text: string): number {
  const port = Number(text);
  if (!/^\d+$/.test(text) || port > 65_535) throw new UsageError(`--port is "${text}"; expected 0 to 65535`);
  return port;
}

/** Said at once: the worker listens when it has loaded the model and measured it. */
async function requireFree({ host, port }: { host: string; port: number }): Promise<void> {
  const probe = net.createServer();
  try {
    probe.listen(port, host);
    await once(probe, "listening");
    probe.close();
    await once(probe, "close");
  } catch (error) {
    throw new UsageError(`cannot listen on ${host}, port ${port}: ${(error as Error).message}`);
  }
}

async function main(): Promise<void> {
  const values = readArguments();
  if (values.help) {
    process.stdout.write(HELP);
    return;
  }
  if (values.model === undefined) throw new UsageError("--model is missing: a GGUF file, or demo");
  if (values.model !== "demo" && !existsSync(values.model)) throw new UsageError(`--model: there is no file ${path.resolve(values.model)}`);
  const config = poolConfig(values);
  const variable = values["key-env"];
  const given = process.env[variable];
  const key = given ?? randomBytes(24).toString("hex");
  const home = path.resolve(process.env.SIGNALBOX_HOME ?? path.join(os.homedir(), ".signalbox"));
  mkdirSync(home, { recursive: true, mode: 0o700 });
  const listen = { host: values.host, port: portOf(values.port) };
  await requireFree(listen);
  const folders = makeKvFolders(config, home, process.cwd());
  let said = false;
  let stopping = false;

  const worker = superviseWorker({
    pool: config.name,
    heartbeatTimeoutMs: config.heartbeat_timeout_ms,
    log: createLog(),
    options: () => workerOptions(config, { home, configDirectory: process.cwd(), listen, kv: folders.options, key }),
    onReady(address) {
      if (said || !("port" in address)) return;
      said = true;
      // A restart listens where the first start did.
      listen.port = address.port;
      const url = `http://${address.host.includes(":") ? `[${address.host}]` : address.host}:${address.port}`;
      if (values.json) process.stdout.write(`${JSON.stringify({ state: "ready", url, model: config.models[0]?.id, key_env: variable })}\n`);
      else process.stdout.write(introduction(url, config, variable));
      if (given === undefined) process.stderr.write(`${variable} is not set; for this run the key is ${key}\n`);
    },
    // One that has served is started again; what never could serve is put right by whoever started it.
    onDown(reason) {
      if (said || stopping) return;
      folders.remove();
      refuse(reason);
      process.exit();
    },
  });
  worker.start();
  const stop = async () => {
    stopping = true;
    await worker.close();
    folders.remove();
    process.exit(0);
  };
  process.once("SIGTERM", stop);
  process.once("SIGINT", stop);
  // Started by the command line, which may be killed.
  if (process.channel) process.once("disconnect", stop);
}

const introduction = (url: string, { models, slots, silicon, context_tokens }: LlamaCppPoolConfig, variable: string) => `
Serving ${models[0]?.id} at ${url}. In the scheduler's signalbox.config.yaml, with the key in ${variable} there too:

pools:
  - name: ${os.hostname().replace(/[^\w-]/g, "-") || "box"}
    silicon: ${silicon}
    engine: llama-cpp
    url: ${url}
    api_key_env: ${variable}
    models: [{ id: ${models[0]?.id} }]
    slots: ${slots}
    context_tokens: ${context_tokens}

`;

function refuse(message: string): void {
  if (process.argv.includes("--json")) process.stdout.write(`${JSON.stringify({ error: { code: "pool_worker", message } })}\n`);
  else process.stderr.write(`signalbox pool-worker: ${message}. --help shows what there is.\n`);
  process.exitCode = 1;
}

try {
  await main();
} catch (error) {
  if (!(error instanceof UsageError || error instanceof ConfigError)) throw error;
  refuse(error.message);
}
