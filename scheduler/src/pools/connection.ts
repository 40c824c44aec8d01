/** How a pool's engine is reached. One implementation per engine; everything above it is the same for all. */

import type { Identity } from "../admission/identity.ts";
import type { EngineClient } from "../http/wire/client.ts";
import type { DecisionRecord } from "../telemetry/record.ts";
import type { KvCounters, KvTier } from "./llama-cpp/protocol.ts";
import type { Probe } from "./probe.ts";

/** `draining`: the engine is well and ends what it has; it gets no new calls. */
export type ConnectionState = { kind: "starting" } | { kind: "healthy" } | { kind: "draining" } | { kind: "unhealthy"; reason: string };

/** Where requests go while the engine is up. */
export interface Upstream {
  dispatcher: EngineClient;
  origin: string;
  /** Before `/chat/completions`, `/messages`, …: as in `/v1`. */
  basePath: string;
  /** The engine's own key. */
  authorization: string | undefined;
  /** The same where the engine wants it as `x-api-key`. */
  apiKey?: string | undefined;
  /** The caller's own credentials go here, and no key of ours. */
  callerCredentials?: boolean;
}

/** What calls that continue each other have in common. */
export type Conversation = Pick<Identity, "project" | "session" | "agent">;

/** Whose call it is, and where its span stands. */
export type SessionCall = Pick<DecisionRecord, "identity" | "operation" | "traceId" | "spanId">;

/** A session's state, as it was known within the last second. */
export interface WarmState {
  /** The most tokens at the start of its next prompt that need not be evaluated; what the prompt shares with them, nobody knows before it came. */
  tokens: number;
  tier: KvTier;
  /** Milliseconds until they are in a sequence of this pool; undefined: nothing of the kind was moved yet. */
  restoreMs: number | undefined;
}

/** Sessions by tier, and what became of state so far. */
export interface HeldSessions extends Record<KvTier, number>, KvCounters {}

/** An engine that keeps evaluated state of sessions, and hands it over. */
export interface PoolSessions {
  /** Before a call is sent: brings the session's state from another pool. Never rejects. @returns names and values of headers to send, in turn */
  prepare(call: SessionCall): Promise<string[]>;
  /** What this pool would have of a session, brought from another one or not; undefined: nothing. */
  warm(conversation: Conversation): WarmState | undefined;
  /** Hands every session to pools that can go on with it; `kept`: those that none can. */
  moveAll(): Promise<{ moved: number; kept: number }>;
  /** What is held, for those who look; undefined while the engine is not up. */
  readonly held: HeldSessions | undefined;
  /** It takes no sessions of others: set while it drains. */
  closed: boolean;
}

export interface Connection {
  readonly state: ConnectionState;
  /** Where the engine is asked whether it answers. */
  readonly probe?: Pick<Probe, "last" | "asked" | "failed">;
  /** Where the engine keeps state of sessions. */
  readonly sessions?: PoolSessions;
  /** Undefined while the engine cannot be reached. */
  readonly upstream: Upstream | undefined;
  start(): void;
  close(): Promise<void>;
}
