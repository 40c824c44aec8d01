/**
 * The hot path of an HTTP server: plain POSTs to some paths are read and answered here, for half of what node:http takes. A
 * connection that brings anything else, right or wrong, is node:http's from then on, with all that was read of it.
 */

import type http from "node:http";
import type { Socket } from "node:net";
import { NOTHING } from "../pieces.ts";
import { HeadReader } from "./head.ts";
import { type ReplyConnection, WireReply } from "./reply.ts";
import { addOnce, readHead, targetOf, WireRequest } from "./request.ts";

/** It answers every request itself; it never rejects. */
export type WireHandler = (request: WireRequest, reply: WireReply) => Promise<void>;

export interface HotPathOptions {
  /** By path, without its query. */
  handlers: ReadonlyMap<string, WireHandler>;
  /** A larger body is node:http's business. */
  maxBodyBytes: number;
}

export interface HotPath {
  /** No further request is taken: idle connections are closed, the others after their reply. */
  close(): void;
  /** Closes every connection at once. */
  closeAll(): void;
}

/** Between two looks at who is late. */
const SWEEP_MS = 1_000;
/** Bytes of further requests that are read while one is answered. */
const MAX_AHEAD_BYTES = 64 << 10;
const REQUEST_TIMEOUT = "HTTP/1.1 408 Request Timeout\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";

/** Takes over the connections of a server of node:http, whose timeouts hold for them too. */
export function takeHotPath(server: http.Server, options: HotPathOptions): HotPath {
  const nodes = server.listeners("connection") as ((this: http.Server, socket: Socket) => void)[];
  server.removeAllListeners("connection");
  const hot: Hot = {
    ...options,
    server,
    connections: new Set(),
    closing: false,
    handOver(socket) {
      for (const listener of nodes) listener.call(server, socket);
    },
  };
  server.on("connection", (socket: Socket) => new Connection(socket, hot));
  const sweep = setInterval(() => {
    const now = performance.now();
    for (const connection of hot.connections) connection.look(now);
  }, SWEEP_MS);
  sweep.unref();
  server.once("close", () => clearInterval(sweep));
  return {
    close() {
      hot.closing = true;
      for (const connection of [...hot.connections]) connection.closeIdle();
    },
    closeAll() {
      for (const { socket } of hot.connections) socket.destroy();
    },
  };
}

interface Hot extends HotPathOptions {
  server: http.Server;
  connections: Set<Connection>;
  closing: boolean;
  handOver(socket: Socket): void;
}

