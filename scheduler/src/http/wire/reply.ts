/** What a client is answered: as node:http's ServerResponse, as far as the gateway uses it. */

import { type OutgoingHttpHeaders, STATUS_CODES } from "node:http";
import type { Socket } from "node:net";
import { getOrMake } from "../../get-or-make.ts";
import { fieldLine } from "./head.ts";
import type { WireRequest } from "./request.ts";
import { writeTogether } from "./write-together.ts";

/** What a reply says of the connection it goes by. */
export interface ReplyConnection {
  readonly socket: Socket;
  /** It closes after this reply. */
  last: boolean;
  /** Seconds that it is kept after it; told to the client. */
  readonly keepAliveSeconds: number;
  /** The reply has been written. */
  replied(): void;
}

/** `close` comes where the client leaves before the end. No EventEmitter: that keeps an object of its own for what is listened to. */
export class WireReply {
  readonly req: WireRequest;
  statusCode = 200;
  headersSent = false;
  writableEnded = false;
  readonly #connection: ReplyConnection;
  #set: OutgoingHttpHeaders | undefined;
  /** Written with the first bytes. */
  #head = "";
  #form: "chunked" | "plain" | "none" = "chunked";
  #onClose: readonly (() => void)[] = NONE;
  #onDrain: readonly (() => void)[] = NONE;

  constructor(request: WireRequest, connection: ReplyConnection) {
    this.req = request;
    this.#connection = connection;
  }

  on(_event: "close", listener: () => void): void {
    this.#onClose = [...this.#onClose, listener];
  }
  once(_event: "drain", listener: () => void): void {
    this.#onDrain = [...this.#onDrain, listener];
  }
  /** The client has left before the end. */
  left(): void {
    for (const listener of this.#onClose) listener();
  }
  /** The client has caught up. */
  drained(): void {
    const listeners = this.#onDrain;
    this.#onDrain = NONE;
    for (const listener of listeners) listener();
  }

  get destroyed(): boolean {
    return this.#connection.socket.destroyed;
  }
  /** Handed to the system. */
  get writableFinished(): boolean {
    return this.writableEnded;
  }

  setHeader(name: string, value: string): void {
    this.#set = { ...this.#set, [name]: value };
  }

  /** Its names in lower case. @throws TypeError for a header that cannot be sent; Error where one was sent already */
  writeHead(status: number, headers: OutgoingHttpHeaders = {}): this {
    if (this.headersSent) throw new Error("a reply has one head");
    const bodyless = status === 204 || status === 304;
    let head = statusLine(status) + linesOf(this.#set) + linesOf(headers);
    if (bodyless) this.#form = "none";
    else if (headers["content-length"] !== undefined) this.#form = "plain";
    else head += "transfer-encoding: chunked\r\n";
    const connection = this.#connection;
    if (headers.connection === "close") connection.last = true;
    else if (connection.last) head += "connection: close\r\n";
    this.statusCode = status;
    this.headersSent = true;
    this.#head = head + (connection.last ? `${dateLine()}\r\n` : lastLines(connection.keepAliveSeconds));
    return this;
  }

  flushHeaders(): void {
    if (this.#head === "") return;
    this.#connection.socket.write(this.#head, "latin1");
    this.#head = "";
  }

  /** @returns false while the client is slower than we are */
  write(chunk: Buffer | string): boolean {
    if (!this.headersSent) this.writeHead(this.statusCode);
    const bytes = typeof chunk === "string" ? Buffer.from(chunk) : chunk;
    if (bytes.length === 0 || this.#form === "none") return !this.#connection.socket.writableNeedDrain;
    return this.#form === "chunked" ? this.#send(sizeLine(bytes.length), bytes, "\r\n") : this.#send("", bytes, "");
  }

  end(chunk: Buffer | string = ""): this {
    if (this.writableEnded) return this;
    const bytes = typeof chunk === "string" ? Buffer.from(chunk) : chunk;
    if (!this.headersSent) this.writeHead(this.statusCode, { "content-length": String(bytes.length) });
    this.writableEnded = true;
    const body = this.#form !== "none" && bytes.length > 0;
    if (this.#form === "chunked") this.#send(body ? sizeLine(bytes.length) : "", bytes, body ? "\r\n0\r\n\r\n" : "0\r\n\r\n");
    else if (body) this.#send("", bytes, "");
    else this.flushHeaders();
    this.#connection.replied();
    return this;
  }

  destroy(): this {
    this.#connection.socket.destroy();
    return this;
  }

  #send(before: string, bytes: Buffer, after: string): boolean {
    const head = this.#head + before;
    this.#head = "";
    return writeTogether(this.#connection.socket, head, bytes, after);
  }
}

const NONE: readonly (() => void)[] = [];

const sizeLine = (bytes: number) => `${bytes.toString(16)}\r\n`;

function linesOf(headers: OutgoingHttpHeaders | undefined): string {
  let lines = "";
  for (const name in headers) {
    const value = headers[name];
    if (Array.isArray(value)) for (const each of value) lines += fieldLine(name, each);
    else if (value !== undefined) lines += fieldLine(name, String(value));
  }
  return lines;
}

const statusLines = new Map<number, string>();

const statusLine = (status: number): string =>
  getOrMake(statusLines, status, () => `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? "Unknown"}\r\n`);

let date = "";
let dateSecond = 0;

function dateLine(): string {
  const second = Math.floor(Date.now() / 1000);
  if (second !== dateSecond) {
    dateSecond = second;
    date = `date: ${new Date(second * 1000).toUTCString()}\r\n`;
  }
  return date;
}

let ending = { date: "", seconds: 0, lines: "" };

/** The end of a head whose connection is kept for so many seconds: the same for all of a second. */
function lastLines(seconds: number): string {
  const date = dateLine();
  if (ending.date !== date || ending.seconds !== seconds)
    ending = { date, seconds, lines: `connection: keep-alive\r\nkeep-alive: timeout=${seconds}\r\n${date}\r\n` };
  return ending.lines;
}
