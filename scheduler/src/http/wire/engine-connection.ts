/** One connection to an engine, and the request that is on it. */

import type { Socket } from "node:net";
import type { Dispatcher } from "undici";
import { ChunkError, ChunkReader } from "./chunked.ts";
import { type Fields, HeadReader, lengthOf, NO_HEAD, NOT_WHOLE } from "./head.ts";
import { writeTogether } from "./write-together.ts";

/** `code` as undici has it. */
export class EngineError extends Error {
  readonly code: string;
  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}

export interface EngineConnectionOptions {
  connectTimeoutMs: number;
  idleMs: number;
  onIdle: (connection: EngineConnection) => void;
  onClose: (connection: EngineConnection) => void;
}

/** Of a request on its connection. */
export interface EngineController extends Dispatcher.DispatchController {
  readonly socket: Socket;
}

const MAX_HEAD_BYTES = 64 << 10;
/** Taken off what an engine says it keeps a connection. */
const KEEP_ALIVE_MARGIN_MS = 1_000;
const STATUS_LINE = /^HTTP\/1\.[01] [1-5]\d\d(?: [\t\x20-\x7e\x80-\xff]*)?$/;
const VERSION_AT = "HTTP/1.".length;
const STATUS_AT = "HTTP/1.1 ".length;

/** Bytes that are to come, a body in chunks, or all until the connection is closed. */
type Body = { left: number } | ChunkReader | "until-close";

export class EngineConnection {
  readonly socket: Socket;
  readonly #options: EngineConnectionOptions;
  readonly #heads = new HeadReader(statusOf, addJoined);
  #exchange: Exchange | undefined;
  #head: Buffer | undefined;
  #body: Body | undefined;
  /** It can take another request after this one. */
  #keep = false;
  #idleSince = 0;
  #idleMs = 0;
  #connecting: NodeJS.Timeout | undefined;

