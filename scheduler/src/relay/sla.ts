/** Was the class met? From the client's side: the wait for a slot and failed attempts count. */

import type { SlaTarget } from "../placement/candidate.ts";

export interface Timing {
  startedAt: number;
  /** Undefined where the reply came as a whole. */
  firstChunkAt: number | undefined;
  endedAt: number;
  outputTokens: number | undefined;
}

export function slaMet(sla: SlaTarget, { startedAt, firstChunkAt, endedAt, outputTokens = 1 }: Timing): boolean {
  const totalMs = endedAt - startedAt;
  if (sla.deadlineMs !== undefined && totalMs > sla.deadlineMs) return false;
  const { ttftMs = Infinity, tpotMs = Infinity } = sla;
  const steps = Math.max(0, outputTokens - 1);
  // A reply that came whole shows no first token: it must have come within the time that its tokens were given.
  if (firstChunkAt === undefined) return totalMs <= ttftMs + (steps === 0 ? 0 : steps * tpotMs);
  return firstChunkAt - startedAt <= ttftMs && (steps === 0 || (endedAt - firstChunkAt) / steps <= tpotMs);
}
