/**
 * The intermediate representation: what a request, a reply and a stream mean, in no dialect's terms.
 *
 * Invariants: two neighbouring messages never have the same role; tool results stand in user messages, before its other parts;
 * token counts include cached tokens (input) and reasoning (output), whatever the dialect counts.
 */

import type { TokenUsage } from "@signalbox/otel/prices";

export const DIALECTS = ["openai-chat", "openai-responses", "anthropic-messages"] as const;
export type Dialect = (typeof DIALECTS)[number];

/** A place up to which the prompt may be cached. */
export type CacheHint = "5m" | "1h";

/** What a provider sealed so that only it can read or verify it: Anthropic's signature, OpenAI's encrypted_content. */
export interface Seal {
  by: Dialect;
  data: string;
  /** Anthropic's redacted_thinking: the seal is all there is. */
  redacted?: true;
}

export interface TextPart {
  kind: "text";
  text: string;
  cache?: CacheHint;
}

export interface ThinkingPart {
  kind: "thinking";
  text: string;
  seal?: Seal;
}

export type BlobSource = { kind: "url"; url: string } | { kind: "base64"; mediaType: string; data: string };

export interface ImagePart {
  kind: "image";
  source: BlobSource;
  /** OpenAI's `detail`; "auto" is absent. */
  detail?: string;
  cache?: CacheHint;
}

/** A PDF, or another file that the model reads as a document. */
export interface DocumentPart {
  kind: "document";
  source: BlobSource;
  name?: string;
  cache?: CacheHint;
}

export interface ToolCallPart {
  kind: "tool_call";
  id: string;
  name: string;
  /** Codex groups tools: a call names the group too. */
  namespace?: string;
  /** JSON text as the model wrote it; free text where `custom`. */
  arguments: string;
  custom?: true;
  cache?: CacheHint;
}

export type ToolResultContent = TextPart | ImagePart | DocumentPart;

export interface ToolResultPart {
  kind: "tool_result";
  callId: string;
  content: ToolResultContent[];
  isError?: true;
  custom?: true;
  cache?: CacheHint;
}

export interface RefusalPart {
  kind: "refusal";
  text: string;
}

export type SystemMessage = { role: "system"; parts: TextPart[] };
export type UserPart = TextPart | ImagePart | DocumentPart | ToolResultPart;
export type UserMessage = { role: "user"; parts: UserPart[] };
export type AssistantPart = TextPart | ThinkingPart | ToolCallPart | RefusalPart;
export type AssistantMessage = { role: "assistant"; parts: AssistantPart[] };
export type Message = SystemMessage | UserMessage | AssistantMessage;

export type JsonObject = Record<string, unknown>;

export interface FunctionTool {
  kind: "function";
  name: string;
  namespace?: string;
  description?: string;
  parameters: JsonObject;
  strict?: true;
  cache?: CacheHint;
}

/** A tool whose input is free text, bound by a grammar perhaps (Codex's apply_patch). */
export interface CustomTool {
  kind: "custom";
  name: string;
  namespace?: string;
  description?: string;
  grammar?: { syntax: string; definition: string };
}

export type Tool = FunctionTool | CustomTool;

export type ToolChoice = { mode: "auto" | "none" | "required" } | { mode: "tool"; name: string };

export type ResponseFormat =
  | { kind: "json_object" }
  | { kind: "json_schema"; name: string; description?: string; schema: JsonObject; strict?: true };

export const EFFORTS = ["none", "minimal", "low", "medium", "high", "xhigh", "max"] as const;
export type Effort = (typeof EFFORTS)[number];

export interface Reasoning {
  effort?: Effort;
  /** Tokens; Anthropic's manual thinking. */
  budget?: number;
  /** The model decides how much; Anthropic's adaptive thinking. */
  adaptive?: true;
  /** OpenAI's `reasoning.summary`. */
  summary?: string;
}

export interface Request {
  model: string;
  system: TextPart[];
  messages: Message[];
  tools: Tool[];
  toolChoice?: ToolChoice;
  parallelToolCalls?: boolean;
  /** Tokens, reasoning included. */
  maxOutputTokens?: number;
  temperature?: number;
  topP?: number;
  topK?: number;
  seed?: number;
  frequencyPenalty?: number;
  presencePenalty?: number;
  stop: string[];
  stream: boolean;
  /** A chat client asked for the chunk that carries usage. */
  includeUsage: boolean;
  responseFormat?: ResponseFormat;
  reasoning?: Reasoning;
  verbosity?: string;
  metadata?: Record<string, string>;
  user?: string;
  promptCacheKey?: string;
  /** Anthropic's top-level cache_control: the end of the prompt. */
  cache?: CacheHint;
}

export type StopReason =
  | "end"
  | "tool_calls"
  | "max_tokens"
  | "context_window"
  | "stop_sequence"
  | "refusal"
  | "content_filter"
  /** Anthropic ended a long turn: send the reply back to go on. */
  | "pause";

/** `cacheWrite` includes `cacheWrite1h`; `input` includes both cache counts; `output` includes `reasoning`. */
export type Usage = TokenUsage & { cacheRead: number; cacheWrite: number; cacheWrite1h: number; reasoning: number };

export const NO_USAGE: Usage = { input: 0, output: 0, cacheRead: 0, cacheWrite: 0, cacheWrite1h: 0, reasoning: 0 };

export interface Reply {
  /** The engine's own id. */
  id: string;
  model: string;
  parts: AssistantPart[];
  stop: StopReason;
  stopSequence?: string;
  /** Undefined where the engine gave none that can be. */
  usage: Usage | undefined;
  /** Seconds since the epoch, where the engine says so. */
  createdAt?: number;
}

/** A part as it begins: what comes later is empty. */
export type PartHead =
  | { kind: "text" | "thinking" | "refusal" }
  | { kind: "tool_call"; id: string; name: string; namespace?: string; custom?: true };

/**
 * What a stream says. `index` counts parts from 0 in order of their start. Parts may overlap (parallel tool calls). The last event is
 * `stop` or `error`, and there is nothing after it.
 */
export type StreamEvent =
  | { type: "start"; id: string; model: string; createdAt?: number; usage?: Usage | undefined }
  | { type: "part_start"; index: number; part: PartHead }
  | { type: "part_delta"; index: number; text: string }
  | { type: "part_end"; index: number; seal?: Seal }
  | { type: "ping" }
  | { type: "stop"; reason: StopReason; stopSequence?: string; usage: Usage | undefined }
  | { type: "error"; error: ApiError };

/** An error in no dialect's terms. */
export interface ApiError {
  /** HTTP status; for an error inside a stream, the one it would have had. */
  status: number;
  /** OpenAI's `code`: rate_limit_exceeded, insufficient_quota, context_length_exceeded, budget_exceeded, … */
  code: string | null;
  message: string;
  /** Whether the same request can succeed later. */
  retryable: boolean;
  /** The field that was wrong. */
  param?: string;
}
