/** What the scheduler and a llama.cpp worker process say to each other over their IPC channel. Requests go over HTTP. */

/** The environment variable that hands a worker its options. */
export const WORKER_OPTIONS = "SIGNALBOX_POOL_WORKER";

/** What the scheduler wants of a worker, as JSON in its environment. */
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
  /** Demo only: the least milliseconds per generated token, so that one machine can stand in for two of unlike speed. */
  demoPaceMs?: number;
  /** Unix socket to listen on; where that fails the worker takes a loopback TCP port. */
  socketPath?: string;
  /** Required as `Authorization: Bearer …` on every request. */
  key: string;
}

/** Speeds measured before the first request. */
export interface MeasuredSpeed {
  prefillTokensPerSecond: number;
  /** One sequence alone. */
  decodeMsPerToken: number;
  /** Every slot generating. */
  decodeMsPerTokenFull: number;
}

export type WorkerAddress = { socketPath: string } | { port: number };

export type WorkerMessage = { type: "ready"; address: WorkerAddress; speed: MeasuredSpeed } | { type: "failed"; message: string };
