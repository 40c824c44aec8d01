import { setTimeout as sleep } from "node:timers/promises";

const HOUR_MS = 3_600_000;

/**
 * Waits for the next hour where this one has less than `neededMs` left. "The last 24 h" begins at a whole hour (and "today" at midnight): what a page showed
 * before the clock struck is not what a test then adds up.
 */
export async function wholeHour(neededMs = 60_000): Promise<void> {
  const leftMs = HOUR_MS - (Date.now() % HOUR_MS);
  if (leftMs < neededMs) await sleep(leftMs + 1_000);
}