  /** @param connected the socket's event that says it can be written to */
  constructor(socket: Socket, connected: "connect" | "secureConnect", options: EngineConnectionOptions) {
    this.socket = socket;
    this.#options = options;
    this.#connecting = setTimeout(
      () => this.fail(new EngineError("UND_ERR_CONNECT_TIMEOUT", `no connection within ${options.connectTimeoutMs} ms`)),
      options.connectTimeoutMs,
    );
    socket.once(connected, () => clearTimeout(this.#connecting));
    socket.on("end", () => this.#ended());
    socket.on("error", (error) => this.fail(error));
    socket.on("timeout", () => {
      if (!socket.isPaused()) this.fail(new EngineError("UND_ERR_BODY_TIMEOUT", "nothing more of the body came"));
    });
    socket.on("close", () => {
      clearTimeout(this.#connecting);
      this.fail(new EngineError("UND_ERR_SOCKET", "other side closed"));
      options.onClose(this);
    });
  }

  /** Idle, and not for so long that the engine may be about to close it. */
  get usable(): boolean {
    return !this.socket.destroyed && performance.now() - this.#idleSince < this.#idleMs;
  }

  send(head: string, body: Buffer, handler: Dispatcher.DispatchHandler, { bodyTimeout }: Dispatcher.DispatchOptions): void {
    const exchange = new Exchange(this, handler, bodyTimeout ?? 0);
    this.#exchange = exchange;
    handler.onRequestStart?.(exchange, {});
    if (this.#exchange === exchange) writeTogether(this.socket, head, body);
  }

  /** Closes it; what was under way ends with the error. */
  fail(error: Error): void {
    const exchange = this.#exchange;
    this.#exchange = undefined;
    this.socket.destroy();
    exchange?.failed(error);
  }

  isOn(exchange: Exchange): boolean {
    return this.#exchange === exchange;
  }

  received(chunk: Buffer): void {
    const exchange = this.#exchange;
    // Nobody asked.
    if (!exchange) return void this.socket.destroy();
    try {
      const rest = this.#body ? chunk : this.#readHead(exchange, chunk);
      if (rest && this.#exchange === exchange) this.#readBody(exchange, rest);
    } catch (error) {
      this.fail(error instanceof ChunkError ? new EngineError("HPE_INVALID_CHUNK_SIZE", error.message) : (error as Error));
    }
  }

  /** @returns what follows the head, once it is whole */
  #readHead(exchange: Exchange, chunk: Buffer): Buffer | undefined {
    let bytes = this.#head ? Buffer.concat([this.#head, chunk]) : chunk;
    for (;;) {
      const end = this.#heads.read(bytes, MAX_HEAD_BYTES);
      if (end === NO_HEAD) throw new EngineError("HPE_INVALID_HEADER_TOKEN", "the answer is not HTTP");
      if (end === NOT_WHOLE) {
        if (bytes.length > MAX_HEAD_BYTES) throw new EngineError("UND_ERR_HEADERS_OVERFLOW", "the head of the answer is too long");
        this.#head = bytes;
        return undefined;
      }
      this.#head = undefined;
      const { status, version } = this.#heads.start as StatusLine;
      const headers = this.#heads.fields;
      bytes = bytes.subarray(end);
      if (status === 101) throw new EngineError("UND_ERR_SOCKET", "bad upgrade");
      // Informational: the answer is still to come.
      if (status < 200) continue;
      this.#body = bodyOf(status, headers);
      this.#keep = version === "1" && !closes(headers.connection) && this.#body !== "until-close";
      this.#idleMs = idleMsOf(headers, this.#options.idleMs);
      if (exchange.bodyTimeout > 0) this.socket.setTimeout(exchange.bodyTimeout);
      exchange.handler.onResponseStart?.(exchange, status, headers);
      return bytes;
    }
  }

  #readBody(exchange: Exchange, bytes: Buffer): void {
    const body = this.#body as Body;
    let own: Buffer | undefined = bytes;
    /** Once the body has met its end: bytes that follow it. */
    let over: number | undefined;
    if (body instanceof ChunkReader) {
      own = body.push(bytes);
      over = body.left?.length;
    } else if (body !== "until-close") {
      if (bytes.length > body.left) own = bytes.subarray(0, body.left);
      body.left -= own.length;
      if (body.left === 0) over = bytes.length - own.length;
    }
    if (own && own.length > 0) exchange.handler.onResponseData?.(exchange, own);
    if (over !== undefined && this.#exchange === exchange) this.#finish(exchange, over === 0);
  }

  #finish(exchange: Exchange, clean: boolean): void {
    this.#exchange = undefined;
    this.#body = undefined;
    if (exchange.bodyTimeout > 0) this.socket.setTimeout(0);
    // An engine that has answered before it has read the request may not read the rest of it.
    if (this.#keep && clean && !this.socket.destroyed && this.socket.writableLength === 0) {
      if (this.socket.isPaused()) this.socket.resume();
      this.#idleSince = performance.now();
      this.#options.onIdle(this);
    } else this.socket.destroy();
    exchange.handler.onResponseEnd?.(exchange, {});
  }

  #ended(): void {
    if (this.#exchange && this.#body === "until-close") this.#finish(this.#exchange, true);
    else this.fail(new EngineError("UND_ERR_SOCKET", "other side closed"));
  }
}

/** One request and its answer. After the end it does nothing: the connection may be another's. */
class Exchange implements EngineController {
  readonly handler: Dispatcher.DispatchHandler;
  readonly bodyTimeout: number;
  aborted = false;
  reason: Error | null = null;
  readonly #connection: EngineConnection;

  constructor(connection: EngineConnection, handler: Dispatcher.DispatchHandler, bodyTimeout: number) {
    this.#connection = connection;
    this.handler = handler;
    this.bodyTimeout = bodyTimeout;
  }

  get socket(): Socket {
    return this.#connection.socket;
  }
  get paused(): boolean {
    return this.#connection.isOn(this) && this.socket.isPaused();
  }
  abort(reason: Error): void {
    if (!this.#connection.isOn(this)) return;
    this.aborted = true;
    this.reason = reason;
    this.#connection.fail(reason);
  }
  pause(): void {
    if (this.#connection.isOn(this)) this.socket.pause();
  }
  resume(): void {
    if (!this.#connection.isOn(this)) return;
    // Its time ran out unheard while the client was slow: without another one an engine that hangs would hold its slot for good.
    if (this.bodyTimeout > 0) this.socket.setTimeout(this.bodyTimeout);
    this.socket.resume();
  }
  failed(error: Error): void {
    this.handler.onResponseError?.(this, error);
  }
}

interface StatusLine {
  status: number;
  version: string;
}

const statusOf = (line: string): StatusLine | undefined =>
  STATUS_LINE.test(line) ? { status: Number(line.slice(STATUS_AT, STATUS_AT + 3)), version: line.charAt(VERSION_AT) } : undefined;

function addJoined(fields: Fields, name: string, value: string): boolean {
  const known = fields[name] !== undefined && Object.hasOwn(fields, name) ? fields[name] : undefined;
  if (name === "set-cookie") fields[name] = known ? [...known, value] : [value];
  else fields[name] = known === undefined ? value : `${known}, ${value}`;
  return true;
}

/** @throws EngineError where it is said in two ways, or in one that we do not read */
function bodyOf(status: number, { "content-length": length, "transfer-encoding": encoding }: Fields): Body {
  if (status === 204 || status === 304) return { left: 0 };
  if (encoding !== undefined) {
    if (length !== undefined) throw new EngineError("HPE_UNEXPECTED_CONTENT_LENGTH", "the answer has a length and chunks");
    if (String(encoding).toLowerCase() !== "chunked")
      throw new EngineError("HPE_INVALID_TRANSFER_ENCODING", `the answer is encoded as ${encoding}`);
    return new ChunkReader();
  }
  if (length === undefined) return "until-close";
  const left = lengthOf(String(length));
  if (left === undefined) throw new EngineError("HPE_INVALID_CONTENT_LENGTH", "the answer's length is no number");
  return { left };
}

const closes = (connection: Fields[string] | undefined): boolean =>
  connection !== undefined && connection !== "keep-alive" && /\bclose\b/i.test(String(connection));

function idleMsOf({ "keep-alive": said }: Fields, most: number): number {
  const seconds = said && /timeout=(\d+)/i.exec(String(said))?.[1];
  return seconds === undefined ? most : Math.min(most, Number(seconds) * 1000 - KEEP_ALIVE_MARGIN_MS);
}
