/** What calls that a pool already serves can bear, so that a newcomer does not break them. */

import type { Residents, SlaTarget } from "./candidate.ts";

/** A call that holds a slot or waits for one. Times in milliseconds of one clock. */
export interface ResidentCall {
  readonly sla: SlaTarget;
  readonly arrivedAt: number;
  /** Tokens still expected; taken as at least 1. */
  readonly expectedTokensLeft: number;
}

/** The least that any call of a class can bear, one entry per class, in the order in which classes were met. */
export function residentsOf(calls: Iterable<ResidentCall>, now: number): Residents[] {
  const groups: { sla: SlaTarget; bearableTpotMs: number }[] = [];
  for (const call of calls) {
    const bearable = bearableTpotMs(call, now);
    if (bearable === Infinity) continue;
    const group = groups.find(({ sla }) => sla.class === call.sla.class);
    if (!group) groups.push({ sla: call.sla, bearableTpotMs: bearable });
    else if (bearable < group.bearableTpotMs) {
      group.sla = call.sla;
      group.bearableTpotMs = bearable;
    }
  }
  return groups;
}

/** A call that is past its deadline is lost whatever happens, and binds nobody. */
function bearableTpotMs({ sla, arrivedAt, expectedTokensLeft }: ResidentCall, now: number): number {
  const { tpotMs = Infinity, deadlineMs = Infinity } = sla;
  const leftMs = arrivedAt + deadlineMs - now;
  return leftMs <= 0 ? tpotMs : Math.min(tpotMs, leftMs / Math.max(1, expectedTokensLeft));
}
