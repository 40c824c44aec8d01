import { setTimeout as sleep } from "node:timers/promises";
import { Unavailable } from "../pipeline.ts";

export interface AdmissionConfig {
  /** Bytes of bodies in memory at once, those of all receivers together. One alone may be larger. */
  maxBytes: number;
  /** How long a request may wait for room, unread, before it is told to come again. */
  waitMs: number;
}

/** Why a body of `bytes` would not be taken beside `others` that are under way; null: it would. */
export type Refusal = (bytes: number, others: number) => Unavailable | null;

/** More than these are refused at once: each holds a connection. */
const MAX_WAITING = 256;
const LOOK_AGAIN_MS = 20;

interface Waiting {
  bytes: number;
  until: number;
  admit(): void;
  refuse(error: Unavailable): void;
}

/**
 * Bounds the bodies that are read and that wait to be stored. What has no room waits, in the order of arrival, and is not read meanwhile:
 * the connection holds its client back, which costs nothing, where to read what is refused would take the time that storing needs.
 */
export class Admission {
  readonly #config: AdmissionConfig;
  readonly #refusal: Refusal;
  readonly #waiting: Waiting[] = [];
  #bytes = 0;

  constructor(config: AdmissionConfig, refusal: Refusal) {
    this.#config = config;
    this.#refusal = refusal;
  }

  /** Resolves when there is room for a body of so many bytes, which are then held. @throws Unavailable when there is none in time. */
  async enter(bytes: number): Promise<Held> {
    const refused = this.#waiting.length > 0 ? tooMany() : this.#whyNot(bytes);
    if (refused !== null) {
      if (this.#waiting.length >= MAX_WAITING) throw refused;
      await this.#turn(bytes);
    } else this.#bytes += bytes;
    return new Held(bytes, (change, needed) => this.#change(change, needed));
  }

  #turn(bytes: number): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ bytes, until: performance.now() + this.#config.waitMs, admit: resolve, refuse: reject });
      if (this.#waiting.length === 1) this.#serve();
    });
  }

  async #serve(): Promise<void> {
    for (let first = this.#waiting[0]; first !== undefined; first = this.#waiting[0]) {
      const refused = this.#whyNot(first.bytes);
      if (refused !== null && performance.now() < first.until) {
        await sleep(LOOK_AGAIN_MS);
        continue;
      }
      this.#waiting.shift();
      if (refused !== null) first.refuse(refused);
      else {
        this.#bytes += first.bytes;
        first.admit();
      }
    }
  }

  #whyNot(bytes: number): Unavailable | null {
    if (this.#bytes > 0 && this.#bytes + bytes > this.#config.maxBytes) return tooMany();
    return this.#refusal(bytes, this.#bytes);
  }

  /** `held`: what of all is the asker's own. */
  #change(bytes: number, held: number): void {
    if (bytes > 0 && this.#bytes > held && this.#bytes + bytes > this.#config.maxBytes) throw tooMany();
    this.#bytes += bytes;
  }
}

/** What one request holds. */
export class Held {
  readonly #change: (bytes: number, held: number) => void;
  #bytes: number;
  #arrived = 0;

  constructor(bytes: number, change: (bytes: number, held: number) => void) {
    this.#bytes = bytes;
    this.#change = change;
  }

  /** So much came of it: more than it said, or it did not say. @throws Unavailable when there is no room for that. */
  arrived(bytes: number): void {
    this.#arrived += bytes;
    const more = this.#arrived - this.#bytes;
    if (more <= 0) return;
    this.#change(more, this.#bytes);
    this.#bytes += more;
  }

  /** It is so large now: decompressed, or done with (0). */
  is(bytes: number): void {
    this.#change(bytes - this.#bytes, Number.POSITIVE_INFINITY);
    this.#bytes = bytes;
  }
}

const tooMany = () => new Unavailable("too many requests are under way");
