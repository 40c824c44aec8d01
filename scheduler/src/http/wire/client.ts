/**
 * Connections to an engine: HTTP/1.1 over TCP or TLS, one request at a time on each, for half of what undici's pool takes. Errors have
 * the codes that undici gives them.
 */

import net from "node:net";
import tls from "node:tls";
import { Dispatcher } from "undici";
import { EngineConnection, EngineError } from "./engine-connection.ts";
import { fieldLine } from "./head.ts";

export interface EngineClientOptions {
  connectTimeoutMs: number;
  /** How long a connection is kept that nobody uses, where the engine does not say it will close it earlier. Milliseconds. */
  idleMs: number;
  /** A unix socket in place of the origin's host and port. */
  socketPath?: string;
}

/** Between two looks at what is idle. */
const SWEEP_MS = 1_000;
const TARGET = /^\/[\x21-\x7e]*$/;
/**
 * All connections are read into it, one after another, and what came is copied: else node makes room of 64 KB for each read, copies what came
 * all the same, and passes it through a stream.
 */
const read = Buffer.allocUnsafeSlow(64 << 10);

const NEVER_BEGUN: Dispatcher.DispatchController = { aborted: true, paused: false, reason: null, abort() {}, pause() {}, resume() {} };

/** The caller bounds how many requests run at once, each takes a connection. */
export class EngineClient extends Dispatcher {
  readonly #origin: URL;
  readonly #host: string;
  readonly #options: EngineClientOptions;
  /** The latest used last. */
  readonly #idle: EngineConnection[] = [];
  readonly #all = new Set<EngineConnection>();
  readonly #sweep: NodeJS.Timeout;
  #session: Buffer | undefined;
  #closed = false;
  /** Of the last request, and how its head begins: most go to the same few. */
  #path: string | undefined;
  #begin = "";

  constructor(origin: URL, options: EngineClientOptions) {
    super();
    this.#origin = origin;
    this.#host = origin.host;
    this.#options = options;
    this.#sweep = setInterval(() => this.#closeIdle(), SWEEP_MS);
    this.#sweep.unref();
  }

  /** Never throws. @param options headers as names and values in turn, in lower case; the body as a buffer */
  override dispatch(options: Dispatcher.DispatchOptions, handler: Dispatcher.DispatchHandler): boolean {
    const body = options.body as Buffer;
    let head: string;
    try {
      if (this.#closed) throw new EngineError("UND_ERR_DESTROYED", "the pool is closed");
      head = this.#headOf(options, body.length);
    } catch (error) {
      handler.onResponseError?.(NEVER_BEGUN, error as Error);
      return true;
    }
    (this.#free() ?? this.#open()).send(head, body, handler, options);
    return true;
  }

  /** Ends what runs with an error. */
  override async destroy(): Promise<void> {
    this.#closed = true;
    clearInterval(this.#sweep);
    for (const connection of [...this.#all]) connection.fail(new EngineError("UND_ERR_DESTROYED", "the pool is closed"));
  }

  #headOf({ method, path, headers }: Dispatcher.DispatchOptions, length: number): string {
    if (path !== this.#path) {
      if (!TARGET.test(path)) throw new TypeError(`the path ${JSON.stringify(path)} cannot be asked for`);
      this.#path = path;
      this.#begin = ` ${path} HTTP/1.1\r\nhost: ${this.#host}\r\n`;
    }
    let head = method + this.#begin;
    const fields = headers as string[];
    for (let at = 0; at < fields.length; at += 2) head += fieldLine(fields[at] as string, fields[at + 1] as string);
    return `${head}content-length: ${length}\r\n\r\n`;
  }

  #free(): EngineConnection | undefined {
    for (;;) {
      const connection = this.#idle.pop();
      if (!connection || connection.usable) return connection;
      connection.socket.destroy();
    }
  }

  #open(): EngineConnection {
    const secure = this.#origin.protocol === "https:";
    const onread = {
      buffer: read,
      callback(bytes: number) {
        const chunk = Buffer.allocUnsafe(bytes);
        read.copy(chunk, 0, 0, bytes);
        connection.received(chunk);
        return true;
      },
    };
    const socket = secure ? this.#connectSecurely(onread) : net.connect({ ...this.#address(80), onread });
    socket.setNoDelay(true);
    socket.on("session", (session: Buffer) => {
      this.#session = session;
    });
    const connection: EngineConnection = new EngineConnection(socket, secure ? "secureConnect" : "connect", {
      ...this.#options,
      onIdle: (free) => this.#idle.push(free),
      onClose: (gone) => this.#all.delete(gone),
    });
    this.#all.add(connection);
    return connection;
  }

  #connectSecurely(onread: net.OnReadOpts): tls.TLSSocket {
    const { hostname } = this.#origin;
    /** The types do not say that it takes `onread`. */
    const options: tls.ConnectionOptions & { onread: net.OnReadOpts } = {
      ...this.#address(443),
      onread,
      ALPNProtocols: ["http/1.1"],
      // An address has no name to be told.
      ...(net.isIP(unbracketed(hostname)) === 0 && { servername: hostname }),
      ...(this.#session && { session: this.#session }),
    };
    return tls.connect(options);
  }

  #address(defaultPort: number): { path: string } | { host: string; port: number } {
    const { socketPath } = this.#options;
    const { hostname, port } = this.#origin;
    return socketPath === undefined ? { host: unbracketed(hostname), port: Number(port || defaultPort) } : { path: socketPath };
  }

  #closeIdle(): void {
    const kept = this.#idle.filter((connection) => connection.usable);
    for (const connection of this.#idle) if (!connection.usable) connection.socket.destroy();
    this.#idle.splice(0, this.#idle.length, ...kept);
  }
}

const unbracketed = (hostname: string) => (hostname.startsWith("[") ? hostname.slice(1, -1) : hostname);
