/** Anthropic's errors: `{"type": "error", "error": {"type", "message"}}`. */

import type { Field } from "../field.ts";
import { canRetry } from "../retry.ts";
import type { ApiError, JsonObject } from "../types.ts";

const TYPES: Record<number, string> = {
  400: "invalid_request_error",
  401: "authentication_error",
  402: "billing_error",
  403: "permission_error",
  404: "not_found_error",
  413: "request_too_large",
  429: "rate_limit_error",
  500: "api_error",
  504: "timeout_error",
  529: "overloaded_error",
};

/** Statuses with another number here. */
export const anthropicStatus = (status: number) => (status === 503 ? 529 : status);

export function errorBody({ status, code, message, param }: ApiError): JsonObject {
  const type = TYPES[anthropicStatus(status)] ?? (status < 500 ? "invalid_request_error" : "api_error");
  return {
    type: "error",
    error: compactDetails({ type, message: param === undefined || message.includes(param) ? message : `${param}: ${message}`, code }),
  };
}

/** Anthropic's own clients ignore `code`; ours and the record read it. */
function compactDetails({ code, ...error }: { type: string; message: string; code: string | null }): JsonObject {
  return code === null ? error : { ...error, code };
}

/** @param status undefined for an error inside a stream: the type tells it */
export function parseErrorObject(error: Field, status: number | undefined): ApiError {
  const type = error.get("type").optional("string") ?? null;
  const known = Object.entries(TYPES).find(([, name]) => name === type);
  const found = status ?? (known ? Number(known[0]) : 500);
  return {
    status: found === 529 ? 503 : found,
    code: error.get("code").optional("string") ?? type,
    message: error.get("message").optional("string") ?? `the engine answered ${found} and gave no reason`,
    retryable: canRetry(found),
  };
}
