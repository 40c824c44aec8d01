/**
 * What a call takes from a pool beyond its own time.
 *
 * A pool serves as many calls at once as its most sensitive one bears: an interactive call among background ones leaves most of the pool's
 * slots unusable. So a call is charged for its share of the batch that is possible with it there, and for the part of the batch
 * that it keeps impossible for longer; and more where others wait in line. Sensitive calls then gather on few pools, and the
 * others keep large batches, without any pool being set aside for a class.
 */

import type { Candidate, Residents, SlaTarget } from "./candidate.ts";
import { correctionFor, predictTpotMs } from "./predict.ts";

/** Share of the pool's time that a newcomer takes while it runs, above 0. */
export function shareOfPool(candidate: Candidate, sla: SlaTarget, bearableTpotMs: number): number {
  const own = possibleBatch(candidate, sla, bearableTpotMs);
  let after = own;
  let others = candidate.slots;
  let alike = 0;
  for (const residents of candidate.residents ?? []) {
    const theirs = possibleBatch(candidate, residents.sla, usuallyBearableMs(residents));
    after = Math.min(after, theirs);
    if (theirs <= own) alike += residents.bounds.length;
    else others = Math.min(others, theirs);
  }
  // A line is work that the pool owes already: its time is dearer by each call that waits.
  const owed = 1 + candidate.queued;
  // The pool stays small until the last of its sensitive calls ends: one more of them makes that a little later, the first makes it so.
  const prolonged = Math.max(0, 1 - own / others) / (1 + alike);
  return owed * (1 / after + prolonged);
}

/** Of a class, not of the call that is the worst off just now. */
function usuallyBearableMs({ sla, bounds }: Residents): number {
  if (sla.tpotMs !== undefined) return sla.tpotMs;
  let least = Infinity;
  for (const { bearableTpotMs } of bounds) least = Math.min(least, bearableTpotMs);
  return least;
}

/** How many calls can run at once so that these still meet their target: 1 to the pool's slots, and not a whole number. */
function possibleBatch(candidate: Candidate, sla: SlaTarget, bearableTpotMs: number): number {
  const { speed, slots, usualCall } = candidate;
  const alone = predictTpotMs(speed, 1, slots, usualCall);
  const perCall = predictTpotMs(speed, 2, slots, usualCall) - alone;
  const spare = bearableTpotMs / correctionFor(candidate, "tpot", sla) - alone;
  if (spare <= 0) return 1;
  return perCall > 0 ? Math.min(slots, 1 + spare / perCall) : slots;
}
