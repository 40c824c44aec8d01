/** A pool's slots, and the bounded line before them: whoever is due first goes first, of equals who came first. */

import { HttpError } from "../http/errors.ts";

export interface SlotGate {
  readonly active: number;
  readonly queued: number;
  readonly slots: number;
  readonly queueLimit: number;
  /** Takes a slot if one is free and nobody waits. */
  tryAcquire(): boolean;
  /**
   * Waits for a slot.
   * @param dueAt milliseconds since the epoch: see `dueInMs`. Infinity: after all that are due at a time. Who is due later than the usual
   *   wait ends may wait until then.
   * @throws HttpError 429 when the line is full or the wait too long; the signal's reason when aborted.
   */
  wait(signal: AbortSignal, dueAt: number): Promise<void>;
  /** Calls in line that go before one that comes now and is due then. */
  queuedAhead(dueAt: number): number;
  release(): void;
}

export interface SlotGateOptions {
  pool: string;
  slots: number;
  queueLimit: number;
  /** Milliseconds a call may wait, unless it is due later. */
  timeoutMs: number;
}

interface Waiting {
  dueAt: number;
  enter: () => void;
}

/** `setTimeout` takes no more. */
const MAX_TIMEOUT_MS = 2 ** 31 - 1;

/** Behind all that are due no later. */
function placeOf(line: readonly Waiting[], dueAt: number): number {
  let place = line.length;
  while (place > 0 && (line[place - 1] as Waiting).dueAt > dueAt) place--;
  return place;
}

export const createSlotGate = (options: SlotGateOptions): SlotGate => new Gate(options);

/** A class, and no literal: V8 keeps a literal with a getter as a dictionary, and each look at it takes ten times as long, some 10 ns. */
class Gate implements SlotGate {
  readonly slots: number;
  readonly queueLimit: number;
  readonly #pool: string;
  readonly #timeoutMs: number;
  readonly #line: Waiting[] = [];
  #active = 0;

  constructor({ pool, slots, queueLimit, timeoutMs }: SlotGateOptions) {
    this.slots = slots;
    this.queueLimit = queueLimit;
    this.#pool = pool;
    this.#timeoutMs = timeoutMs;
  }

  get active(): number {
    return this.#active;
  }

  get queued(): number {
    return this.#line.length;
  }

  tryAcquire(): boolean {
    if (this.#active >= this.slots || this.#line.length > 0) return false;
    this.#active++;
    return true;
  }

  queuedAhead(dueAt: number): number {
    return placeOf(this.#line, dueAt);
  }

  wait(signal: AbortSignal, dueAt: number): Promise<void> {
    const line = this.#line;
    if (line.length >= this.queueLimit) return Promise.reject(this.#refusal(`has ${line.length} calls waiting for ${this.slots} slots`));
    return new Promise((resolve, reject) => {
      const leave = () => {
        line.splice(line.indexOf(waiting), 1);
        clearTimeout(timer);
        signal.removeEventListener("abort", abort);
      };
      const enter = () => {
        leave();
        resolve();
      };
      const abort = () => {
        leave();
        reject(signal.reason);
      };
      const patienceMs = dueAt === Infinity ? this.#timeoutMs : Math.max(this.#timeoutMs, Math.round(dueAt - Date.now()));
      const timer = setTimeout(
        () => {
          leave();
          reject(this.#refusal(`had no free slot for ${patienceMs} ms`));
        },
        Math.min(patienceMs, MAX_TIMEOUT_MS),
      );
      signal.addEventListener("abort", abort, { once: true });
      const waiting = { dueAt, enter };
      line.splice(placeOf(line, dueAt), 0, waiting);
      if (signal.aborted) abort();
    });
  }

  release(): void {
    // The slot passes on: `active` stays as it is.
    const [next] = this.#line;
    if (next) next.enter();
    else this.#active--;
  }

  #refusal(why: string): HttpError {
    return new HttpError(429, "pool_queue_full", `pool ${this.#pool} ${why}; try again shortly`, { retryAfterSeconds: 1 });
  }
}
