/**
 * The load of the gateway's benchmark: a process of its own that does what its parent's messages ask, one after another. It takes about
 * what wrk takes of a request (on `node:net`, one buffer to read into, no stream), so that what is measured is not the one who measures. An
 * answer counts when it is 200, whole by its length or its last chunk, and ends as the engine's does; all else is a failure, and told.
 */

import net from "node:net";
import { setTimeout as sleep } from "node:timers/promises";

export interface Job {
  port: number;
  path: string;
  /** `name: value` */
  headers: string[];
  body: string;
  connections: number;
  seconds: number;
  /** What a whole answer's body ends with. */
  ending: string;
}

export interface Outcome {
  requests: number;
  seconds: number;
  /** By what was wrong. */
  failures: Record<string, number>;
  /** Milliseconds from the last byte that was handed over to the last one of the answer. */
  p50: number;
  p99: number;
}

const READ_BYTES = 64 << 10;
const RECONNECT_MS = 10;
const HEAD_END = "\r\n\r\n";
const LENGTH = /\r\ncontent-length: *(\d+)/i;
const CHUNKED = /\r\ntransfer-encoding: *chunked/i;
const ZERO = 0x30;
const LINE_FEED = 0x0a;
/** All sockets are read into it, one after another. */
const buffer = Buffer.allocUnsafeSlow(READ_BYTES);

class Run {
  readonly job: Job;
  readonly request: Buffer;
  readonly times: number[] = [];
  readonly failures: Record<string, number> = {};
  over = false;

  constructor(job: Job) {
    this.job = job;
    const { port, path, headers, body } = job;
    const lines = [`POST ${path} HTTP/1.1`, `host: 127.0.0.1:${port}`, ...headers, `content-length: ${Buffer.byteLength(body)}`];
    this.request = Buffer.from(`${lines.join("\r\n")}${HEAD_END}${body}`);
  }
}

/** One connection; a new one takes its place where it fails. */
class Client {
  readonly closed: Promise<void>;
  #close!: () => void;
  readonly #run: Run;
  #socket!: net.Socket;
  #waiting = false;
  #sentAt = 0;
  /** What came of a head that is not whole. */
  #head = "";
  #state: "head" | "plain" | "size" | "data" | "data-end" | "last" = "head";
  /** Bytes to come of the body or the chunk, or the chunk's size as far as it is read. */
  #left = 0;
  /** The last of the body. */
  #tail = "";

  constructor(run: Run) {
    this.#run = run;
    this.closed = new Promise((resolve) => {
      this.#close = resolve;
    });
    this.#connect();
  }

  #connect(): void {
    const read = (bytes: number) => {
      this.#read(bytes);
      return true;
    };
    const socket = net.connect({ host: "127.0.0.1", port: this.#run.job.port, noDelay: true, onread: { buffer, callback: read } });
    this.#socket = socket;
    this.#waiting = false;
    socket.on("connect", () => this.#send());
    socket.on("error", (error: NodeJS.ErrnoException) => this.#failed(error.code ?? error.message));
    socket.on("close", () => {
      if (this.#waiting) this.#failed("closed before the end of the answer");
      if (this.#run.over) this.#close();
      else void sleep(RECONNECT_MS).then(() => this.#connect());
    });
  }

  #send(): void {
    if (this.#run.over) {
      this.#socket.destroy();
      return;
    }
    this.#state = "head";
    this.#head = "";
    this.#tail = "";
    this.#waiting = true;
    this.#sentAt = performance.now();
    this.#socket.write(this.#run.request);
  }

  #failed(why: string): void {
    this.#waiting = false;
    this.#run.failures[why] = (this.#run.failures[why] ?? 0) + 1;
    this.#socket.destroy();
  }

  #ended(): void {
    const { over, times, job } = this.#run;
    if (!this.#tail.endsWith(job.ending)) {
      this.#failed("the answer does not end as the engine's does");
      return;
    }
    this.#waiting = false;
    if (!over) times.push(performance.now() - this.#sentAt);
    this.#send();
  }

  #read(bytes: number): void {
    if (!this.#waiting) this.#failed("bytes that nobody asked for");
    const at = this.#waiting && this.#state === "head" ? this.#readHead(bytes) : 0;
    if (!this.#waiting || this.#state === "head") return;
    if (this.#state === "plain") {
      this.#keep(at, bytes);
      this.#left -= bytes - at;
      if (this.#left === 0) this.#ended();
      else if (this.#left < 0) this.#failed("an answer longer than its length");
    } else this.#readChunks(at, bytes);
  }

  /** @returns where the body begins, once the head is whole and good */
  #readHead(bytes: number): number {
    const before = this.#head.length;
    const text = this.#head + buffer.toString("latin1", 0, bytes);
    const end = text.indexOf(HEAD_END);
    if (end < 0) {
      this.#head = text;
      return 0;
    }
    const head = text.slice(0, end);
    const length = LENGTH.exec(head)?.[1];
    if (!head.startsWith("HTTP/1.1 200 ")) this.#failed(head.slice(0, head.indexOf("\r\n")));
    else if (length !== undefined) {
      this.#state = "plain";
      this.#left = Number(length);
    } else if (CHUNKED.test(head)) {
      this.#state = "size";
      this.#left = 0;
    } else this.#failed("an answer of no length");
    return end + HEAD_END.length - before;
  }

  #readChunks(from: number, bytes: number): void {
    for (let at = from; at < bytes; ) {
      if (this.#state === "data") {
        const end = Math.min(bytes, at + this.#left);
        this.#keep(at, end);
        this.#left -= end - at;
        at = end;
        if (this.#left === 0) this.#state = "data-end";
        continue;
      }
      const byte = buffer[at++] as number;
      if (this.#state === "size" && byte > LINE_FEED && byte !== 0x0d) {
        this.#left = this.#left * 16 + (byte <= 0x39 ? byte - ZERO : (byte | 0x20) - 0x57);
      } else if (byte === LINE_FEED) {
        if (this.#state === "last") {
          if (at === bytes) this.#ended();
          else this.#failed("bytes after the last chunk");
          return;
        }
        if (this.#state === "data-end") this.#state = "size";
        else this.#state = this.#left === 0 ? "last" : "data";
      }
    }
  }

  #keep(start: number, end: number): void {
    const { length } = this.#run.job.ending;
    const last = buffer.toString("latin1", Math.max(start, end - length), end);
    this.#tail = last.length === length ? last : (this.#tail + last).slice(-length);
  }
}

async function run(job: Job): Promise<Outcome> {
  const load = new Run(job);
  const startedAt = performance.now();
  const clients = Array.from({ length: job.connections }, () => new Client(load));
  await sleep(job.seconds * 1000);
  load.over = true;
  const seconds = (performance.now() - startedAt) / 1000;
  await Promise.all(clients.map(({ closed }) => closed));
  const times = Float64Array.from(load.times).sort();
  const quantile = (share: number) => times[Math.floor(times.length * share)] ?? Number.NaN;
  return { requests: times.length, seconds, failures: load.failures, p50: quantile(0.5), p99: quantile(0.99) };
}

process.on("message", async (job: Job) => process.send?.(await run(job)));
process.stdout.write("ready\n");
