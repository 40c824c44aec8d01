/** A pool's slots, and the bounded line before them: first come, first served. */

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
   * @throws HttpError 429 when the line is full or the wait too long; the signal's reason when aborted.
   */
  wait(signal: AbortSignal): Promise<void>;
  release(): void;
}

export interface SlotGateOptions {
  pool: string;
  slots: number;
  queueLimit: number;
  /** Milliseconds a call may wait. */
  timeoutMs: number;
}

export function createSlotGate({ pool, slots, queueLimit, timeoutMs }: SlotGateOptions): SlotGate {
  const line = new Set<() => void>();
  let active = 0;

  const refuse = (why: string) => new HttpError(429, "pool_queue_full", `pool ${pool} ${why}; try again shortly`, { retryAfterSeconds: 1 });

  return {
    slots,
    queueLimit,
    get active() {
      return active;
    },
    get queued() {
      return line.size;
    },
    tryAcquire() {
      if (active >= slots || line.size > 0) return false;
      active++;
      return true;
    },
    wait(signal) {
      if (line.size >= queueLimit) return Promise.reject(refuse(`has ${line.size} calls waiting for ${slots} slots`));
      return new Promise((resolve, reject) => {
        const leave = () => {
          line.delete(enter);
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
        const timer = setTimeout(() => {
          leave();
          reject(refuse(`had no free slot for ${timeoutMs} ms`));
        }, timeoutMs);
        signal.addEventListener("abort", abort, { once: true });
        line.add(enter);
        if (signal.aborted) abort();
      });
    },
    release() {
      // The slot passes to whoever waits longest: `active` stays as it is.
      const [next] = line;
      if (next) next();
      else active--;
    },
  };
}
