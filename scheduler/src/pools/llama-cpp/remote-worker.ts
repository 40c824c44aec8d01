/** A pool whose llama.cpp worker runs elsewhere (`signalbox pool-worker`) and is reached over TCP with a key. */

import type { LlamaCppPoolConfig } from "../../config/schema.ts";
import type { Log } from "../../log.ts";
import type { Connection, ConnectionState } from "../connection.ts";
import type { MeasuredSpeed, WorkerStatus } from "./protocol.ts";
import { createSessionHost, type SessionRegistry } from "./sessions.ts";
import { createWorkerClient, WorkerError } from "./worker-client.ts";

export interface RemoteWorkerOptions {
  config: LlamaCppPoolConfig & { url: string };
  key: string | undefined;
  log: Log;
  onSpeed: (speed: MeasuredSpeed) => void;
  sessions: SessionRegistry;
}

export function connectRemoteWorker({ config, key, log, onSpeed, sessions }: RemoteWorkerOptions): Connection {
  const { name, url, slots } = config;
  let state: ConnectionState = { kind: "starting" };
  let closed = false;
  let measured: string | undefined;
  let heardAt = performance.now();
  const host = createSessionHost(name, sessions, { onStatus: seen, onError: missed });

  const connect = () => host.attach(createWorkerClient({ address: { url }, key, local: false }));

  function seen(status: WorkerStatus): void {
    heardAt = performance.now();
    if (status.started !== measured) {
      measured = status.started;
      onSpeed(status.speed);
      if (status.slots < slots) {
        log.warn("a remote worker has fewer slots than its pool: calls will wait there", { pool: name, slots, worker_slots: status.slots });
      }
    }
    if (state.kind !== "healthy") log.info("pool ready", { pool: name, url, model: status.model });
    state = { kind: "healthy" };
  }

  function missed(error: Error): void {
    const reason =
      error instanceof WorkerError && error.status === 401
        ? `${url} refused the key (401): see api_key_env of pool ${name}`
        : error instanceof WorkerError
          ? `${url}: ${error.message}`
          : `${url} cannot be reached: ${(error as NodeJS.ErrnoException).code ?? error.message}`;
    if (state.kind !== "unhealthy" || state.reason !== reason) log.warn("pool down", { pool: name, reason });
    state = { kind: "unhealthy", reason };
    if (error instanceof WorkerError || performance.now() - heardAt < config.heartbeat_timeout_ms) return;
    heardAt = performance.now();
    // Its calls would wait for ever: closing their connections ends them, as a crash would.
    void host.detach().then(() => closed || connect());
  }

  return {
    get state() {
      return state;
    },
    get upstream() {
      return state.kind === "healthy" ? host.client?.upstream : undefined;
    },
    sessions: host,
    start: connect,
    close() {
      closed = true;
      return host.detach();
    },
  };
}
