/** What routing needs of a request, of any dialect; read from the bytes of a chat completions request, and the two edits made to them. */

import { badRequest } from "../http/errors.ts";
import { mostTokensOf } from "./blobs.ts";
import { type ByteSpan, JsonScanError, JsonTooDeep, scanObject } from "./json-scan.ts";
import { plainValue } from "./plain-value.ts";
import type { Dialect } from "./translate/index.ts";

export interface ChatRequest {
  dialect: Dialect;
  operation: "chat" | "embeddings";
  body: Buffer;
  model: string;
  stream: boolean;
  maxTokens: number | undefined;
  /** `n`: replies asked for at once. */
  choices: number;
  /** Bytes of messages and tools, images at what their tokens would have as text: what the prompt's tokens are estimated from. */
  promptBytes: number;
  /** Of the images and documents in it, at most. */
  mostBlobTokens: number;
  /** The client asked for the final usage chunk of a stream. */
  wantsUsage: boolean;
  promptCacheKey: string | undefined;
  /** OpenAI's `user`, or `metadata.user_id`. */
  user: string | undefined;
  fields: ReadonlyMap<string, ByteSpan>;
}

/** @throws HttpError 400 naming the field */
export function scanChatRequest(body: Buffer): ChatRequest {
  const fields = scan(body);
  const read = (name: string): unknown => {
    const span = fields.get(name);
    return span && parse(body, span, name);
  };
  const model = read("model");
  if (typeof model !== "string" || model === "") throw badRequest("you must provide a model", "model");
  const messages = fields.get("messages");
  if (!messages || body[messages.start] !== 0x5b) throw badRequest("messages must be an array", "messages");
  const maxTokens = read("max_completion_tokens") ?? read("max_tokens") ?? undefined;
  if (maxTokens !== undefined && (typeof maxTokens !== "number" || maxTokens < 0))
    throw badRequest("max_tokens must be a number", "max_tokens");
  const choices = read("n") ?? 1;
  if (typeof choices !== "number" || !Number.isInteger(choices) || choices < 1) throw badRequest("n must be a positive integer", "n");
  const stream = read("stream") ?? false;
  if (typeof stream !== "boolean") throw badRequest("stream must be a boolean", "stream");

  const tools = fields.get("tools");
  const streamOptions = stream ? (read("stream_options") as { include_usage?: unknown } | null | undefined) : undefined;
  const metadata = read("metadata") as { user_id?: unknown } | null | undefined;
  return {
    dialect: "openai-chat",
    operation: "chat",
    body,
    model,
    stream,
    maxTokens,
    choices,
    promptBytes: length(messages) + length(tools),
    mostBlobTokens: mostBlobTokens(body, messages, "messages"),
    wantsUsage: streamOptions?.include_usage === true,
    promptCacheKey: text(read("prompt_cache_key")),
    user: text(read("user")) ?? text(metadata?.user_id),
    fields,
  };
}

/** The text of the last user message; parsed only when a rule asks for it. Empty where there is none. */
export function lastUserText({ body, fields }: Pick<ChatRequest, "body" | "fields">): string {
  const span = fields.get("messages");
  const messages = span ? (parse(body, span, "messages") as { role?: string; content?: unknown }[]) : [];
  return textOf(messages.findLast((message) => message?.role === "user")?.content);
}

/** A message's content: text, or parts of which some are. */
export function textOf(content: unknown): string {
  if (typeof content === "string") return content;
  if (!Array.isArray(content)) return "";
  return content.map((part: { text?: unknown } | null) => (typeof part?.text === "string" ? part.text : "")).join("\n");
}

/** The whole body. @throws HttpError 400 */
export function parseBody(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString());
  } catch (error) {
    throw badRequest(`the body is not valid JSON: ${(error as Error).message}`);
  }
}

/** What a pool needs otherwise than the client said it. */
export interface PoolNeeds {
  model: string;
  /** A lower ceiling on the reply is raised to this. */
  maxTokensFloor?: number | undefined;
  /** Takes no tools: they are left out. */
  withoutTools?: boolean;
}

type Edit = { span: ByteSpan; text: string };

