/**
 * Translation between the dialects of the gateway: pure functions, no I/O.
 *
 *     const { body, dropped, context } = translateRequest("anthropic-messages", "openai-chat", request);
 *     // send `body` to the engine, and with its answer:
 *     translateResponse("openai-chat", "anthropic-messages", answer, context)
 *     createStreamTranslator("openai-chat", "anthropic-messages", { context })   // for a stream
 *     translateError("openai-chat", "anthropic-messages", { status, body })      // for an error
 */

import * as messagesRequest from "./anthropic-messages/parse-request.ts";
import * as messagesReply from "./anthropic-messages/parse-response.ts";
import { serialiseRequest as toMessages } from "./anthropic-messages/serialise-request.ts";
import { serialiseResponse as toMessage } from "./anthropic-messages/serialise-response.ts";
import { type ReplyContext, replyContext } from "./context.ts";
import { Dropped } from "./dropped.ts";
import { estimateTokens } from "./estimate-tokens.ts";
import { Field, FieldError } from "./field.ts";
import * as chatRequest from "./openai-chat/parse-request.ts";
import * as chatReply from "./openai-chat/parse-response.ts";
import { type MaxTokensField, serialiseRequest as toChat } from "./openai-chat/serialise-request.ts";
import { serialiseResponse as toCompletion } from "./openai-chat/serialise-response.ts";
import { parseErrorObject } from "./openai-errors.ts";
import * as responsesRequest from "./openai-responses/parse-request.ts";
import * as responsesReply from "./openai-responses/parse-response.ts";
import { serialiseRequest as toResponses } from "./openai-responses/serialise-request.ts";
import { serialiseResponse as toResponse } from "./openai-responses/serialise-response.ts";
import { restorePart } from "./tool-names.ts";
import type { ApiError, Dialect, JsonObject, Reply, Request } from "./types.ts";

/** The request holds something that the other dialect cannot express and that matters: a 400 that names the field. */
export class Untranslatable extends Error {
  /** `messages[2].content[0]` */
  readonly field: string;
  readonly reason: string;

  constructor({ field, reason, message }: FieldError) {
    super(message);
    this.field = field;
    this.reason = reason;
  }

  get error(): ApiError {
    return { status: 400, code: "untranslatable", message: this.message, retryable: false, ...(this.field && { param: this.field }) };
  }
}

/** The engine answered 200 with something that is no reply: not of its dialect, or a failure. Another engine may do better. */
export class BadReply extends Error {
  readonly error: ApiError;

  constructor(error: ApiError) {
    super(error.message);
    this.error = error;
  }
}

export interface RequestOptions {
  /** Tools that run at the provider (web_search, …): refuse the request (default), or leave them out and list them as dropped. */
  serverTools?: "refuse" | "drop";
  /** Tokens, for Anthropic, where the client gave no limit. Default 32,000. */
  defaultMaxTokens?: number;
  /** For chat completions. Default "max_completion_tokens". */
  maxTokensField?: MaxTokensField;
  /** Seconds since the epoch, for replies of engines that tell no time. Default: now. */
  createdAt?: number;
}

export interface TranslatedRequest {
  body: JsonObject;
  /** Paths of what was left out and does no harm. */
  dropped: string[];
  /** For the reply. */
  context: ReplyContext;
}

/**
 * @param body the client's parsed JSON. The model's name goes through as it is: set the engine's own before, or in the result
 * @throws Untranslatable
 */
export function translateRequest(from: Dialect, to: Dialect, body: unknown, options: RequestOptions = {}): TranslatedRequest {
  const dropped = new Dropped();
  try {
    const request = parseRequest(from, body, dropped, options);
    const context = replyContext(request, options.createdAt ?? Math.floor(Date.now() / 1000));
    return { body: serialiseRequest(to, request, dropped, options), dropped: dropped.list(), context };
  } catch (error) {
    throw error instanceof FieldError ? new Untranslatable(error) : error;
  }
}

/** The answer to `count_tokens` where the engine has none: an estimate, see estimate-tokens.ts. @throws Untranslatable */
export function estimateInputTokens(from: Dialect, body: unknown): number {
  try {
    return estimateTokens(parseRequest(from, body, new Dropped(), { serverTools: "drop" }));
  } catch (error) {
    throw error instanceof FieldError ? new Untranslatable(error) : error;
  }
}

/**
 * @param body the engine's parsed JSON
 * @throws BadReply
 */
export function translateResponse(from: Dialect, to: Dialect, body: unknown, context: ReplyContext): JsonObject {
  const reply = parseResponse(from, body);
  return SERIALISE_REPLY[to]({ ...reply, parts: reply.parts.map((part) => restorePart(part, context.toolNames)) }, context);
}

/** What a request means. @throws FieldError */
export function parseRequest(from: Dialect, body: unknown, dropped: Dropped, { serverTools = "refuse" }: RequestOptions = {}): Request {
  const field = new Field(body);
  field.object();
  switch (from) {
    case "openai-chat":
      return chatRequest.parseRequest(field, dropped);
    case "openai-responses":
      return responsesRequest.parseRequest(field, dropped, { serverTools });
    case "anthropic-messages":
      return messagesRequest.parseRequest(field, dropped, { serverTools });
  }
}

/** @throws FieldError for what the dialect must not lose and cannot carry */
export function serialiseRequest(to: Dialect, request: Request, dropped: Dropped, options: RequestOptions = {}): JsonObject {
  switch (to) {
    case "openai-chat":
      return toChat(request, dropped, options.maxTokensField ?? "max_completion_tokens");
    case "openai-responses":
      return toResponses(request, dropped);
    case "anthropic-messages":
      return toMessages(request, dropped, options.defaultMaxTokens ?? 32_000);
  }
}

const PARSE_REPLY: Record<Dialect, (body: Field) => Reply> = {
  "openai-chat": chatReply.parseResponse,
  "openai-responses": responsesReply.parseResponse,
  "anthropic-messages": messagesReply.parseResponse,
};

const SERIALISE_REPLY: Record<Dialect, (reply: Reply, context: ReplyContext) => JsonObject> = {
  "openai-chat": toCompletion,
  "openai-responses": toResponse,
  "anthropic-messages": toMessage,
};

/** What a reply means: its usage and stop reason, for the record, whether it is translated or not. @throws BadReply */
export function parseResponse(from: Dialect, body: unknown): Reply {
  const field = new Field(body);
  if (field.get("error").present) throw new BadReply(parseErrorObject(field.get("error"), 502));
  try {
    return PARSE_REPLY[from](field);
  } catch (error) {
    if (!(error instanceof FieldError)) throw error;
    const message = `the engine's reply is no ${from} reply: ${error.message}`;
    throw new BadReply({ status: 502, code: "bad_reply", message, retryable: true });
  }
}
