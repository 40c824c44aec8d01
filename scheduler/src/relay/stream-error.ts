/** The event that ends a stream which cannot go on, in the client's dialect. */

import { type ApiError, type Dialect, errorReply } from "../dialects/translate/index.ts";
import { errorCode } from "../dialects/translate/openai-errors.ts";

export function streamError(dialect: Dialect, error: ApiError): string {
  if (dialect === "openai-chat") return `data: ${JSON.stringify(errorReply(dialect, error).body)}\n\n`;
  if (dialect === "anthropic-messages") return `event: error\ndata: ${JSON.stringify(errorReply(dialect, error).body)}\n\n`;
  // Codex tries again after every code that it does not know: where that cannot help, it must be one that it does.
  const code = errorCode(error.retryable ? error : { ...error, code: null });
  const failed = { type: "response.failed", response: { object: "response", status: "failed", error: { code, message: error.message } } };
  return `event: response.failed\ndata: ${JSON.stringify(failed)}\n\n`;
}
