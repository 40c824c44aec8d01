import type { SpanRecord } from "@signalbox/otel/provider";
import type { Identity } from "../sessions.ts";

/** What is known of a turn, an LLM call and a tool call while they are under way. */

/** Whose a span is. */
export interface Owner {
  identity: Identity;
  turnId: string;
}

export interface Turn extends Owner {
  /** OpenClaw's own id of the session that runs: of a sub-agent not that of its root. */
  hostSessionId: string | undefined;
  traceId: string;
  spanId: string;
  startMs: number;
  /** The turn in whose trace this one is, of the same session: what an announcement follows. */
  follows: string | undefined;
  /** The first attempt, where OpenClaw tries a run once more, after an error of the provider say: one turn all the same. */
  attemptOf: Turn | undefined;
  /** The turn of the spawner, for a sub-agent whose tool call is not known. */
  spawnerSpanId: string | undefined;
  calls: Map<string, Call>;
  /** Of its first call. */
  provider: string | undefined;
  tools: Map<string, ToolCall>;
  prompt: SpanRecord["attributes"];
  endedMs: number | undefined;
  /** It may still call a model or a tool. Until its end OpenClaw then writes down what it did, seconds on a busy machine. */
  works: boolean;
  /** Until when events of its calls may come after its end. */
  lateUntilMs: number;
}

export interface Call {
  /** Undefined for a call that is made in no run: a compaction that somebody asked for. */
  turn: Turn | undefined;
  owner: Owner | undefined;
  traceId: string;
  spanId: string;
  startMs: number;
  provider: string;
  model: string;
  routed: boolean;
  response: SpanRecord["attributes"];
  message: SpanRecord["attributes"];
  sessionKey: string | undefined;
}

export interface ToolCall {
  traceId: string;
  spanId: string;
  startMs: number;
  name: string;
  id: string;
}

/** Of a span that failed; undefined of one that did not. */
export const failure = (error: string | undefined): SpanRecord["error"] => (error === undefined ? undefined : { message: error });
