/** OpenAI's errors: `{"error": {"message", "type", "param", "code"}}`, in both of its dialects. */

import type { Field } from "./field.ts";
import { canRetry } from "./retry.ts";
import type { ApiError, JsonObject } from "./types.ts";

const TYPES: Record<number, string> = {
  401: "authentication_error",
  402: "billing_error",
  403: "permission_error",
  429: "rate_limit_error",
};

export const errorBody = ({ status, code, message, param }: ApiError): JsonObject => ({
  error: { message, type: errorType(status, code), param: param ?? null, code },
});

function errorType(status: number, code: string | null): string {
  if (code === "insufficient_quota") return code;
  return TYPES[status] ?? (status < 500 ? "invalid_request_error" : "server_error");
}

/** These say that the account is empty, not that it is too fast. */
const NEVER_HELPS = new Set(["insufficient_quota", "billing_hard_limit_reached", "context_length_exceeded", "invalid_prompt"]);

const STATUS_OF_CODE: Record<string, number> = {
  rate_limit_exceeded: 429,
  insufficient_quota: 429,
  context_length_exceeded: 400,
  invalid_prompt: 400,
  server_error: 500,
  server_is_overloaded: 503,
};

/** @param status the answer's; for an error inside a stream the caller's guess, which a known code overrules */
export function parseErrorObject(error: Field, status: number, insideStream = true): ApiError {
  const code = codeOf(error);
  const known = insideStream && code !== null ? STATUS_OF_CODE[code] : undefined;
  const message = typeof error.value === "string" ? error.value : error.get("message").optional("string");
  const param = error.get("param").value;
  return {
    status: known ?? status,
    code,
    message: message ?? `the engine answered ${known ?? status} and gave no reason`,
    retryable: canRetry(known ?? status) && !NEVER_HELPS.has(code ?? ""),
    ...(typeof param === "string" && { param }),
  };
}

/** vLLM and Azure send numbers. */
function codeOf(error: Field): string | null {
  const code = error.get("code").value ?? error.get("type").value;
  return typeof code === "string" || typeof code === "number" ? String(code) : null;
}

/** The code a Responses stream ends with, by which Codex decides whether to try again. */
export function errorCode({ status, code, retryable }: ApiError): string {
  if (code !== null) return code;
  if (!retryable) return "invalid_prompt";
  return status === 429 ? "rate_limit_exceeded" : "server_error";
}
