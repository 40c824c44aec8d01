/**
 * Which conversations a pool has served of late: their prompts' beginnings need not be evaluated again there.
 *
 * Expected, not known: how much of what was served is found again is learned from the engine's own counts of cached tokens. One that
 * never reports any is expected to keep nothing.
 */

export interface WarmPrefixes {
  /** Tokens that are expected to be found again. */
  tokensOf(conversation: string, now: number): number;
  /** A call has ended. `input` includes `cacheRead`. */
  served(conversation: string, usage: { input: number; cacheRead: number; output: number }, now: number): void;
  readonly size: number;
}

export interface WarmPrefixesOptions {
  /** Conversations remembered; the one that was served longest ago goes first. */
  capacity: number;
  /** Milliseconds without a call after which a prefix counts as gone. */
  lifetimeMs: number;
}

/** Weight of one call in the share that is found again. */
const WEIGHT = 0.15;

export function createWarmPrefixes({ capacity, lifetimeMs }: WarmPrefixesOptions): WarmPrefixes {
  /** Oldest first. */
  const kept = new Map<string, { tokens: number; at: number }>();
  let foundAgain = 1;

  const held = (conversation: string, now: number) => {
    const entry = kept.get(conversation);
    return entry && now - entry.at <= lifetimeMs ? entry.tokens : 0;
  };

  return {
    tokensOf: (conversation, now) => Math.floor(held(conversation, now) * foundAgain),
    served(conversation, { input, cacheRead, output }, now) {
      const expected = Math.min(held(conversation, now), input);
      if (expected > 0) foundAgain += WEIGHT * (Math.min(1, cacheRead / expected) - foundAgain);
      kept.delete(conversation);
      kept.set(conversation, { tokens: input + output, at: now });
      if (kept.size <= capacity) return;
      const [oldest] = kept.keys();
      if (oldest !== undefined) kept.delete(oldest);
    },
    get size() {
      return kept.size;
    },
  };
}
