/**
 * What the scheduler and a llama.cpp worker say to each other. Requests go over HTTP; a worker on the same machine also has an IPC
 * channel to its parent, for its address and its end.
 */

/** The environment variable that hands a worker its options. */
export const WORKER_OPTIONS = "SIGNALBOX_POOL_WORKER";

/** Names the session of a request: only a worker's own callers send it. 32 hex digits, see `sessionKey`. */
export const SESSION_HEADER = "x-signalbox-kv-session";

/** Describes the bytes of a state on their way between machines, as JSON. */
export const STATE_HEADER = "x-signalbox-kv-state";

/** What a worker is told at its start, as JSON in its environment. */
export interface WorkerOptions {
  pool: string;
  /** Absolute path of a GGUF file. */
  modelPath: string;
  /** The model id answered in `GET /v1/models` and in replies. */
  modelId: string;
  /** Sequences evaluated in parallel. */
  slots: number;
  /** Tokens of context per sequence. */
  contextTokens: number;
  gpu: "auto" | false;
  threads?: number;
  /** Ceiling on a reply's tokens, and what is taken where a request names none. */
  maxOutputTokens: number;
  /** The model is the demo's, whose weights never close a string or a list: where a grammar rules, those tokens are made likelier. */
  demo: boolean;
  /** Demo only: the least milliseconds per generated token, so that one machine can stand in for two of unlike speed. */
  demoPaceMs?: number;
  listen: WorkerListen;
  kv: KvOptions;
  /** Required as `Authorization: Bearer …` on every request. */
  key: string;
}

/** `socket`: where that path cannot be listened on, the worker takes a loopback TCP port. */
export type WorkerListen = { socket: string | undefined } | { host: string; port: number };

/** Where evaluated state of sessions is kept when their sequence is wanted for another. Folders exist, and are the worker's alone. */
export interface KvOptions {
  /** In memory (tmpfs), where the system has such a folder. */
  ram: KvTierOptions | undefined;
  file: KvTierOptions;
  /** Milliseconds that a state nobody asked for is kept. */
  maxIdleMs: number;
}
export interface KvTierOptions {
  folder: string;
  bytes: number;
}

/** Speeds measured before the first request. */
export interface MeasuredSpeed {
  prefillTokensPerSecond: number;
  /** One sequence alone. */
  decodeMsPerToken: number;
  /** Every slot generating. */
  decodeMsPerTokenFull: number;
}

export type WorkerAddress = { socketPath: string } | { host: string; port: number };

export type WorkerMessage =
  | { type: "ready"; address: WorkerAddress; speed: MeasuredSpeed }
  | { type: "failed"; message: string }
  /** The answer to each message of the parent's. */
  | { type: "alive" };

/** `live`: in a sequence of the context, hence in VRAM or the worker's memory. */
export type KvTier = "live" | "ram" | "file";

/** A session's state on a worker. */
export interface SessionState {
  key: string;
  tier: KvTier;
  tokens: number;
  /** Undefined for live ones, whose size nobody knows before it is written. */
  bytes: number | undefined;
}

/** State that changed its tier within a worker. */
export interface TierMove {
  /** Rising within a worker process. */
  id: number;
  key: string;
  from: KvTier;
  to: KvTier;
  tokens: number;
  bytes: number;
  /** Milliseconds since the epoch. */
  startedAt: number;
  ms: number;
  /** Of the request that it was for. */
  traceparent: string | undefined;
}

export interface KvCounters {
  saved: number;
  restored: number;
  /** Moved from memory to a file. */
  demoted: number;
  /** Removed, since both tiers were full, too old, or could not be written. */
  dropped: number;
  /** Damaged, or not loadable: evaluated again instead. */
  corrupt: number;
}

/** The body of `GET /status`. */
export interface WorkerStatus {
  model: string;
  slots: number;
  context_tokens: number;
  max_output_tokens: number;
  /** State can be moved between workers whose identity is equal, and no others. */
  identity: string;
  /** Of this process: moves are counted anew after its restart. */
  started: string;
  speed: MeasuredSpeed;
  /** Milliseconds for a megabyte of state, seen on this worker; undefined before the first. */
  restore_ms_per_mb: number | undefined;
  /** Of the state that came into a lower tier last; undefined before the first. */
  bytes_per_token: number | undefined;
  kv: KvCounters;
  /** That the lower tiers can take without dropping anything. */
  room_bytes: number;
  sessions: SessionState[];
  /** Those after `?since=<id>`, the newest 256 at most. */
  moves: TierMove[];
}

/** A state that was written out: the answer to `POST /kv/{key}/export`, and with a path of the same machine the body of `…/import`. */
export interface ExportedState {
  identity: string;
  tokens: number;
  bytes: number;
  /** CRC-32 of the file. */
  checksum: number;
  path: string;
  /** Where it was before. */
  tier: KvTier;
}
