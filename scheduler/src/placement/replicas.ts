/**
 * Identical black-box replicas: nothing is known of their inside, so recent latency and load choose, by the power of two choices.
 * Peak-EWMA after Finagle: a slow answer counts at once, and is forgotten slowly.
 */

import type { Candidate } from "./candidate.ts";

export interface PeakEwma {
  /** @param now milliseconds of one clock, never falling */
  observe(latencyMs: number, now: number): void;
  /** Milliseconds; 0 before the first call. */
  read(now: number): number;
}

/** @param decayMs after this long without a call, 1/e of the latency is left */
export function createPeakEwma(decayMs = 10_000): PeakEwma {
  let value = 0;
  let at = 0;
  return {
    observe(latencyMs, now) {
      const kept = Math.exp(-Math.max(0, now - at) / decayMs);
      value = latencyMs > value ? latencyMs : latencyMs + kept * (value - latencyMs);
      at = now;
    },
    read: (now) => value * Math.exp(-Math.max(0, now - at) / decayMs),
  };
}

/** Expected wait behind those that are there. A replica that has not answered yet is tried before one that has. */
export const replicaLoad = ({ peakLatencyMs = 0, active, queued }: Pick<Candidate, "peakLatencyMs" | "active" | "queued">): number =>
  peakLatencyMs * (active + queued + 1);

/** The less loaded of two drawn at random, each pair as likely as any other. */
export function lessLoadedOfTwo(count: number, load: (index: number) => number, random: () => number): number {
  if (count < 2) return 0;
  const one = Math.min(count - 1, Math.floor(random() * count));
  const step = 1 + Math.min(count - 2, Math.floor(random() * (count - 1)));
  const other = (one + step) % count;
  return load(other) < load(one) ? other : one;
}

/**
 * Where the choice has replicas that are as fit, puts the less loaded of two of them first. A conversation stays with the replica
 * that is warm for it. Changes `eligible` in place.
 */
export function lessLoadedReplica(
  eligible: { index: number; feasible: boolean }[],
  candidates: readonly Candidate[],
  random: () => number,
): void {
  if (eligible.length < 2) return;
  const [choice] = eligible;
  const group = choice && candidates[choice.index]?.replicaOf;
  if (!choice || group === undefined || candidates[choice.index]?.warmPrefixTokens) return;
  const replicas = eligible.filter(({ index, feasible }) => feasible === choice.feasible && candidates[index]?.replicaOf === group);
  const load = (at: number) => replicaLoad(candidates[(replicas[at] as { index: number }).index] as Candidate);
  const taken = replicas[lessLoadedOfTwo(replicas.length, load, random)] ?? choice;
  eligible.splice(eligible.indexOf(taken), 1);
  eligible.unshift(taken);
}
