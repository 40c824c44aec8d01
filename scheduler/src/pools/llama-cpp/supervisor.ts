/** A pool whose llama.cpp worker is a process of our own. */

import { randomBytes } from "node:crypto";
import { mkdirSync } from "node:fs";
import path from "node:path";
import type { LlamaCppPoolConfig } from "../../config/schema.ts";
import type { Log } from "../../log.ts";
import type { Connection, ConnectionState } from "../connection.ts";
import { type KvFolders, makeKvFolders } from "./kv-folders.ts";
import type { MeasuredSpeed } from "./protocol.ts";
import { createSessionHost, type SessionRegistry } from "./sessions.ts";
import { createWorkerClient } from "./worker-client.ts";
import { workerOptions } from "./worker-options.ts";
import { superviseWorker } from "./worker-process.ts";

/** Started so far: a pool that is drained and the one in its place have one name. */
let workers = 0;
/** Unix socket addresses hold 108 bytes on Linux and 104 on macOS, the closing zero included. */
const MAX_SOCKET_PATH = 103;

export interface LlamaCppOptions {
  config: LlamaCppPoolConfig;
  /** The state folder: sockets in `run/`, the demo model in `models/`, session state in `kv/`. */
  home: string;
  /** What relative paths are relative to. */
  configDirectory: string;
  log: Log;
  onSpeed: (speed: MeasuredSpeed) => void;
  sessions: SessionRegistry;
}

export function connectLlamaCpp({ config, home, configDirectory, log, onSpeed, sessions }: LlamaCppOptions): Connection {
  let state: ConnectionState = { kind: "starting" };
  let folders: KvFolders | undefined;
  const host = createSessionHost(config.name, sessions);

  const worker = superviseWorker({
    pool: config.name,
    heartbeatTimeoutMs: config.heartbeat_timeout_ms,
    log,
    async options() {
      folders ??= makeKvFolders(config, home, configDirectory);
      const key = randomBytes(24).toString("hex");
      return workerOptions(config, { home, configDirectory, listen: { socket: socketPath() }, kv: folders.options, key });
    },
    onReady(address, speed, { key }) {
      host.attach(createWorkerClient({ address, key, local: true }));
      onSpeed(speed);
      state = { kind: "healthy" };
    },
    onDown(reason) {
      void host.detach();
      state = { kind: "unhealthy", reason };
    },
  });

  function socketPath(): string | undefined {
    const place = path.join(home, "run", `pool-${config.name.replace(/[^\w-]/g, "_")}-${process.pid}-${++workers}.sock`);
    mkdirSync(path.dirname(place), { recursive: true, mode: 0o700 });
    return Buffer.byteLength(place) <= MAX_SOCKET_PATH ? place : undefined;
  }

  return {
    get state() {
      return state;
    },
    get upstream() {
      return host.client?.upstream;
    },
    sessions: host,
    start: () => worker.start(),
    async close() {
      await worker.close();
      await host.detach();
      folders?.remove();
    },
  };
}
