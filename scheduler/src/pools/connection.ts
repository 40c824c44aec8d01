/** How a pool's engine is reached. One implementation per engine; everything above it is the same for all. */

import type { Dispatcher } from "undici";

export type ConnectionState = { kind: "starting" } | { kind: "healthy" } | { kind: "unhealthy"; reason: string };

/** Where requests go while the engine is up. */
export interface Upstream {
  dispatcher: Dispatcher;
  origin: string;
  /** Before `/chat/completions`, `/messages`, …: as in `/v1`. */
  basePath: string;
  /** The engine's own key; clients' keys never pass. */
  authorization: string | undefined;
  /** The same where the engine wants it as `x-api-key`. */
  apiKey?: string | undefined;
}

export interface Connection {
  readonly state: ConnectionState;
  /** Undefined while the engine cannot be reached. */
  readonly upstream: Upstream | undefined;
  start(): void;
  close(): Promise<void>;
}
