/** What a scripted provider is told to answer, in terms no dialect owns. A dialect (`provider-chat.ts`) turns a plan into bytes. */

import type { TokenUsage } from "@signalbox/otel/prices";

export interface PlannedToolCall {
  /** Default: `call_<request number>_<index>`. */
  id?: string;
  name: string;
  /** A string is sent as it is, anything else as JSON. */
  arguments: unknown;
}

export interface PlannedError {
  status: number;
  message?: string;
  type?: string;
  code?: string;
  headers?: Record<string, string>;
}

/** Where a reply breaks off: before its status line, or after half of its chunks (half of its bytes when not streamed). */
export type BreakPoint = "before-first-byte" | "mid-stream";

export interface ReplyPlan {
  /** Default: a short greeting, unless there are tool calls. */
  text?: string;
  toolCalls?: PlannedToolCall[];
  /** What the reply says its model is. Default: the one asked for. */
  model?: string;
  /** Default: input from the body's size (4 bytes a token), one output token per chunk. */
  usage?: Partial<TokenUsage> & { reasoning?: number };
  /** Milliseconds before the first byte. */
  delayMs?: number;
  /** Milliseconds between chunks of a stream. */
  chunkDelayMs?: number;
  /** Answer with an error in place of a reply. */
  error?: PlannedError;
  /** Answer 200 with this, whatever it is; charged as the whole prompt. */
  raw?: { type: string; body: string };
  /** Go silent and keep the connection open. */
  hang?: BreakPoint;
  /** Close the socket without an end. */
  reset?: BreakPoint;
}

/** Tokens that were served. */
export type ServedUsage = TokenUsage & { cacheRead: number; reasoning: number };

/** A request as a script sees it. */
export interface ScriptedRequest {
  method: string;
  path: string;
  headers: Record<string, string | string[] | undefined>;
  /** The parsed JSON body; an empty object when there was none. */
  body: Record<string, unknown>;
  rawBody: string;
  model: string;
  stream: boolean;
}

/** `n` counts the requests from 1. */
export type Script = (request: ScriptedRequest, n: number) => ReplyPlan | Promise<ReplyPlan>;

/** The text of the last message of a given role, parts joined: what most scripts decide on. */
export function lastText(request: ScriptedRequest, role = "user"): string {
  const messages = Array.isArray(request.body.messages) ? (request.body.messages as { role?: string; content?: unknown }[]) : [];
  const content = messages.findLast((message) => message.role === role)?.content;
  if (typeof content === "string") return content;
  if (!Array.isArray(content)) return "";
  return (content as { text?: string }[]).map((part) => part.text ?? "").join("\n");
}
