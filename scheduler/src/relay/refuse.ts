/** Errors of the scheduler's own, in the dialect of the client. */

import { RequestHeader, ResponseHeader } from "@signalbox/otel/conventions";
import { refusalReply } from "../admission/refusals.ts";
import type { Dialect } from "../dialects/translate/index.ts";
import { HttpError } from "../http/errors.ts";
import type { ClientReply } from "../http/messages.ts";
import { sendError, sendJson } from "../http/send.ts";

/** Chat completions' is the one that every other endpoint answers in; anything that is not an HttpError is a 500 without its text. */
export function refuse(dialect: Dialect, response: ClientReply, error: unknown, headers: Readonly<Record<string, string>> = {}): void {
  const told = { ...headers, ...refusedHeader(error) };
  if (dialect === "openai-chat" || response.headersSent || response.destroyed) {
    sendError(response, forOpenclaw(response.req, error), told);
    return;
  }
  const known = error instanceof HttpError ? error : new HttpError(500, "internal_error", "the scheduler failed; its log says why");
  const reply = refusalReply(dialect, known);
  sendJson(response, reply.status, reply.body, {
    ...told,
    ...reply.headers,
    // The rest of a body that was refused is not read: the connection cannot be used again.
    ...(known.status === 413 && { connection: "close" }),
  });
}

/** A failure of ours says nothing of the kind: then another provider may be asked. */
const refusedHeader = (error: unknown): Record<string, string> =>
  error instanceof HttpError && error.status === 403 && error.code !== null ? { [ResponseHeader.refused]: error.code } : {};

/**
 * OpenClaw takes a 403 for a key that has become bad, and keeps its provider from all its sessions for a minute and longer; at 400 the run
 * that asked ends, and no other.
 */
function forOpenclaw({ headers }: ClientReply["req"], error: unknown): unknown {
  if (headers[RequestHeader.agentKind] !== "openclaw" || !(error instanceof HttpError) || error.status !== 403) return error;
  const { code, message, param, retryAfterSeconds, headers: more } = error;
  return new HttpError(400, code, message, {
    headers: more,
    ...(param !== null && { param }),
    ...(retryAfterSeconds !== undefined && { retryAfterSeconds }),
  });
}
