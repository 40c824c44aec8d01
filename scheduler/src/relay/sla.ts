/** Was the class met? From the client's side: the wait for a slot and failed attempts count. */

import { SESSION_KILLED } from "../admission/refusals.ts";
import type { SlaTarget } from "../placement/candidate.ts";
import { CLIENT_CLOSED } from "./call.ts";
import { statusKind } from "./verdict.ts";

export interface Timing {
  startedAt: number;
  /** Undefined where the reply came as a whole. */
  firstChunkAt: number | undefined;
  endedAt: number;
  outputTokens: number | undefined;
}

function slaMet(sla: SlaTarget, { startedAt, firstChunkAt, endedAt, outputTokens = 1 }: Timing): boolean {
  const totalMs = endedAt - startedAt;
  if (sla.deadlineMs !== undefined && totalMs > sla.deadlineMs) return false;
  const { ttftMs = Infinity, tpotMs = Infinity } = sla;
  const steps = Math.max(0, outputTokens - 1);
  // A reply that came whole shows no first token: it must have come within the time that its tokens were given.
  if (firstChunkAt === undefined) return totalMs <= ttftMs + (steps === 0 ? 0 : steps * tpotMs);
  return firstChunkAt - startedAt <= ttftMs && (steps === 0 || (endedAt - firstChunkAt) / steps <= tpotMs);
}

/**
 * The verdict on a call that ended, well or not. Undefined where there is none: its client or a stop ended it before it was late, and nobody knows
 * how it would have gone on; or the request was wrong.
 */
export function slaVerdict(
  sla: SlaTarget,
  timing: Timing,
  { status, error, stream }: { status: number; error: string | undefined; stream: boolean },
): boolean | undefined {
  if (error === undefined) return slaMet(sla, timing);
  if (error !== CLIENT_CLOSED && error !== SESSION_KILLED) return statusKind(status) === "request" ? undefined : false;
  // How long a whole reply was to be, and so what time it had, is not known.
  const known = stream || timing.firstChunkAt !== undefined ? sla : { ...sla, ttftMs: Infinity };
  return slaMet(known, timing) ? undefined : false;
}
