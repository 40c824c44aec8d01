/** How long the parts of a call take on a pool, and how far such predictions are off. */

import type { Candidate, PoolSpeed, SlaTarget, UsualCall } from "./candidate.ts";
import { DEFAULT_CONFIDENCE, type LatencyPart } from "./correction.ts";

/** Before correction by real calls. */
export const predictPrefillMs = (speed: Pick<PoolSpeed, "fixedMs" | "prefillTokensPerSecond">, promptTokens: number): number =>
  speed.fixedMs + (promptTokens / speed.prefillTokensPerSecond) * 1000;

/** How long calls that hold slots keep a newcomer's prompt waiting: the step they are in, and prompts that came before. Before correction. */
export function predictDelayMs(speed: PoolSpeed, there: { active: number; prefillTokens: number }, slots: number): number {
  if (there.active === 0) return 0;
  return predictTpotMs(speed, there.active, slots) + (there.prefillTokens / speed.prefillTokensPerSecond) * 1000;
}

/**
 * Milliseconds per token with `active` calls in the batch, before correction: a straight line from one alone to every slot taken,
 * and the prefill of newcomers between the steps. A batch that keeps its size takes in one call for each that ends, so that
 * in the time of one call's tokens every other member's prompt is evaluated once.
 */
export function predictTpotMs(speed: PoolSpeed, active: number, slots: number, usualCall?: UsualCall): number {
  const share = slots <= 1 ? 0 : Math.min(1, Math.max(0, (active - 1) / (slots - 1)));
  const decodeMs = speed.decodeMsPerToken + share * (speed.decodeMsPerTokenFull - speed.decodeMsPerToken);
  return decodeMs + Math.max(0, active - 1) * usualPrefillMsPerToken(speed, usualCall);
}

/** More of the time than this is not taken to go into prompts: calls that come that fast wait in line before long. */
const MAX_PREFILL_SHARE = 0.75;

/**
 * The same while calls come faster than they end: the batch decodes in what is left of the time beside the prompts that come in now.
 * A pool that fills up shows it at once, where the usual call tells only of a batch that keeps its size.
 * @param inflow prompt tokens per millisecond
 */
export function predictFillingTpotMs(speed: PoolSpeed, active: number, slots: number, inflow: number): number {
  const share = Math.min(MAX_PREFILL_SHARE, (inflow / speed.prefillTokensPerSecond) * 1000);
  return predictTpotMs(speed, active, slots) / (1 - share);
}

/** What one other member of the batch adds to each token by its prompt. */
export function usualPrefillMsPerToken({ prefillTokensPerSecond }: PoolSpeed, usualCall: UsualCall | undefined): number {
  return usualCall ? (usualCall.promptTokens / prefillTokensPerSecond) * (1000 / Math.max(1, usualCall.outputTokens)) : 0;
}

/** What to multiply a prediction by. */
export function correctionFor({ correction, speed }: Candidate, part: LatencyPart, sla: SlaTarget): number {
  if (correction) return correction.ratio(part, sla.class, sla.confidence ?? DEFAULT_CONFIDENCE);
  return part === "ttft" ? speed.ttftRatio : speed.tpotRatio;
}
