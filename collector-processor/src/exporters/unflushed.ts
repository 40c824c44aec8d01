import type { Waiting } from "./write-queue.ts";

interface Group {
  written: number;
  items: Waiting[];
  spans: number;
}

/**
 * Groups that one connection has committed and that are not known to be on Postgres' disk: a crash of Postgres may undo them, and closes
 * the connection. Until then their records stay in our own log.
 */
export class Unflushed {
  readonly #groups: Group[] = [];
  #lost: Error | null = null;
  spans = 0;

  get isEmpty(): boolean {
    return this.#groups.length === 0;
  }

  /** `written`: the position of Postgres' log after the commit. */
  add(written: number, items: Waiting[], spans: number): void {
    this.#groups.push({ written, items, spans });
    this.spans += spans;
    if (this.#lost !== null) this.rejectAll(this.#lost);
  }

  /** Postgres' log is on its disk up to there. */
  flushed(position: number): void {
    const still = this.#groups.findIndex(({ written }) => written > position);
    for (const { items, spans } of this.#groups.splice(0, still < 0 ? this.#groups.length : still)) {
      this.spans -= spans;
      for (const item of items) item.resolve();
    }
  }

  /** The connection is gone. */
  rejectAll(error: Error): void {
    this.#lost = error;
    for (const { items } of this.#groups.splice(0)) for (const item of items) item.reject(error);
    this.spans = 0;
  }
}
