/** What calls that a pool already serves can bear, so that a newcomer does not break them. */

import type { ResidentBound, Residents, SlaTarget } from "./candidate.ts";

/** A call that holds a slot or waits for one. Times in milliseconds of one clock. */
export interface ResidentCall {
  readonly sla: SlaTarget;
  readonly arrivedAt: number;
  /** Tokens of its reply so far, and the time they took; both 0 before the first. */
  readonly tokens: number;
  readonly decodingMs: number;
  /** Tokens still to come: as expected, and at least. Taken as 1 or more. */
  readonly expectedTokensLeft: number;
  readonly fewestTokensLeft: number;
}

/**
 * One entry per class, in the order in which classes were met.
 * @param fastestMs milliseconds per token with one call alone
 */
export function residentsOf(calls: Iterable<ResidentCall>, now: number, fastestMs: number): Residents[] {
  const groups: { sla: SlaTarget; bounds: ResidentBound[] }[] = [];
  for (const call of calls) {
    const { sla } = call;
    const known = groups.find((group) => group.sla.class === sla.class);
    const group = known ?? { sla, bounds: [] };
    // The strictest speaks for its class.
    if ((sla.tpotMs ?? Infinity) < (group.sla.tpotMs ?? Infinity)) group.sla = sla;
    addBounds(group.bounds, call, now, fastestMs);
    if (!known && group.bounds.length > 0) groups.push(group);
  }
  return groups;
}

/** A call that misses whatever happens binds nobody. */
function addBounds(bounds: ResidentBound[], call: ResidentCall, now: number, fastestMs: number): void {
  const { sla, arrivedAt, tokens, decodingMs } = call;
  if (sla.tpotMs !== undefined) {
    // A target of the mean: what a reply has gained so far it may lose, and the other way round.
    const tokensLeft = Math.max(1, call.fewestTokensLeft);
    const bearableTpotMs = (sla.tpotMs * (tokens + tokensLeft) - decodingMs) / tokensLeft;
    if (bearableTpotMs >= fastestMs) bounds.push({ bearableTpotMs, tokensLeft });
  }
  if (sla.deadlineMs !== undefined) {
    const tokensLeft = Math.max(1, call.expectedTokensLeft);
    const leftMs = arrivedAt + sla.deadlineMs - now;
    if (leftMs > 0) bounds.push({ bearableTpotMs: leftMs / tokensLeft, tokensLeft });
  }
}
