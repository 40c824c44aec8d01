/**
 * Filter → estimate → choose → explain.
 *
 * The cheapest candidate that is predicted to meet the class without making calls that it already serves miss theirs; of those that cost
 * about the same, the one with the first token soonest. Where none is, the one that does the least harm, to itself and
 * to them; and that is said.
 */

import { type DecisionCandidate, MAX_DECISION_CANDIDATES } from "@signalbox/otel/conventions";
import type { Candidate, Demand, SlaTarget } from "./candidate.ts";
import { type Estimate, estimate } from "./estimate.ts";
import { QUEUE_FULL, rejection } from "./filter.ts";
import { lessLoadedReplica } from "./replicas.ts";

export interface Placement {
  /** Indexes of eligible candidates, the choice first, then the order to fail over in. Empty: nobody can serve. */
  order: number[];
  /** The choice is predicted to meet the class, and to let the calls there meet theirs. */
  feasible: boolean;
  /** Nobody can serve, and a full queue is why: trying again can help. */
  overloaded: boolean;
  reason: string;
  /** At most MAX_DECISION_CANDIDATES. */
  explained: DecisionCandidate[];
}

export interface PlaceOptions {
  /** 0 to 1; asked only between replicas. */
  random?: () => number;
}

export interface Eligible {
  index: number;
  estimate: Estimate;
  feasible: boolean;
}

export function place(candidates: readonly Candidate[], demand: Demand, { random = Math.random }: PlaceOptions = {}): Placement {
  const explained: DecisionCandidate[] = [];
  const eligible: Eligible[] = [];
  let overloaded = false;
  for (let index = 0; index < candidates.length; index++) {
    const candidate = candidates[index] as Candidate;
    const { pool, model, silicon } = candidate;
    const rejected = rejection(candidate, demand);
    if (rejected !== undefined) {
      overloaded ||= rejected === QUEUE_FULL;
      explained.push({ pool, model, silicon, rejected });
      continue;
    }
    const predicted = estimate(candidate, demand);
    const { breaks, ttftMs, tpotMs, measured, warmTokens, costNanousd } = predicted;
    const feasible = predicted.stretch <= 1;
    eligible.push({ index, estimate: predicted, feasible });
    const told: DecisionCandidate = {
      pool,
      model,
      silicon,
      ttft_ms: rounded(ttftMs),
      tpot_ms: rounded(tpotMs),
      ttft_uncorrected_ms: rounded(measured.ttftMs),
      tpot_uncorrected_ms: rounded(measured.tpotMs),
    };
    if (warmTokens > 0) told.warm_prefix_tokens = warmTokens;
    if (costNanousd !== undefined) told.cost_nanousd = costNanousd;
    if (!feasible) told.misses_sla = true;
    if (breaks) told.rejected = `${breaks.class} calls there bear ${rounded(breaks.bearableTpotMs)} ms per token`;
    explained.push(told);
  }

  if (demand.cheapestSilicon) keepCheapestSilicon(eligible, candidates, explained);
  rank(eligible);
  lessLoadedReplica(eligible, candidates, random);
  const [choice] = eligible;
  const chosen = choice && explained[choice.index];
  if (chosen) {
    chosen.chosen = true;
    if (chosen.rejected !== undefined) delete chosen.rejected;
  }
  return {
    order: eligible.map(({ index }) => index),
    feasible: choice?.feasible ?? false,
    overloaded: overloaded && !choice,
    reason: reasonFor(eligible, demand.sla),
    explained: bounded(explained),
  };
}

/** Leaves the silicon of the cheapest candidate; the others are told to be rejected. Where no cost is known, all stay. */
function keepCheapestSilicon(eligible: Eligible[], candidates: readonly Candidate[], explained: DecisionCandidate[]): void {
  const cost = ({ estimate }: Eligible) => estimate.costNanousd ?? Infinity;
  const cheapest = eligible.reduce<Eligible | undefined>((best, one) => (best && cost(best) <= cost(one) ? best : one), undefined);
  if (!cheapest || cost(cheapest) === Infinity) return;
  const silicon = candidates[cheapest.index]?.silicon;
  for (let at = eligible.length - 1; at >= 0; at--) {
    const { index } = eligible[at] as Eligible;
    if (candidates[index]?.silicon === silicon) continue;
    eligible.splice(at, 1);
    const told = explained[index];
    if (told) told.rejected = `${candidates[index]?.silicon} costs more, and the budget is nearly spent`;
  }
}

