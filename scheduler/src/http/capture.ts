/** Keeps a copy of what is written to a response, beside sending it. */

import type { OutgoingHttpHeaders } from "node:http";
import type { ClientReply } from "./messages.ts";

export interface Captured {
  readonly status: number;
  readonly contentType: string;
  /** Undefined where the reply grew beyond the limit, or did not end. */
  readonly body: Buffer | undefined;
}

/** Begin before anything is written. @param send `false`: what is written goes nowhere else */
export function capture(response: ClientReply, maxBytes: number, send = true): Captured {
  const { write, end, writeHead } = response;
  let chunks: Buffer[] = [];
  let bytes = 0;
  let contentType = "";
  let ended = false;

  function keep(chunk: unknown, encoding: unknown): void {
    if (typeof chunk !== "string" && !(chunk instanceof Uint8Array)) return;
    const kept = typeof chunk === "string" ? Buffer.from(chunk, encoding === "latin1" ? "latin1" : "utf8") : Buffer.from(chunk);
    bytes += kept.length;
    if (bytes <= maxBytes) chunks.push(kept);
    else chunks = [];
  }

  response.writeHead = ((status: number, headers: OutgoingHttpHeaders) => {
    contentType = String(headers["content-type"] ?? "");
    return Reflect.apply(writeHead, response, [status, headers]);
  }) as typeof writeHead;
  response.write = ((chunk: unknown, ...rest: unknown[]) => {
    keep(chunk, rest[0]);
    return !send || Reflect.apply(write, response, [chunk, ...rest]);
  }) as typeof write;
  response.end = ((chunk: unknown, ...rest: unknown[]) => {
    keep(chunk, rest[0]);
    ended = true;
    return Reflect.apply(end, response, send ? [chunk, ...rest] : []);
  }) as typeof end;

  return {
    get status() {
      return response.statusCode;
    },
    get contentType() {
      return contentType;
    },
    get body() {
      return ended && bytes <= maxBytes ? Buffer.concat(chunks) : undefined;
    },
  };
}
