/** Errors of the scheduler's own, in the dialect of the client. */

import type http from "node:http";
import { refusalReply } from "../admission/refusals.ts";
import type { Dialect } from "../dialects/translate/index.ts";
import { HttpError } from "../http/errors.ts";
import { sendError, sendJson } from "../http/send.ts";

/** Chat completions' is the one that every other endpoint answers in; anything that is not an HttpError is a 500 without its text. */
export function refuse(
  dialect: Dialect,
  response: http.ServerResponse,
  error: unknown,
  headers: Readonly<Record<string, string>> = {},
): void {
  if (dialect === "openai-chat" || response.headersSent || response.destroyed) {
    sendError(response, error, headers);
    return;
  }
  const known = error instanceof HttpError ? error : new HttpError(500, "internal_error", "the scheduler failed; its log says why");
  const reply = refusalReply(dialect, known);
  sendJson(response, reply.status, reply.body, {
    ...headers,
    ...reply.headers,
    // The rest of a body that was refused is not read: the connection cannot be used again.
    ...(known.status === 413 && { connection: "close" }),
  });
}
