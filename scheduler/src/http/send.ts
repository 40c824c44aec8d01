/** Whole answers of the scheduler itself. */

import { errorBody, HttpError } from "./errors.ts";
import type { ClientReply } from "./messages.ts";

type Headers = Readonly<Record<string, string | number>>;

export function sendJson(response: ClientReply, status: number, body: object, headers: Headers = {}): void {
  sendText(response, status, JSON.stringify(body), headers);
}

/** Anything that is not an HttpError is our own fault: 500, without its text. */
export function sendError(response: ClientReply, error: unknown, headers: Headers = {}): void {
  const known = error instanceof HttpError ? error : new HttpError(500, "internal_error", "the scheduler failed; its log says why");
  if (response.headersSent || response.destroyed) {
    response.destroy();
    return;
  }
  sendText(response, known.status, errorBody(known), {
    ...headers,
    ...known.headers,
    ...(known.retryAfterSeconds !== undefined && { "retry-after": known.retryAfterSeconds }),
    // The rest of a body that was refused is not read: the connection cannot be used again.
    ...(known.status === 413 && { connection: "close" }),
  });
}

function sendText(response: ClientReply, status: number, text: string, headers: Headers): void {
  response.writeHead(status, { "content-type": "application/json", "content-length": Buffer.byteLength(text), ...headers });
  response.end(text);
}