class Connection implements ReplyConnection {
  readonly socket: Socket;
  last = false;
  readonly #hot: Hot;
  readonly #heads = new HeadReader(targetOf, addOnce);
  /** Bytes of the next request. */
  #ahead: Buffer | undefined;
  #request: WireRequest | undefined;
  #reply: WireReply | undefined;
  /** Of its last request: mostly all of a connection's go to the same. */
  #url: string | undefined;
  #handle: WireHandler | undefined;
  /** When it was opened, its last reply was written, or the first byte of its request came. Milliseconds, monotonic. */
  #since = performance.now();
  #fresh = true;
  readonly #listeners = {
    data: (chunk: Buffer) => this.#data(chunk),
    // Who stops sending has left: an agent that ends a call does it so.
    end: () => this.socket.destroy(),
    drain: () => this.#drained(),
    error: () => {},
    close: () => this.#closed(),
  };

  constructor(socket: Socket, hot: Hot) {
    this.socket = socket;
    this.#hot = hot;
    hot.connections.add(this);
    for (const [event, listener] of Object.entries(this.#listeners)) socket.on(event, listener);
  }

  get keepAliveSeconds(): number {
    return Math.floor(this.#hot.server.keepAliveTimeout / 1000);
  }

  #data(chunk: Buffer): void {
    if (this.last && !this.#request) return;
    const rest = this.#request ? this.#request.push(chunk) : chunk;
    if (rest.length > 0) {
      if (!this.#ahead && !this.#request) this.#since = performance.now();
      this.#ahead = this.#ahead ? Buffer.concat([this.#ahead, rest]) : rest;
    }
    if (!this.#request) this.#next();
    else if (this.#reply?.writableEnded && this.#request.missing === 0) this.#done();
    else if (this.#ahead && this.#ahead.length > MAX_AHEAD_BYTES) this.socket.pause();
  }

  #next(): void {
    const bytes = this.#ahead;
    if (!bytes || this.#request || this.socket.destroyed) return;
    const head = readHead(bytes, this.#heads);
    if (head === "more") return;
    const handle = head === "other" ? undefined : this.#handlerOf(head.url);
    if (head === "other" || !handle || head.bodyBytes > this.#hot.maxBodyBytes) {
      this.#handOver(bytes);
      return;
    }
    this.#fresh = false;
    this.#ahead = undefined;
    this.last = head.last || this.#hot.closing;
    const request = new WireRequest(head);
    const rest = request.push(head.end < bytes.length ? bytes.subarray(head.end) : NOTHING);
    if (rest.length > 0) this.#ahead = rest;
    this.#request = request;
    this.#reply = new WireReply(request, this);
    void handle(request, this.#reply);
  }

  #handlerOf(url: string): WireHandler | undefined {
    if (url !== this.#url) {
      this.#url = url;
      this.#handle = this.#hot.handlers.get(pathOf(url));
    }
    return this.#handle;
  }

  replied(): void {
    if (this.#request?.missing === 0) {
      this.#done();
      return;
    }
    // What is still to come of the body is read and dropped: closed before that, the client might not get to read the reply.
    this.#request?.ignoreBody();
    if (this.last) this.socket.end();
  }

  #done(): void {
    this.#request = undefined;
    this.#reply = undefined;
    this.#since = performance.now();
    if (this.last) this.socket.destroySoon();
    else if (this.#ahead) setImmediate(() => this.#resume());
  }

  /** A client that sends on without reading is answered no further until it has read. */
  #resume(): void {
    if (this.#request || this.socket.writableNeedDrain) return;
    this.#since = performance.now();
    this.socket.resume();
    this.#next();
  }

  #drained(): void {
    if (this.#reply) this.#reply.drained();
    else if (this.#ahead) this.#resume();
  }

  #handOver(bytes: Buffer): void {
    const { socket } = this;
    this.#hot.connections.delete(this);
    for (const [event, listener] of Object.entries(this.#listeners)) socket.off(event, listener);
    socket.unshift(bytes);
    this.#hot.handOver(socket);
  }

  #closed(): void {
    this.#hot.connections.delete(this);
    const reply = this.#reply;
    this.#request?.breakOff();
    if (reply && !reply.writableEnded) reply.left();
  }

  closeIdle(): void {
    this.last = true;
    if (!this.#request) this.socket.destroy();
  }

  /** Closes it where it has been idle for too long, or its request takes too long to come. */
  look(now: number): void {
    const { server } = this.#hot;
    const waited = now - this.#since;
    if (this.#request) {
      if (this.#request.missing > 0 && over(waited, server.requestTimeout)) this.#late();
    } else if (this.#ahead || this.#fresh) {
      if (over(waited, server.headersTimeout)) this.#late();
    } else if (this.socket.writableLength === 0 && over(waited, server.keepAliveTimeout + server.keepAliveTimeoutBuffer)) {
      this.socket.destroy();
    }
  }

  #late(): void {
    if (!this.#reply?.headersSent) this.socket.write(REQUEST_TIMEOUT);
    this.socket.destroySoon();
  }
}

/** As node:http has it, 0 is no limit. */
const over = (waited: number, limit: number) => limit > 0 && waited > limit;

function pathOf(url: string): string {
  const query = url.indexOf("?");
  return query < 0 ? url : url.slice(0, query);
}
