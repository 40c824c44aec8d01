/**
 * What a call takes from a pool beyond its own time.
 *
 * A pool serves as many calls at once as its most sensitive one bears: an interactive call among background ones leaves most of the pool's
 * slots unusable. So a call is charged for its share of the batch that is possible with it there, and for the part of the batch
 * that its arrival makes impossible; and more where others wait in line. Sensitive calls then gather on few pools, and the
 * others keep large batches, without any pool being set aside for a class.
 */

import type { Candidate, Residents } from "./candidate.ts";
import { correctionFor, predictTpotMs } from "./predict.ts";

/** Share of the pool's time that a newcomer takes while it runs, above 0. */
export function shareOfPool(candidate: Candidate, newcomer: Residents): number {
  let before = candidate.slots;
  for (const residents of candidate.residents ?? []) before = Math.min(before, possibleBatch(candidate, residents));
  const after = Math.min(before, possibleBatch(candidate, newcomer));
  // A line is work that the pool owes already: its time is dearer by each call that waits.
  const owed = 1 + candidate.queued;
  return owed * (1 / after + (1 - after / before));
}

/** How many calls can run at once so that these still meet their target: 1 to the pool's slots, and not a whole number. */
function possibleBatch(candidate: Candidate, { sla, bearableTpotMs }: Residents): number {
  const { speed, slots, usualCall } = candidate;
  const alone = predictTpotMs(speed, 1, slots, usualCall);
  const perCall = predictTpotMs(speed, 2, slots, usualCall) - alone;
  const spare = bearableTpotMs / correctionFor(candidate, "tpot", sla) - alone;
  if (spare <= 0) return 1;
  return perCall > 0 ? Math.min(slots, 1 + spare / perCall) : slots;
}
