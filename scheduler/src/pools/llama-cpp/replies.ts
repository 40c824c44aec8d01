/** How a worker answers: JSON, and errors in OpenAI's shape. */

import type http from "node:http";
import { z } from "zod";
import { ContextLengthError, GrammarError } from "./engine-errors.ts";
import { SchemaError } from "./json-grammar.ts";

export function sendJson(response: http.ServerResponse, status: number, body: object): void {
  const text = JSON.stringify(body);
  response.writeHead(status, { "content-type": "application/json", "content-length": Buffer.byteLength(text) }).end(text);
}

export function sendError(response: http.ServerResponse, status: number, code: string, message: string): void {
  const type = status < 500 ? "invalid_request_error" : "server_error";
  sendJson(response, status, { error: { message, type, param: null, code } });
}

/** A stream that has begun ends with an error event. */
export function fail(response: http.ServerResponse, error: unknown): void {
  if (response.headersSent) {
    response.end(`data: ${JSON.stringify({ error: { message: messageOf(error), type: "server_error", code: "generation_failed" } })}\n\n`);
  } else if (error instanceof BodyTooLarge) sendError(response, 413, "body_too_large", error.message);
  else if (error instanceof ContextLengthError) sendError(response, 400, "context_length_exceeded", error.message);
  else if (error instanceof SchemaError || error instanceof GrammarError) sendError(response, 400, "unsupported_schema", error.message);
  else if (error instanceof z.ZodError || error instanceof SyntaxError) sendError(response, 400, "invalid_request", messageOf(error));
  else sendError(response, 500, "generation_failed", messageOf(error));
}

function messageOf(error: unknown): string {
  if (error instanceof z.ZodError) return error.issues.map((issue) => `${issue.path.join(".")}: ${issue.message}`).join("; ");
  return error instanceof Error ? error.message : String(error);
}

export class BodyTooLarge extends Error {}
const MAX_BODY_BYTES = 64 << 20;

/** @throws BodyTooLarge; the socket's error */
export async function readBody(request: http.IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request) {
    bytes += (chunk as Buffer).length;
    if (bytes > MAX_BODY_BYTES) throw new BodyTooLarge(`the body is larger than ${MAX_BODY_BYTES} bytes`);
    chunks.push(chunk as Buffer);
  }
  return Buffer.concat(chunks).toString();
}
