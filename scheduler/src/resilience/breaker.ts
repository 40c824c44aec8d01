/**
 * Keeps calls from a pool that fails them. Closed: calls go. After some failures in a row it opens: none go. When it has been open for a
 * while it is half-open: one call goes, and its end closes or opens it again. A pool that said when to come back is left alone until then.
 */

export type BreakerState = "closed" | "open" | "half-open";

/** How an attempt ended, for its pool: it answered, it failed, or neither can be told (the client left, the request was wrong). */
export type PoolVerdict = "good" | "failed" | "unknown";

export interface BreakerOptions {
  /** In a row. */
  failures: number;
  /** Milliseconds without calls, before one is let through. */
  openMs: number;
}

export interface Breaker {
  readonly state: BreakerState;
  /** Why no call may go now, in words; undefined where one may. */
  readonly unavailable: string | undefined;
  /** Milliseconds until a call may go; 0 where one may. */
  readonly waitMs: number;
  /** The pool asked to be left alone, and waitMs is its own word. */
  readonly resting: boolean;
  /** When a call last ended well, on `now`'s clock; before the first one -Infinity. */
  readonly goodAt: number;
  /** Before an attempt: false where another call is the half-open one. Every true is to be followed by one `report`. */
  enter(): boolean;
  report(verdict: PoolVerdict): void;
  /** Opens at once: what is wrong stays wrong until somebody mends it. @param ms without calls, where it is not the usual */
  trip(reason: string, ms?: number): void;
  /** Where it is open, one call may try the pool now: something else than a call has shown that it answers. */
  halfOpen(): void;
  /** The pool said: not before this many milliseconds from now. */
  rest(ms: number): void;
}

/** What a pool may ask for; longer is a mistake, or a quota of a day that may be raised sooner. */
const MAX_REST_MS = 3_600_000;

/** @param now milliseconds, monotonic */
export function createBreaker({ failures, openMs }: BreakerOptions, now: () => number = () => performance.now()): Breaker {
  let failed = 0;
  let reason = "";
  /** 0: closed. */
  let openUntil = 0;
  let restUntil = 0;
  let probing = false;
  let goodAt = Number.NEGATIVE_INFINITY;

  const stateNow = (): BreakerState => (openUntil === 0 ? "closed" : now() < openUntil ? "open" : "half-open");
  const restMs = () => (restUntil === 0 ? 0 : Math.max(0, restUntil - now()));
  const open = (why: string, ms = openMs) => {
    reason = why;
    openUntil = now() + ms;
  };

  return {
    get state() {
      return stateNow();
    },
    get unavailable() {
      if (openUntil === 0 && restUntil === 0) return undefined;
      const rest = restMs();
      if (rest > 0) return `asked not to be called for another ${Math.ceil(rest / 1000)} s`;
      const state = stateNow();
      if (state === "open") return `circuit open: ${reason}`;
      return state === "half-open" && probing ? `circuit half-open: one call tries it (${reason})` : undefined;
    },
    get waitMs() {
      return Math.max(restMs(), stateNow() === "open" ? openUntil - now() : 0);
    },
    get resting() {
      return restMs() > 0;
    },
    get goodAt() {
      return goodAt;
    },
    enter() {
      if (openUntil === 0 && restUntil === 0) return true;
      if (restMs() > 0) return false;
      const state = stateNow();
      if (state === "closed") return true;
      if (state === "open" || probing) return false;
      probing = true;
      return true;
    },
    report(verdict) {
      probing = false;
      if (verdict === "good") {
        goodAt = now();
        failed = 0;
        openUntil = 0;
        restUntil = restMs() > 0 ? restUntil : 0;
      } else if (verdict === "failed" && ++failed >= failures && stateNow() !== "open") open(`failed ${failed} times in a row`);
    },
    trip(why, ms) {
      failed = failures;
      open(why, ms);
    },
    halfOpen() {
      openUntil = Math.min(openUntil, now());
    },
    rest(ms) {
      restUntil = Math.max(restUntil, now() + Math.min(ms, MAX_REST_MS));
    },
  };
}
