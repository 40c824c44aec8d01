/** Errors as each dialect's clients understand them. */

import { anthropicStatus, errorBody as messagesBody, parseErrorObject as parseMessagesError } from "./anthropic-messages/errors.ts";
import { Field } from "./field.ts";
import { errorBody as openaiBody, parseErrorObject as parseOpenaiError } from "./openai-errors.ts";
import type { ApiError, Dialect, JsonObject } from "./types.ts";

export interface ErrorReply {
  status: number;
  headers: Record<string, string>;
  body: JsonObject;
}

/** The SDKs of both providers and Claude Code obey it. */
const DO_NOT_RETRY = { "x-should-retry": "false" };

/**
 * The answer for an error. One that a retry cannot help must not look like one that it can:
 *
 * - Claude Code stops at 402, and at any status with `x-should-retry: false`
 * - Codex stops at 400 and shows our text, and at 429 `insufficient_quota`; it retries 402, 403 and 503
 * - OpenAI's SDK stops at 400 to 404, and obeys `x-should-retry`
 */
export function errorReply(dialect: Dialect, error: ApiError): ErrorReply {
  const headers: Record<string, string> = error.retryable ? {} : DO_NOT_RETRY;
  switch (dialect) {
    case "openai-chat":
      return { status: error.status, headers, body: openaiBody(finalQuota(error)) };
    case "openai-responses": {
      const shown = finalQuota(error);
      return { status: codexStatus(error), headers, body: openaiBody(shown) };
    }
    case "anthropic-messages":
      return { status: anthropicStatus(error.status), headers, body: messagesBody(error) };
  }
}

/** A 429 that stays one is what OpenAI calls an empty account. */
const finalQuota = (error: ApiError): ApiError =>
  error.status === 429 && !error.retryable ? { ...error, code: "insufficient_quota" } : error;

const STOPS_CODEX = new Set([400, 401, 404, 413, 429]);
const codexStatus = ({ status, retryable }: ApiError) => (retryable || STOPS_CODEX.has(status) ? status : 400);

/** An engine's error answer in no dialect's terms. `body` is its text, JSON or not. */
export function readError(dialect: Dialect, status: number, body: string): ApiError {
  const error = errorObject(body);
  return dialect === "anthropic-messages" ? parseMessagesError(error, status) : parseOpenaiError(error, status, false);
}

export const translateError = (from: Dialect, to: Dialect, { status, body }: { status: number; body: string }): ErrorReply =>
  errorReply(to, readError(from, status, body));

/** Proxies answer HTML, and some servers `{"error": "text"}` or `{"message": "text"}`. */
function errorObject(body: string): Field {
  try {
    const parsed = new Field(JSON.parse(body));
    return parsed.get("error").present ? parsed.get("error") : parsed;
  } catch {
    return new Field(body.trim() === "" ? undefined : body.trim().slice(0, 500));
  }
}