/** Costs this close are equal: estimates are not better than that. */
const EQUAL_COST = 1.05;

/** Best first. What is equal in all of it stays in the order of the config. */
function rank(eligible: Eligible[]): void {
  if (eligible.length < 2) return;
  let cheapest = Infinity;
  for (const { feasible, estimate } of eligible) if (feasible) cheapest = Math.min(cheapest, estimate.weightNanousd ?? Infinity);
  const group = ({ feasible, estimate }: Eligible) =>
    feasible ? (cheapest === Infinity || (estimate.weightNanousd ?? Infinity) <= cheapest * EQUAL_COST ? 0 : 1) : 2;
  const first = ({ estimate }: Eligible, at: number) => {
    if (at === 2) return estimate.harm;
    // Prices unknown: the fastest to the last token.
    if (at === 0) return cheapest === Infinity ? estimate.totalMs : estimate.ttftMs;
    return estimate.weightNanousd ?? Infinity;
  };
  eligible.sort((a, b) => {
    const at = group(a);
    return (
      compareNumbers(at, group(b)) ||
      compareNumbers(first(a, at), first(b, at)) ||
      compareNumbers(a.estimate.totalMs, b.estimate.totalMs) ||
      compareNumbers(a.estimate.weightNanousd ?? Infinity, b.estimate.weightNanousd ?? Infinity) ||
      a.index - b.index
    );
  });
}

/** Infinity equals itself here, where a difference would be NaN. */
const compareNumbers = (a: number, b: number) => (a < b ? -1 : a > b ? 1 : 0);

function reasonFor(eligible: readonly Eligible[], sla: SlaTarget): string {
  const [choice] = eligible;
  if (!choice) return "no pool can take the request";
  const feasible = eligible.filter((candidate) => candidate.feasible).length;
  if (feasible === 0) return `none of ${eligible.length} is predicted to meet ${targetText(sla)}: the least harm`;
  if (choice.estimate.costNanousd === undefined) return `prices unknown: the fastest of ${feasible} that meet ${targetText(sla)}`;
  if (feasible === 1) return `the only one that meets ${targetText(sla)}`;
  return `cheapest of ${feasible} that meet ${targetText(sla)}`;
}

/** A class's target is one object for all its calls. */
const targetTexts = new WeakMap<SlaTarget, string>();

function targetText(sla: SlaTarget): string {
  let text = targetTexts.get(sla);
  if (text === undefined) {
    const { class: name, ttftMs, tpotMs, deadlineMs } = sla;
    const bounds = [
      ttftMs !== undefined && `first token ≤ ${duration(ttftMs)}`,
      tpotMs !== undefined && `per token ≤ ${duration(tpotMs)}`,
      deadlineMs !== undefined && `done ≤ ${duration(deadlineMs)}`,
    ].filter(Boolean);
    text = bounds.length > 0 ? `${name} (${bounds.join(", ")})` : name;
    targetTexts.set(sla, text);
  }
  return text;
}

/** 250 ms, 1.5 s, 10 min */
function duration(ms: number): string {
  if (ms < 1_000) return `${ms} ms`;
  return ms % 60_000 === 0 ? `${ms / 60_000} min` : `${ms / 1_000} s`;
}

/** The chosen one is always among those that are kept. */
function bounded(explained: DecisionCandidate[]): DecisionCandidate[] {
  if (explained.length <= MAX_DECISION_CANDIDATES) return explained;
  const others = explained.filter((candidate) => !candidate.chosen).slice(0, MAX_DECISION_CANDIDATES - 1);
  return [...explained.filter((candidate) => candidate.chosen), ...others];
}

const rounded = (value: number) => Math.round(value * 10) / 10;
