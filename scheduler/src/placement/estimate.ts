/** What a call would take and cost on a candidate, and what it would do to the calls already there. */

import type { SlaClass } from "@signalbox/otel/conventions";
import { costNanousd, usdToNanousd } from "@signalbox/otel/prices";
import { type Candidate, CLASS_WEIGHTS, type Demand, type SlaTarget } from "./candidate.ts";
import { shareOfPool } from "./capacity.ts";
import { DEFAULT_CONFIDENCE } from "./correction.ts";
import { correctionFor, predictDelayMs, predictFillingTpotMs, predictPrefillMs, predictTpotMs, usualPrefillMsPerToken } from "./predict.ts";

export { predictPrefillMs, predictTpotMs } from "./predict.ts";

export interface Latency {
  /** Milliseconds, waiting for a slot included. */
  ttftMs: number;
  tpotMs: number;
  totalMs: number;
}

/** Of the calls there, the one that would miss by most. */
export interface Breach {
  class: SlaClass;
  bearableTpotMs: number;
}

export interface Estimate extends Latency {
  /** As the pool's rates alone say, before real calls corrected it. */
  measured: Pick<Latency, "ttftMs" | "tpotMs">;
  /** Of the prompt, and not evaluated again. */
  warmTokens: number;
  /** What it will be charged, in nano-USD; undefined: unknown. Time is shared with the calls that run beside it. */
  costNanousd: number | undefined;
  /** What it takes from the pool, in nano-USD: candidates are compared by this. Of a token price, the cost itself. See `shareOfPool`. */
  weightNanousd: number | undefined;
  /** Predicted ÷ allowed of the tightest bound, those of the calls already there included: above 1, somebody misses. */
  stretch: number;
  /** How late it and the calls there would be, in all: the sum of squares of what exceeds a stretch of 1, each by the weight of its class. */
  harm: number;
  /** The calls there that this one would make miss; undefined: all survive. */
  breaks: Breach | undefined;
}

export function estimate(candidate: Candidate, demand: Demand): Estimate {
  const { speed, slots, active, usualCall, pricing, pendingPrefillTokens } = candidate;
  const promptTokens = Math.ceil(demand.promptBytes / speed.bytesPerToken);
  const warmTokens = Math.min(promptTokens, candidate.warmPrefixTokens ?? 0);
  const outputTokens = Math.min(demand.maxTokens ?? Number.POSITIVE_INFINITY, demand.expectedOutputTokens);
  const batch = Math.min(slots, active + candidate.queued + 1);

  const ttftCorrection = correctionFor(candidate, "ttft", demand.sla);
  // Told nothing of what is pending, the correction holds the usual delay.
  const delayMs = pendingPrefillTokens === undefined ? 0 : predictDelayMs(speed, { active, prefillTokens: pendingPrefillTokens }, slots);
  const evaluationMs = predictPrefillMs(speed, promptTokens - warmTokens);
  const prefillMs = evaluationMs * ttftCorrection;
  const waitMs = queueMs(candidate, demand.sla);
  const ttftMs = waitMs + delayMs * ttftCorrection + prefillMs;
  const steadyMs = predictTpotMs(speed, batch, slots, usualCall);
  const stepMs = Math.max(steadyMs, predictFillingTpotMs(speed, batch, slots, candidate.prefillInflow ?? 0));
  const tpotMs = stepMs * correctionFor(candidate, "tpot", demand.sla);
  const busyMs = prefillMs + outputTokens * tpotMs;
  const totalMs = ttftMs + outputTokens * tpotMs;

  let stretch = stretchOf(demand.sla, { ttftMs, tpotMs, totalMs });
  let harm = harmOf(demand.sla, stretch);
  let breaks: Breach | undefined;
  let worst = 1;
  // Its own prompt in place of a usual one; what a first token takes besides, a way there and back, holds nobody up.
  const promptMs = ((promptTokens - warmTokens) / speed.prefillTokensPerSecond) * 1000;
  const othersMs = active === 0 ? steadyMs : steadyMs - usualPrefillMsPerToken(speed, usualCall);
  for (const { sla, bounds } of candidate.residents ?? []) {
    const slowedMs = othersMs * correctionFor(candidate, "tpot", sla);
    for (const { bearableTpotMs, tokensLeft } of bounds) {
      const theirs = (slowedMs + promptMs / tokensLeft) / bearableTpotMs;
      if (theirs > stretch) stretch = theirs;
      if (theirs <= 1) continue;
      harm += harmOf(sla, theirs);
      if (theirs <= worst) continue;
      worst = theirs;
      breaks = { class: sla.class, bearableTpotMs };
    }
  }

  let cost: number | undefined;
  let weight: number | undefined;
  if (pricing.by === "tokens") {
    cost = costNanousd(pricing.price, { input: promptTokens, cacheRead: warmTokens, output: Math.ceil(outputTokens) });
    weight = cost;
  } else if (pricing.by === "time") {
    const nanousdPerMs = usdToNanousd(pricing.hourlyUsd) / 3_600_000;
    const ownBearableMs = Math.min(demand.sla.tpotMs ?? Infinity, (demand.sla.deadlineMs ?? Infinity) / Math.max(1, outputTokens));
    cost = Math.round((nanousdPerMs * busyMs) / batch);
    weight = nanousdPerMs * busyMs * shareOfPool(candidate, demand.sla, ownBearableMs);
  }
  return {
    ttftMs,
    tpotMs,
    totalMs,
    measured: { ttftMs: waitMs + delayMs + evaluationMs, tpotMs: stepMs },
    warmTokens,
    costNanousd: cost,
    weightNanousd: weight,
    stretch,
    harm,
    breaks,
  };
}

/**
 * Whoever arrives now starts when the calls before it have passed through the slots: as many ends as that, at the pace at which calls end.
 * Where a confidence can be kept, the wait is not the mean but the quantile: ends come at random, so it is that of a gamma
 * distribution (Cornish and Fisher's approximation of it, the normal quantile from the logistic one).
 */
function queueMs({ active, slots, queued, queuedAhead, speed, correction }: Candidate, sla: SlaTarget): number {
  const { confidence = DEFAULT_CONFIDENCE } = sla;
  if (active < slots) return 0;
  const ends = (queuedAhead?.(sla) ?? queued) + 1;
  const z = Math.log(confidence / (1 - confidence)) / 1.702;
  const unlucky = correction ? Math.max(0, ends + z * Math.sqrt(ends) + (z * z - 1) / 3) : ends;
  return (unlucky / slots) * speed.serviceMs;
}

/** One that is very late weighs as many that are a little late, and none counts as lost: estimates are not that sharp. */
const harmOf = (sla: SlaTarget, stretch: number) => (sla.weight ?? CLASS_WEIGHTS[sla.class]) * Math.max(0, stretch - 1) ** 2;

/** Predicted or seen ÷ allowed of the tightest bound; 0 where there is none. */
export const stretchOf = (sla: SlaTarget, { ttftMs, tpotMs, totalMs }: Latency): number =>
  Math.max(ttftMs / (sla.ttftMs ?? Infinity), tpotMs / (sla.tpotMs ?? Infinity), totalMs / (sla.deadlineMs ?? Infinity));

export const meets = (sla: SlaTarget, latency: Latency): boolean => stretchOf(sla, latency) <= 1;
