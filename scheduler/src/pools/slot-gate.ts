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

export function createSlotGate({ pool, slots, queueLimit, timeoutMs }: SlotGateOptions): SlotGate {
  const line: Waiting[] = [];
  let active = 0;

  const refuse = (why: string) => new HttpError(429, "pool_queue_full", `pool ${pool} ${why}; try again shortly`, { retryAfterSeconds: 1 });

  return {
    slots,
    queueLimit,
    get active() {
      return active;
    },
    get queued() {
      return line.length;
    },
    tryAcquire() {
      if (active >= slots || line.length > 0) return false;
      active++;
      return true;
    },
    queuedAhead: (dueAt) => placeOf(line, dueAt),
    wait(signal, dueAt) {
      if (line.length >= queueLimit) return Promise.reject(refuse(`has ${line.length} calls waiting for ${slots} slots`));
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
        const patienceMs = dueAt === Infinity ? timeoutMs : Math.max(timeoutMs, Math.round(dueAt - Date.now()));
        const timer = setTimeout(
          () => {
            leave();
            reject(refuse(`had no free slot for ${patienceMs} ms`));
          },
          Math.min(patienceMs, MAX_TIMEOUT_MS),
        );
        signal.addEventListener("abort", abort, { once: true });
        const waiting = { dueAt, enter };
        line.splice(placeOf(line, dueAt), 0, waiting);
        if (signal.aborted) abort();
      });
    },
    release() {
      // The slot passes on: `active` stays as it is.
      const [next] = line;
      if (next) next.enter();
      else active--;
    },
  };
}
