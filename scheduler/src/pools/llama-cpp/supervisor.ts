/** Keeps a llama.cpp worker process alive: starts it, learns its address and speed, starts it again with backoff when it dies. */

import { type ChildProcess, fork } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdirSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { Pool } from "undici";
import type { LlamaCppPoolConfig } from "../../config/schema.ts";
import type { Log } from "../../log.ts";
import type { Connection, ConnectionState, Upstream } from "../connection.ts";
import { ensureDemoModel } from "./demo-model.ts";
import { type MeasuredSpeed, WORKER_OPTIONS, type WorkerAddress, type WorkerMessage, type WorkerOptions } from "./protocol.ts";

const WORKER = fileURLToPath(new URL("./worker.ts", import.meta.url));
/** Started so far: a pool that is drained and the one in its place have one name. */
let workers = 0;
const FIRST_BACKOFF_MS = 250;
const MAX_BACKOFF_MS = 30_000;
/** A worker that lived this long starts the backoff anew. */
const STABLE_MS = 60_000;
const STOP_GRACE_MS = 2_000;
/** Unix socket addresses hold 108 bytes on Linux and 104 on macOS, the closing zero included. */
const MAX_SOCKET_PATH = 103;

export interface LlamaCppOptions {
  config: LlamaCppPoolConfig;
  /** The state folder: sockets in `run/`, the demo model in `models/`. */
  home: string;
  /** What relative model paths are relative to. */
  configDirectory: string;
  log: Log;
  onSpeed: (speed: MeasuredSpeed) => void;
}

export function connectLlamaCpp({ config, home, configDirectory, log, onSpeed }: LlamaCppOptions): Connection {
  let state: ConnectionState = { kind: "starting" };
  let upstream: Upstream | undefined;
  let child: ChildProcess | undefined;
  let backoffMs = FIRST_BACKOFF_MS;
  let restart: NodeJS.Timeout | undefined;
  let closing = false;

  async function launch(): Promise<void> {
    const startedAt = Date.now();
    const key = randomBytes(24).toString("hex");
    let failure: string | undefined;
    try {
      const options = await workerOptions(key);
      if (closing) return;
      // in the environment, not on the command line: that one every user of the machine can read, and the key is in here
      const env = { ...process.env, [WORKER_OPTIONS]: JSON.stringify(options) };
      const worker = fork(WORKER, [], { env, stdio: ["ignore", "ignore", "inherit", "ipc"] });
      child = worker;
      worker.on("message", (message: WorkerMessage) => {
        if (message.type === "failed") failure = message.message;
        else {
          upstream = connect(message.address, key, config.slots);
          onSpeed(message.speed);
          state = { kind: "healthy" };
          log.info("pool ready", { pool: config.name, pid: worker.pid, ...rounded(message.speed) });
        }
      });
      const [code, signal] = (await once(worker, "exit")) as [number | null, string | null];
      failure ??= `worker ended with ${signal ?? `code ${code}`}`;
    } catch (error) {
      failure = error instanceof Error ? error.message : String(error);
    }
    child = undefined;
    void upstream?.dispatcher.destroy();
    upstream = undefined;
    if (closing) return;
    if (Date.now() - startedAt > STABLE_MS) backoffMs = FIRST_BACKOFF_MS;
    state = { kind: "unhealthy", reason: failure };
    log.warn("pool down", { pool: config.name, reason: failure, restart_in_ms: backoffMs });
    restart = setTimeout(() => void launch(), backoffMs);
    backoffMs = Math.min(MAX_BACKOFF_MS, backoffMs * 2);
  }

  async function workerOptions(key: string): Promise<WorkerOptions> {
    const modelPath =
      config.model === "demo" ? await ensureDemoModel(path.join(home, "models")) : path.resolve(configDirectory, config.model);
    const socketPath = path.join(home, "run", `pool-${config.name.replace(/[^\w-]/g, "_")}-${process.pid}-${++workers}.sock`);
    mkdirSync(path.dirname(socketPath), { recursive: true, mode: 0o700 });
    return {
      pool: config.name,
      modelPath,
      modelId: config.models[0]?.id ?? config.name,
      slots: config.slots,
      contextTokens: config.context_tokens,
      gpu: (config.gpu ?? (config.silicon === "gpu" ? "auto" : "off")) === "auto" ? "auto" : false,
      maxOutputTokens: config.max_output_tokens,
      ...(config.threads !== undefined && { threads: config.threads }),
      ...(config.demo_pace_ms !== undefined && { demoPaceMs: config.demo_pace_ms }),
      ...(Buffer.byteLength(socketPath) <= MAX_SOCKET_PATH && { socketPath }),
      key,
    };
  }

  return {
    get state() {
      return state;
    },
    get upstream() {
      return upstream;
    },
    start() {
      void launch();
    },
    async close() {
      closing = true;
      clearTimeout(restart);
      if (!child || child.exitCode !== null || child.signalCode !== null) return;
      const ended = once(child, "exit");
      const kill = setTimeout(() => child?.kill("SIGKILL"), STOP_GRACE_MS);
      child.kill("SIGTERM");
      await ended;
      clearTimeout(kill);
    },
  };
}

function connect(address: WorkerAddress, key: string, slots: number): Upstream {
  const bySocket = "socketPath" in address;
  const origin = bySocket ? "http://worker" : `http://127.0.0.1:${address.port}`;
  const dispatcher = new Pool(origin, {
    connections: slots,
    pipelining: 1,
    headersTimeout: 0,
    bodyTimeout: 0,
    ...(bySocket && { socketPath: address.socketPath }),
  });
  return { dispatcher, origin, basePath: "/v1", authorization: `Bearer ${key}` };
}

const rounded = (speed: MeasuredSpeed) => ({
  prefill_tokens_per_second: Math.round(speed.prefillTokensPerSecond),
  decode_ms_per_token: speed.decodeMsPerToken.toFixed(1),
  decode_ms_per_token_full: speed.decodeMsPerTokenFull.toFixed(1),
});
