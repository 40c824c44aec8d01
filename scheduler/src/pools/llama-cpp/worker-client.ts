/** A scheduler's side of a worker: where calls go, how the worker is, and its sessions' state. */

import { type Dispatcher, Pool } from "undici";
import { EngineClient } from "../../http/wire/client.ts";
import type { Upstream } from "../connection.ts";
import { type ExportedState, STATE_HEADER, type WorkerAddress, type WorkerStatus } from "./protocol.ts";

export interface WorkerClient {
  readonly upstream: Upstream;
  /** It shares our file system: state is handed over by path. */
  readonly local: boolean;
  /** @throws WorkerError; the socket's error */
  status(since: number): Promise<WorkerStatus>;
  /** Writes a session's state out. @returns undefined where it has none, or a call of that session runs */
  exportState(key: string): Promise<ExportedState | undefined>;
  /** Takes over an exported state of a worker on the same machine. @returns its tier here */
  importState(key: string, state: ExportedState): Promise<string>;
  /** The same through our own hands, from any worker to any. @returns undefined where the source has none */
  copyState(key: string, to: WorkerClient): Promise<{ state: Omit<ExportedState, "path">; tier: string } | undefined>;
  receiveState(key: string, described: string, bytes: Dispatcher.DispatchOptions["body"]): Promise<string>;
  forget(key: string): Promise<void>;
  close(): Promise<void>;
}

/** The worker answered, and not as it should. */
export class WorkerError extends Error {
  readonly status: number;
  constructor(status: number, message: string) {
    super(message);
    this.name = "WorkerError";
    this.status = status;
  }
}

const STATUS_TIMEOUT_MS = 3_000;
/** What each half of a move may take: the call waits for it, and a prompt of most lengths is evaluated in as much. */
const MOVE_TIMEOUT_MS = 5_000;
/** A network that swallows packets is told from a worker that thinks. */
const CONNECT_TIMEOUT_MS = 5_000;
const IDLE_MS = 30_000;

export interface WorkerTarget {
  address: WorkerAddress | { url: string };
  key: string | undefined;
  local: boolean;
}

export function createWorkerClient({ address, key, local }: WorkerTarget): WorkerClient {
  const origin = "socketPath" in address ? "http://worker" : "url" in address ? new URL(address.url).origin : originOf(address);
  const socketPath = "socketPath" in address ? { socketPath: address.socketPath } : {};
  const calls = new EngineClient(new URL(origin), { connectTimeoutMs: CONNECT_TIMEOUT_MS, idleMs: IDLE_MS, ...socketPath });
  // Of any method, with bodies that are streams.
  const control = new Pool(origin, { pipelining: 1, connections: 4, connect: { timeout: CONNECT_TIMEOUT_MS, ...socketPath } });
  const authorization = key === undefined ? undefined : `Bearer ${key}`;

  async function ask(
    method: Dispatcher.HttpMethod,
    path: string,
    timeoutMs: number,
    { body, headers }: { body?: Dispatcher.DispatchOptions["body"]; headers?: Record<string, string> } = {},
  ): Promise<Dispatcher.ResponseData> {
    const answer = await control.request({
      method,
      path,
      headers: { ...(authorization !== undefined && { authorization }), ...headers },
      ...(body !== undefined && { body }),
      signal: AbortSignal.timeout(timeoutMs),
    });
    if (answer.statusCode < 300) return answer;
    const text = await answer.body.text();
    throw new WorkerError(answer.statusCode, messageIn(text) ?? `the worker answered ${answer.statusCode}`);
  }

  /** @returns undefined where the worker has nothing to give just now */
  async function unlessAbsent<T>(work: Promise<T>): Promise<T | undefined> {
    try {
      return await work;
    } catch (error) {
      if (error instanceof WorkerError && (error.status === 404 || error.status === 409)) return undefined;
      throw error;
    }
  }

  return {
    upstream: { dispatcher: calls, origin, basePath: "/v1", authorization },
    local,
    async status(since) {
      return (await (await ask("GET", `/status?since=${since}`, STATUS_TIMEOUT_MS)).body.json()) as WorkerStatus;
    },
    async exportState(key) {
      const answer = await unlessAbsent(ask("POST", `/kv/${key}/export`, MOVE_TIMEOUT_MS));
      return (await answer?.body.json()) as ExportedState | undefined;
    },
    async importState(key, state) {
      const answer = await ask("POST", `/kv/${key}/import`, MOVE_TIMEOUT_MS, { body: JSON.stringify(state) });
      return ((await answer.body.json()) as { tier: string }).tier;
    },
    async copyState(key, to) {
      const answer = await unlessAbsent(ask("GET", `/kv/${key}`, MOVE_TIMEOUT_MS));
      if (!answer) return undefined;
      const described = String(answer.headers[STATE_HEADER]);
      try {
        const tier = await to.receiveState(key, described, answer.body);
        return { state: JSON.parse(described) as Omit<ExportedState, "path">, tier };
      } finally {
        answer.body.destroy();
      }
    },
    async receiveState(key, described, bytes) {
      const answer = await ask("PUT", `/kv/${key}`, MOVE_TIMEOUT_MS, { body: bytes, headers: { [STATE_HEADER]: described } });
      return ((await answer.body.json()) as { tier: string }).tier;
    },
    async forget(key) {
      await (await ask("DELETE", `/kv/${key}`, STATUS_TIMEOUT_MS)).body.dump();
    },
    async close() {
      await Promise.all([calls.destroy(), control.destroy()]);
    },
  };
}

const originOf = ({ host, port }: { host: string; port: number }) => `http://${host.includes(":") ? `[${host}]` : host}:${port}`;

function messageIn(body: string): string | undefined {
  try {
    return (JSON.parse(body) as { error?: { message?: string } }).error?.message;
  } catch {
    return undefined;
  }
}
