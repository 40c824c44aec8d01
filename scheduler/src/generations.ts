/**
 * One config after another. A request keeps to the one it began with; what a later one no longer has is closed when the last
 * request that may use it has ended.
 */

import type { Configured } from "./configured.ts";
import type { Log } from "./log.ts";
import type { Pool } from "./pools/pool.ts";

/** A use of one generation, which keeps all that it has until `leave` is called, once. */
export interface Lease {
  readonly parts: Configured;
  leave(): void;
  /** Another use of the same one: for what outlives the first. */
  again(): Lease;
}

export interface Generations {
  readonly current: Configured;
  /** A use of the current one. */
  enter(): Lease;
  /** Resolves when the next one serves: its new pools are up by then, or have failed to come up. */
  replace(next: Configured): Promise<void>;
  close(): Promise<void>;
}

/** What new pools get to come up before they are put in front of clients all the same. */
const START_MS = 120_000;
const POLL_MS = 50;

interface Generation {
  parts: Configured;
  users: number;
}

class Use implements Lease {
  readonly parts: Configured;
  readonly #generation: Generation;
  readonly #left: (generation: Generation) => void;

  constructor(generation: Generation, left: (generation: Generation) => void) {
    generation.users++;
    this.parts = generation.parts;
    this.#generation = generation;
    this.#left = left;
  }

  leave(): void {
    this.#generation.users--;
    this.#left(this.#generation);
  }

  again(): Lease {
    return new Use(this.#generation, this.#left);
  }
}

export function createGenerations(first: Configured, log: Log): Generations {
  let current: Generation = { parts: first, users: 0 };
  const live = new Set([current]);
  let closing = false;
  const stopping = new Set<Promise<void>>();
  for (const pool of first.pools) pool.connection.start();

  function end(generation: Generation): void {
    live.delete(generation);
    const inUse = new Set([...live].flatMap(({ parts }) => parts.pools));
    for (const pool of generation.parts.pools) if (!inUse.has(pool)) stop(pool);
    const { semantic } = generation.parts;
    if (semantic && ![...live].some(({ parts }) => parts.semantic === semantic)) semantic.close();
  }

  function stop(pool: Pool): void {
    log.info("pool is drained and closed", { pool: pool.name });
    const stopped = pool.connection.close().finally(() => stopping.delete(stopped));
    stopping.add(stopped);
  }

  function left(generation: Generation): void {
    if (generation.users === 0 && generation !== current && live.has(generation)) end(generation);
  }

  return {
    get current() {
      return current.parts;
    },
    enter: () => new Use(current, left),
    async replace(next) {
      const old = current;
      const fresh = next.pools.filter((pool) => !old.parts.pools.includes(pool));
      for (const pool of fresh) pool.connection.start();
      const deadline = Date.now() + START_MS;
      while (!closing && Date.now() < deadline && fresh.some((pool) => pool.connection.state.kind === "starting")) {
        await new Promise((resolve) => setTimeout(resolve, POLL_MS));
      }
      if (closing) {
        for (const pool of fresh) stop(pool);
        await Promise.all(stopping);
        return;
      }
      current = { parts: next, users: 0 };
      live.add(current);
      if (old.users === 0) end(old);
    },
    async close() {
      closing = true;
      for (const generation of [...live]) end(generation);
      await Promise.all(stopping);
    },
  };
}
