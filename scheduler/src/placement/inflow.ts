/** Prompt tokens that calls bring to a pool: where more come than end, the calls there wait for their prompts more often than usual. */

export interface Inflow {
  /** @param now milliseconds of one clock, never falling */
  bring(tokens: number, now: number): void;
  /** Tokens per millisecond. */
  read(now: number): number;
}

/** @param overMs after this long 1/e of what came still counts: about as long as a reply of the bursts that are to be seen */
export function createInflow(overMs = 5_000): Inflow {
  let perMs = 0;
  let at = 0;
  const read = (now: number) => perMs * Math.exp(-Math.max(0, now - at) / overMs);
  return {
    bring(tokens, now) {
      perMs = read(now) + tokens / overMs;
      at = now;
    },
    read,
  };
}
