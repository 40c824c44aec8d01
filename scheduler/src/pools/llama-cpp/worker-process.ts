/** Keeps a llama.cpp worker process alive: starts it, hears its address and speed, starts it again with backoff when it dies or hangs. */

import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import type { Log } from "../../log.ts";
import { watchHeartbeat } from "./heartbeat.ts";
import { type MeasuredSpeed, WORKER_OPTIONS, type WorkerAddress, type WorkerMessage, type WorkerOptions } from "./protocol.ts";

const WORKER = fileURLToPath(new URL("./worker.ts", import.meta.url));
const FIRST_BACKOFF_MS = 250;
const MAX_BACKOFF_MS = 30_000;
/** A worker that lived this long starts the backoff anew. */
const STABLE_MS = 60_000;
const STOP_GRACE_MS = 2_000;

export interface WorkerProcess {
  start(): void;
  close(): Promise<void>;
}

export interface WorkerProcessOptions {
  pool: string;
  /** Milliseconds of silence after which a worker that was ready is taken to hang. */
  heartbeatTimeoutMs: number;
  /** Asked before every start. */
  options: () => Promise<WorkerOptions>;
  onReady: (address: WorkerAddress, speed: MeasuredSpeed, options: WorkerOptions) => void;
  /** @param reason in words */
  onDown: (reason: string) => void;
  log: Log;
}

export function superviseWorker({
  pool,
  heartbeatTimeoutMs,
  options: nextOptions,
  onReady,
  onDown,
  log,
}: WorkerProcessOptions): WorkerProcess {
  let child: ChildProcess | undefined;
  let backoffMs = FIRST_BACKOFF_MS;
  let restart: NodeJS.Timeout | undefined;
  let closing = false;

  async function launch(): Promise<void> {
    const startedAt = Date.now();
    let failure: string | undefined;
    let heartbeat: NodeJS.Timeout | undefined;
    try {
      const options = await nextOptions();
      if (closing) return;
      // In the environment, not on the command line: that one every user of the machine can read, and the key is in here.
      const env = { ...process.env, [WORKER_OPTIONS]: JSON.stringify(options) };
      const worker = fork(WORKER, [], { env, stdio: ["ignore", "ignore", "inherit", "ipc"] });
      child = worker;
      worker.on("message", (message: WorkerMessage) => {
        if (message.type === "failed") failure = message.message;
        else if (message.type === "ready") {
          heartbeat = watchHeartbeat(worker, heartbeatTimeoutMs, () => {
            failure = `worker hung: it said nothing for ${heartbeatTimeoutMs} ms`;
            // A stopped process hears nothing else.
            worker.kill("SIGKILL");
          });
          onReady(message.address, message.speed, options);
          log.info("pool ready", { pool, pid: worker.pid, ...rounded(message.speed) });
        }
      });
      const [code, signal] = (await once(worker, "exit")) as [number | null, string | null];
      failure ??= `worker ended with ${signal ?? `code ${code}`}`;
    } catch (error) {
      failure = error instanceof Error ? error.message : String(error);
    }
    child = undefined;
    clearInterval(heartbeat);
    if (Date.now() - startedAt > STABLE_MS) backoffMs = FIRST_BACKOFF_MS;
    onDown(failure);
    if (closing) return;
    log.warn("pool down", { pool, reason: failure, restart_in_ms: backoffMs });
    restart = setTimeout(() => void launch(), backoffMs);
    backoffMs = Math.min(MAX_BACKOFF_MS, backoffMs * 2);
  }

  return {
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

const rounded = (speed: MeasuredSpeed) => ({
  prefill_tokens_per_second: Math.round(speed.prefillTokensPerSecond),
  decode_ms_per_token: speed.decodeMsPerToken.toFixed(1),
  decode_ms_per_token_full: speed.decodeMsPerTokenFull.toFixed(1),
});
