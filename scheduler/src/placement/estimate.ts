/** What a call would take and cost on a candidate, and what it would do to the calls already there. */

import { costNanousd, usdToNanousd } from "@signalbox/otel/prices";
import { shareOfPool } from "./capacity.ts";
import type { Candidate, Demand, PoolSpeed, Pricing, Residents, SlaTarget, UsualCall } from "./candidate.ts";
import { DEFAULT_CONFIDENCE, type LatencyPart } from "./correction.ts";

export interface Latency {
  /** Milliseconds, waiting for a slot included. */
  ttftMs: number;
  tpotMs: number;
  totalMs: number;
}

export interface Estimate extends Latency {
  /** What it will be charged, in nano-USD; undefined: unknown. Time is shared with the calls that run beside it. */
  costNanousd: number | undefined;
  /** What it takes from the pool, in nano-USD: candidates are compared by this. Of a token price, the cost itself. See `shareOfPool`. */
  weightNanousd: number | undefined;
  /** Predicted ÷ allowed of the tightest bound, those of the calls already there included: above 1, somebody misses. */
  stretch: number;
  /** The calls there that this one would make miss; undefined: all survive. */
  breaks: Residents | undefined;
}

/** @param pricing what to charge by now, where that is not the candidate's own */
export function estimate(candidate: Candidate, demand: Demand, pricing: Pricing = candidate.pricing): Estimate {
  const { speed, slots, active, usualCall } = candidate;
  const promptTokens = Math.ceil(demand.promptBytes / speed.bytesPerToken);
  const warmTokens = Math.min(promptTokens, candidate.warmPrefixTokens ?? 0);
  const outputTokens = Math.min(demand.maxTokens ?? Number.POSITIVE_INFINITY, demand.expectedOutputTokens);
  const batch = Math.min(slots, active + candidate.queued + 1);

  const ttftCorrection = correctionFor(candidate, "ttft", demand.sla);
  const there = { active, prefillTokens: candidate.pendingPrefillTokens ?? 0 };
  const prefillMs = predictPrefillMs(speed, promptTokens - warmTokens) * ttftCorrection;
  const ttftMs = queueMs(candidate) + predictDelayMs(speed, there, slots) * ttftCorrection + prefillMs;
  const stepMs = predictTpotMs(speed, batch, slots, usualCall);
  const tpotMs = stepMs * correctionFor(candidate, "tpot", demand.sla);
  const busyMs = prefillMs + outputTokens * tpotMs;
  const latency = { ttftMs, tpotMs, totalMs: ttftMs + outputTokens * tpotMs };

  let stretch = stretchOf(demand.sla, latency);
  let breaks: Residents | undefined;
  let worst = 1;
  for (const residents of candidate.residents ?? []) {
    const theirs = (stepMs * correctionFor(candidate, "tpot", residents.sla)) / residents.bearableTpotMs;
    stretch = Math.max(stretch, theirs);
    if (theirs <= worst) continue;
    worst = theirs;
    breaks = residents;
  }

  if (pricing.by === "tokens") {
    const cost = costNanousd(pricing.price, { input: promptTokens, cacheRead: warmTokens, output: Math.ceil(outputTokens) });
    return { ...latency, costNanousd: cost, weightNanousd: cost, stretch, breaks };
  }
  if (pricing.by === "unknown") return { ...latency, costNanousd: undefined, weightNanousd: undefined, stretch, breaks };
  const nanousdPerMs = usdToNanousd(pricing.hourlyUsd) / 3_600_000;
  const ownBearableMs = Math.min(demand.sla.tpotMs ?? Infinity, (demand.sla.deadlineMs ?? Infinity) / Math.max(1, outputTokens));
  const share = shareOfPool(candidate, { sla: demand.sla, bearableTpotMs: ownBearableMs });
  return {
    ...latency,
    costNanousd: Math.round((nanousdPerMs * busyMs) / batch),
    weightNanousd: nanousdPerMs * busyMs * share,
    stretch,
    breaks,
  };
}

/** Before correction by real calls. */
export const predictPrefillMs = (speed: PoolSpeed, promptTokens: number): number =>
  speed.fixedMs + (promptTokens / speed.prefillTokensPerSecond) * 1000;

/** How long calls that hold slots keep a newcomer's prompt waiting: the step they are in, and prompts that came before. Before correction. */
export function predictDelayMs(speed: PoolSpeed, there: { active: number; prefillTokens: number }, slots: number): number {
  if (there.active === 0) return 0;
  // Told nothing of what is pending: the figures of a black box hold the delay already.
  return there.prefillTokens === 0 ? 0 : predictTpotMs(speed, there.active, slots) + (there.prefillTokens / speed.prefillTokensPerSecond) * 1000;
}

/**
 * Milliseconds per token with `active` calls in the batch, before correction: a straight line from one alone to every slot taken,
 * and the prefill of newcomers between the steps. A batch that keeps its size takes in one call for each that ends, so that
 * in the time of one call's tokens every other member's prompt is evaluated once.
 */
export function predictTpotMs(speed: PoolSpeed, active: number, slots: number, usualCall?: UsualCall): number {
  const share = slots <= 1 ? 0 : Math.min(1, Math.max(0, (active - 1) / (slots - 1)));
  const decodeMs = speed.decodeMsPerToken + share * (speed.decodeMsPerTokenFull - speed.decodeMsPerToken);
  if (!usualCall) return decodeMs;
  const prefillMs = (usualCall.promptTokens / speed.prefillTokensPerSecond) * 1000;
  return decodeMs + (Math.max(0, active - 1) * prefillMs) / Math.max(1, usualCall.outputTokens);
}

/** What to multiply a prediction by. */
export function correctionFor({ correction, speed }: Candidate, part: LatencyPart, sla: SlaTarget): number {
  if (correction) return correction.ratio(part, sla.class, sla.confidence ?? DEFAULT_CONFIDENCE);
  return part === "ttft" ? speed.ttftRatio : speed.tpotRatio;
}

/** Whoever arrives now starts when the calls before it have passed through the slots. */
function queueMs({ active, slots, queued, speed }: Candidate): number {
  return active < slots ? 0 : ((queued + 1) / slots) * speed.serviceMs;
}

/** Predicted or seen ÷ allowed of the tightest bound; 0 where there is none. */
export const stretchOf = (sla: SlaTarget, { ttftMs, tpotMs, totalMs }: Latency): number =>
  Math.max(ttftMs / (sla.ttftMs ?? Infinity), tpotMs / (sla.tpotMs ?? Infinity), totalMs / (sla.deadlineMs ?? Infinity));

export const meets = (sla: SlaTarget, latency: Latency): boolean => stretchOf(sla, latency) <= 1;
