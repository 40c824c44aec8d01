/** What placement is told. Plain values: no clock, no I/O, so that the simulator and a replay run the same code. */

import type { Silicon, SlaClass } from "@signalbox/otel/conventions";
import type { TokenPrice } from "@signalbox/otel/prices";
import type { Correction } from "./correction.ts";

/** A pool's speed: what was measured or configured, times what real calls have shown since. */
export interface PoolSpeed {
  /** Milliseconds to a first token whatever the prompt's size. */
  readonly fixedMs: number;
  readonly prefillTokensPerSecond: number;
  /** Milliseconds per token with one call alone, and with every slot taken. */
  readonly decodeMsPerToken: number;
  readonly decodeMsPerTokenFull: number;
  /** Actual ÷ predicted, moving averages over real calls; taken where the candidate carries no `correction`. */
  readonly ttftRatio: number;
  readonly tpotRatio: number;
  /** Prompt bytes per token of this pool's tokenizer. */
  readonly bytesPerToken: number;
  /** Milliseconds a call holds its slot, on average. */
  readonly serviceMs: number;
}

/** How a pool charges: list price per token, busy time of its silicon, or nobody knows. */
export type Pricing = { by: "tokens"; price: TokenPrice } | { by: "time"; hourlyUsd: number } | { by: "unknown" };

/** One model on one pool, as it stands now. What is optional and absent is not known, and then not taken into account. */
export interface Candidate {
  readonly pool: string;
  readonly model: string;
  readonly silicon: Silicon;
  readonly tier: number;
  /** Why the pool cannot serve at all just now, in words. */
  readonly unavailable: string | undefined;
  readonly slots: number;
  readonly active: number;
  readonly queued: number;
  readonly queueLimit: number;
  /** Of those that wait, how many would go before a newcomer of this class; absent: all. See `dueInMs`. */
  readonly queuedAhead?: (sla: SlaTarget) => number;
  readonly contextTokens: number | undefined;
  /** Ceiling on a reply, where the pool has one. */
  readonly maxOutputTokens?: number;
  /** A lower `max_tokens` is raised to this. */
  readonly maxTokensFloor?: number;
  readonly speed: PoolSpeed;
  readonly pricing: Pricing;
  /** Prompt tokens of calls that hold a slot and have not answered yet: they are evaluated before a newcomer's. */
  readonly pendingPrefillTokens?: number | undefined;
  /** Prompt tokens per millisecond that calls bring to it just now. See `createInflow`. */
  readonly prefillInflow?: number | undefined;
  /** What the calls already there can bear, one entry per class. See `residentsOf`. */
  readonly residents?: readonly Residents[] | undefined;
  /** The usual call of this pool: how much prefill comes with each call of a batch that keeps its size. */
  readonly usualCall?: UsualCall | undefined;
  readonly correction?: Correction;
  /** Tokens at the start of this prompt that the pool need not evaluate again. */
  readonly warmPrefixTokens?: number;
  /** Black-box pools of one name here are the same thing: between them load decides, not the estimate. */
  readonly replicaOf?: string;
  /** Peak-sensitive moving average of a replica's latency, milliseconds. See `createPeakEwma`. */
  readonly peakLatencyMs?: number;
}

export interface UsualCall {
  readonly promptTokens: number;
  readonly outputTokens: number;
}

/** The calls of one class on a pool. */
export interface Residents {
  /** That of the strictest of them. */
  readonly sla: SlaTarget;
  readonly bounds: readonly ResidentBound[];
}

/** What one call can bear. */
export interface ResidentBound {
  /** The most milliseconds per token from now on with which it still meets its target. */
  readonly bearableTpotMs: number;
  /** Over how many tokens that is spread. */
  readonly tokensLeft: number;
}

/** Absent bounds are not bounds. */
export interface SlaTarget {
  readonly class: SlaClass;
  readonly ttftMs?: number;
  readonly tpotMs?: number;
  readonly deadlineMs?: number;
  /** How sure to be that an estimate holds, 0 to 1: which quantile of actual ÷ predicted corrects it. Default 0.9. */
  readonly confidence?: number;
  /** What a late call of it counts where nobody is predicted to be in time for all. Default: `CLASS_WEIGHTS`. */
  readonly weight?: number;
}

/**
 * Somebody waits for an interactive call, and a standard one is rarely late while many interactive ones are: on conversations of which 10 %
 * are interactive, equal weights kept 98 to 99.9 % of the standard calls in time where 95 % of the interactive ones were.
 */
export const CLASS_WEIGHTS: Readonly<Record<SlaClass, number>> = { interactive: 100, standard: 1, background: 1 };

/** Milliseconds from a call's arrival until it should have its first token, or else be done. Who waits for a slot goes in this order. */
export const dueInMs = ({ ttftMs, deadlineMs }: SlaTarget): number => ttftMs ?? deadlineMs ?? Infinity;

/** What a request asks of a pool. */
export interface Demand {
  readonly promptBytes: number;
  readonly maxTokens: number | undefined;
  /** What a reply is expected to take, before `maxTokens` cuts it. */
  readonly expectedOutputTokens: number;
  readonly minTier: number;
  readonly sla: SlaTarget;
  /** A budget applies: what a candidate without a price would cost cannot be kept under it. */
  readonly pricedOnly?: boolean;
  /** The budget is nearly spent: the silicon of the cheapest candidate and no other. */
  readonly cheapestSilicon?: boolean;
  readonly silicon?: readonly Silicon[];
  readonly pools?: readonly string[];
  readonly models?: readonly string[];
}
