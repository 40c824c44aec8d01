/**
 * How far predictions are off: quantiles of actual ÷ predicted over the last calls, per class and part of the latency.
 *
 * A ratio, not the latency itself, so that a slow answer under load does not make the idle pool look slow; and a quantile,
 * not an average, because a class asks for a confidence.
 */

import { SLA_CLASSES, type SlaClass } from "@signalbox/otel/conventions";

export const LATENCY_PARTS = ["ttft", "tpot"] as const;
export type LatencyPart = (typeof LATENCY_PARTS)[number];

export const DEFAULT_CONFIDENCE = 0.9;

export interface Correction {
  /** What to multiply a prediction by, to be right with this confidence (0 to 1). 1 until calls have shown otherwise. */
  ratio(part: LatencyPart, slaClass: SlaClass, confidence: number): number;
}

export interface LearningCorrection extends Correction {
  /** @param ratio actual ÷ predicted of one call. What is not a positive number is ignored. */
  observe(part: LatencyPart, slaClass: SlaClass, ratio: number): void;
  state(): CorrectionState;
  /** Predicts as the one that gave this state did then: what it had forgotten stays so, and the time since does not count. */
  restore(state: CorrectionState): void;
}

/** What is remembered, as plain values: oldest first. */
export type CorrectionState = Record<LatencyPart, Record<SlaClass, SeenRatio[]>>;

/** And how long before the state was taken it was seen. */
export type SeenRatio = [ratio: number, agoMs: number];

export interface CorrectionOptions {
  /** Calls remembered per class and part. */
  window?: number;
  /** Predictions counted as right before the first call: how many calls it takes to be believed. */
  prior?: number;
  /**
   * What was seen longer ago than this counts as a right prediction again. A pool that a correction keeps calls away from shows
   * nothing new: without an end to it, one bad minute would bar the pool for good.
   */
  forgetting?: { afterMs: number; now: () => number };
}

/** Beyond this it is a broken clock or a stalled machine, not a speed. */
const MAX_RATIO = 20;

/** Calls remembered per class and part, if nobody says otherwise. */
export const CORRECTION_WINDOW = 128;

/** One pool's correction. */
export function createCorrection({
  window = CORRECTION_WINDOW,
  prior = 8,
  forgetting = NEVER,
}: CorrectionOptions = {}): LearningCorrection {
  const create = () => createWindow(window, prior, forgetting);
  const windows = () => Object.fromEntries(SLA_CLASSES.map((name) => [name, create()])) as Record<SlaClass, Window>;
  const parts: Record<LatencyPart, Record<SlaClass, Window>> = { ttft: windows(), tpot: windows() };
  return {
    ratio: (part, slaClass, confidence) => parts[part][slaClass].quantile(confidence),
    observe(part, slaClass, ratio) {
      if (ratio > 0) parts[part][slaClass].push(Math.min(MAX_RATIO, Math.max(1 / MAX_RATIO, ratio)));
    },
    state() {
      const seen = (part: LatencyPart) =>
        Object.fromEntries(SLA_CLASSES.map((name) => [name, parts[part][name].state()])) as Record<SlaClass, SeenRatio[]>;
      return { ttft: seen("ttft"), tpot: seen("tpot") };
    },
    restore(state) {
      for (const part of LATENCY_PARTS) for (const name of SLA_CLASSES) parts[part][name].restore(state[part][name]);
    },
  };
}

const NEVER = { afterMs: Infinity, now: () => 0 };

interface Window {
  push(value: number): void;
  quantile(share: number): number;
  state(): SeenRatio[];
  restore(seen: readonly SeenRatio[]): void;
}

/** The last `size` values, kept sorted beside their order of arrival: reading is O(1), writing moves a few hundred bytes. */
function createWindow(size: number, prior: number, { afterMs, now }: { afterMs: number; now: () => number }): Window {
  const arrived = new Float64Array(size);
  const times = new Float64Array(size);
  const sorted = new Float64Array(size);
  const floor = Math.min(prior, size);
  let count = 0;
  /** Where the next one goes; the oldest is `count` places before it. */
  let next = 0;

  const oldest = () => (next - count + size) % size;

  function remove(): void {
    const place = lowerBound(sorted, count, arrived[oldest()] as number);
    sorted.copyWithin(place, place + 1, count);
    count--;
  }

  function add(value: number, at: number): void {
    const place = lowerBound(sorted, count, value);
    sorted.copyWithin(place + 1, place, count);
    sorted[place] = value;
    count++;
    arrived[next] = value;
    times[next] = at;
    next = (next + 1) % size;
  }

  /** The oldest. What lies between the two places moves by one: a call to `copyWithin` costs more. */
  function replace(value: number, at: number): void {
    let place = lowerBound(sorted, count, arrived[next] as number);
    for (; place + 1 < count && (sorted[place + 1] as number) < value; place++) sorted[place] = sorted[place + 1] as number;
    for (; place > 0 && (sorted[place - 1] as number) > value; place--) sorted[place] = sorted[place - 1] as number;
    sorted[place] = value;
    arrived[next] = value;
    times[next] = at;
    next = (next + 1) % size;
  }

  /** Each of the last `floor` that goes leaves a prediction that was right in its place. */
  function forget(at: number): void {
    while (count > 0 && (times[oldest()] as number) + afterMs < at) {
      remove();
      if (count < floor) add(1, at);
    }
  }

  const start = now();
  while (count < floor) add(1, start);
  return {
    push(value) {
      const at = now();
      forget(at);
      if (count === size) replace(value, at);
      else add(value, at);
    },
    quantile(share) {
      forget(now());
      return count === 0 ? 1 : (sorted[Math.min(count - 1, Math.max(0, Math.ceil(share * count) - 1))] as number);
    },
    state() {
      const at = now();
      forget(at);
      return Array.from({ length: count }, (_, index): SeenRatio => {
        const place = (oldest() + index) % size;
        return [arrived[place] as number, Math.round(at - (times[place] as number))];
      });
    },
    restore(seen) {
      const at = now();
      count = 0;
      for (const [ratio, agoMs] of seen.slice(-size)) add(ratio, at - agoMs);
      while (count < floor) add(1, at);
    },
  };
}

/** The first index whose value is not below `value`. */
function lowerBound(sorted: Float64Array, count: number, value: number): number {
  let low = 0;
  let high = count;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((sorted[middle] as number) < value) low = middle + 1;
    else high = middle;
  }
  return low;
}
