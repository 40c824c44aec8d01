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
export const createBreaker = (options: BreakerOptions, now: () => number = () => performance.now()): Breaker =>
  new CircuitBreaker(options, now);

/** A class, and no literal with getters: see the slot gate. */
class CircuitBreaker implements Breaker {
  goodAt = Number.NEGATIVE_INFINITY;
  readonly #options: BreakerOptions;
  readonly #now: () => number;
  #failed = 0;
  #reason = "";
  /** 0: closed. */
  #openUntil = 0;
  #restUntil = 0;
  #probing = false;

  constructor(options: BreakerOptions, now: () => number) {
    this.#options = options;
    this.#now = now;
  }

  get state(): BreakerState {
    if (this.#openUntil === 0) return "closed";
    return this.#now() < this.#openUntil ? "open" : "half-open";
  }

  get unavailable(): string | undefined {
    if (this.#openUntil === 0 && this.#restUntil === 0) return undefined;
    const rest = this.#restMs();
    if (rest > 0) return `asked not to be called for another ${Math.ceil(rest / 1000)} s`;
    const { state } = this;
    if (state === "open") return `circuit open: ${this.#reason}`;
    return state === "half-open" && this.#probing ? `circuit half-open: one call tries it (${this.#reason})` : undefined;
  }

  get waitMs(): number {
    return Math.max(this.#restMs(), this.state === "open" ? this.#openUntil - this.#now() : 0);
  }

  get resting(): boolean {
    return this.#restMs() > 0;
  }

  enter(): boolean {
    if (this.#openUntil === 0 && this.#restUntil === 0) return true;
    if (this.#restMs() > 0) return false;
    const { state } = this;
    if (state === "closed") return true;
    if (state === "open" || this.#probing) return false;
    this.#probing = true;
    return true;
  }

  report(verdict: PoolVerdict): void {
    this.#probing = false;
    if (verdict === "good") {
      this.goodAt = this.#now();
      this.#failed = 0;
      this.#openUntil = 0;
      if (this.#restMs() === 0) this.#restUntil = 0;
    } else if (verdict === "failed" && ++this.#failed >= this.#options.failures && this.state !== "open") {
      this.#open(`failed ${this.#failed} times in a row`);
    }
  }

  trip(why: string, ms?: number): void {
    this.#failed = this.#options.failures;
    this.#open(why, ms);
  }

  halfOpen(): void {
    this.#openUntil = Math.min(this.#openUntil, this.#now());
  }

  rest(ms: number): void {
    this.#restUntil = Math.max(this.#restUntil, this.#now() + Math.min(ms, MAX_REST_MS));
  }

  #restMs(): number {
    return this.#restUntil === 0 ? 0 : Math.max(0, this.#restUntil - this.#now());
  }

  #open(why: string, ms = this.#options.openMs): void {
    this.#reason = why;
    this.#openUntil = this.#now() + ms;
  }
}
