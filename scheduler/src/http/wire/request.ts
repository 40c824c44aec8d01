/** A client's request: its head is read, its body may still be on its way. */

import type { IncomingHttpHeaders } from "node:http";
import { NOTHING, Pieces } from "../pieces.ts";
import { type Fields, type HeadReader, lengthOf, NO_HEAD, NOT_WHOLE } from "./head.ts";

export interface RequestHead {
  method: "POST";
  url: string;
  headers: IncomingHttpHeaders;
  bodyBytes: number;
  /** The client will not send another. */
  last: boolean;
  /** Where the body begins. */
  end: number;
}

/** As node:http's. */
const MAX_HEAD_BYTES = 16 << 10;
const METHOD = "POST ";
const VERSION = " HTTP/1.1";
const TARGET = /^\/[\x21-\x7e]*$/;
/** What says more than a body of so many bytes. */
const NOT_TAKEN = new Set(["transfer-encoding", "expect", "upgrade", "trailer", "te", "proxy-connection"]);

/** The target of a first line; undefined for any but POST's. */
export function targetOf(line: string): string | undefined {
  const target = line.slice(METHOD.length, -VERSION.length);
  return line.startsWith(METHOD) && line.endsWith(VERSION) && TARGET.test(target) ? target : undefined;
}

/** Which of two counts, and how they are joined, differs by name. */
export function addOnce(fields: Fields, name: string, value: string): boolean {
  if (fields[name] !== undefined || NOT_TAKEN.has(name)) return false;
  fields[name] = value;
  return true;
}

/**
 * The head of the request that begins in `bytes`.
 * @param reader of its connection, with `targetOf` and `addOnce`
 * @returns "more" where the head is not whole; "other" for all that is not plainly a POST with a content-length, right or wrong:
 * node:http knows what to do with it
 */
export function readHead(bytes: Buffer, reader: HeadReader<string>): RequestHead | "more" | "other" {
  const end = reader.read(bytes, MAX_HEAD_BYTES);
  if (end === NOT_WHOLE) return bytes.length <= MAX_HEAD_BYTES && mayBePost(bytes) ? "more" : "other";
  const headers = reader.fields as Record<string, string>;
  if (end === NO_HEAD || headers.host === undefined) return "other";
  const bodyBytes = lengthOf(headers["content-length"] ?? "");
  const connection = headers.connection?.toLowerCase() ?? "keep-alive";
  if (bodyBytes === undefined || (connection !== "keep-alive" && connection !== "close")) return "other";
  return { method: "POST", url: reader.start as string, headers, bodyBytes, last: connection === "close", end };
}

const mayBePost = (bytes: Buffer) => METHOD.startsWith(bytes.toString("latin1", 0, METHOD.length));

export class WireRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  /** Bytes of the body that have not come yet. */
  missing: number;
  readonly #pieces = new Pieces();
  #broken = false;
  #ignored = false;
  #whole: ((body: Buffer) => void) | undefined;
  #fail: (() => void) | undefined;

  constructor({ method, url, headers, bodyBytes }: RequestHead) {
    this.method = method;
    this.url = url;
    this.headers = headers;
    this.missing = bodyBytes;
  }

  /** What the connection has brought. @returns what is not of this body */
  push(bytes: Buffer): Buffer {
    const own = bytes.length <= this.missing ? bytes : bytes.subarray(0, this.missing);
    this.missing -= own.length;
    if (own.length > 0 && !this.#ignored) this.#pieces.push(own);
    if (this.missing === 0) this.#whole?.(this.#pieces.take());
    return own.length === bytes.length ? NOTHING : bytes.subarray(own.length);
  }

  /** The connection is gone. */
  breakOff(): void {
    this.#broken = true;
    this.#fail?.();
  }

  /** The whole body, once. @throws what `broken` makes where the client breaks off before */
  body(broken: () => Error): Buffer | Promise<Buffer> {
    if (this.missing === 0) return this.#pieces.take();
    if (this.#broken) throw broken();
    return new Promise((resolve, reject) => {
      this.#whole = resolve;
      this.#fail = () => reject(broken());
    });
  }

  /** Nobody asks for the body any more. */
  ignoreBody(): void {
    this.#ignored = true;
    this.#pieces.take();
  }
}
