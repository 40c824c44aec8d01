import { setTimeout as sleep } from "node:timers/promises";

/** Waits until `holds`; throws with `what` where that takes longer. */
export async function until(what: string, timeoutMs: number, holds: () => boolean | Promise<boolean>): Promise<void> {
  for (const deadline = Date.now() + timeoutMs; !(await holds()); await sleep(50)) {
    if (Date.now() > deadline) throw new Error(`${what}: not after ${timeoutMs / 1000} s`);
  }
}