/**
 * The bytes for one pool: the client's own, but for the model's name where the pool calls it otherwise, for
 * `stream_options.include_usage` where a stream would end without its token counts, and for what the pool's config asks.
 */
export function bodyFor(request: ChatRequest, { model, maxTokensFloor, withoutTools = false }: PoolNeeds): Buffer {
  const edits: Edit[] = [];
  const modelSpan = request.fields.get("model");
  if (modelSpan && model !== request.model) edits.push({ span: modelSpan, text: JSON.stringify(model) });
  if (request.stream && !request.wantsUsage) edits.push(usageEdit(request));
  if (maxTokensFloor !== undefined && isBelow(request, maxTokensFloor))
    edits.push(...valueEdits(request, MAX_TOKENS, String(maxTokensFloor)));
  if (withoutTools) {
    edits.push(...valueEdits(request, ["tools", "tool_choice", "parallel_tool_calls", "functions", "function_call"], "null"));
  }
  if (edits.length === 0) return request.body;

  edits.sort((a, b) => a.span.start - b.span.start);
  const parts: Buffer[] = [];
  let at = 0;
  for (const { span, text: replacement } of edits) {
    parts.push(request.body.subarray(at, span.start), Buffer.from(replacement));
    at = span.end;
  }
  parts.push(request.body.subarray(at));
  return Buffer.concat(parts);
}

const MAX_TOKENS = ["max_tokens", "max_completion_tokens", "max_output_tokens"];
const isBelow = ({ maxTokens }: ChatRequest, floor: number) => maxTokens !== undefined && maxTokens < floor;

function valueEdits({ fields }: ChatRequest, names: readonly string[], value: string): Edit[] {
  return names.flatMap((name) => {
    const span = fields.get(name);
    return span ? [{ span, text: value }] : [];
  });
}

/** The request brings tools. */
export function hasTools({ fields, body }: Pick<ChatRequest, "fields" | "body">): boolean {
  const span = fields.get("tools") ?? fields.get("functions");
  return span !== undefined && body.toString("latin1", span.start, span.end).replace(/\s/g, "").length > 2;
}

function usageEdit({ body, fields }: ChatRequest): Edit {
  const options = fields.get("stream_options");
  if (options) {
    const given = JSON.parse(body.toString("utf8", options.start, options.end)) as object | null;
    return { span: options, text: JSON.stringify({ ...given, include_usage: true }) };
  }
  const afterBrace = body.indexOf(0x7b) + 1;
  return { span: { start: afterBrace, end: afterBrace }, text: '"stream_options":{"include_usage":true},' };
}

/** The fields of a body. @throws HttpError 400 */
export function scan(body: Buffer): Map<string, ByteSpan> {
  try {
    return scanObject(body);
  } catch (error) {
    if (error instanceof JsonTooDeep) throw badRequest(`the body is ${error.message}`);
    if (error instanceof JsonScanError) throw badRequest(`the body is not valid JSON: ${error.message}`);
    throw error;
  }
}

/** One field's value. @throws HttpError 400 */
export function parse(body: Buffer, span: ByteSpan, field: string): unknown {
  const plain = plainValue(body, span, field);
  if (plain !== undefined) return plain;
  try {
    return JSON.parse(body.toString("utf8", span.start, span.end));
  } catch {
    throw badRequest(`${field} is not valid JSON`, field);
  }
}

/** Of text in the usual tokenizers. */
const BYTES_PER_TOKEN = 4;

/** Bytes that its tokens are estimated from. */
export function length(span: ByteSpan | undefined): number {
  if (!span) return 0;
  const { start, end, blobs } = span;
  return blobs ? end - start - blobs.bytes + blobs.tokens * BYTES_PER_TOKEN : end - start;
}

/** Of the images and documents in messages, at most. Those are parsed where there are any: a budget must hold what they cost. @throws HttpError 400 */
export function mostBlobTokens(body: Buffer, span: ByteSpan | undefined, field: string): number {
  return span?.blobs ? mostTokensOf(span.blobs, parse(body, span, field)) : 0;
}
export const text = (value: unknown) => (typeof value === "string" && value !== "" ? value : undefined);
