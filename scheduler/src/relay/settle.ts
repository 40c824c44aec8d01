/** The end of an attempt: its slot is given back, its cost is known, its pool has learned from it. */

import { costNanousd } from "@signalbox/otel/prices";
import { SESSION_KILLED } from "../admission/refusals.ts";
import { type Baseline, callCost } from "../cost.ts";
import type { CallUsage, ReplyFacts } from "../dialects/chat-usage.ts";
import type { Pricing } from "../placement/candidate.ts";
import { conversationKey, isOneOff } from "../pools/offers-to.ts";
import type { Offer } from "../pools/pool.ts";
import type { HeldSlot } from "../pools/pool-load.ts";
import type { ObservedCall } from "../pools/speed.ts";
import type { PoolVerdict } from "../resilience/breaker.ts";
import type { AttemptRecord, DecisionRecord } from "../telemetry/record.ts";
import { epochNow } from "../telemetry/record.ts";
import { CLIENT_CLOSED } from "./call.ts";
import { slaVerdict } from "./sla.ts";
import { verdictOf } from "./verdict.ts";

/** Another attempt of the same request answered first. */
export const HEDGE_LOST = "hedge_lost";
/** Begins the `error.type` of an answer that a higher tier is asked for instead. */
export const BAD_ANSWER = "bad_answer_";
/** Ends that say nothing of the pool. */
const CANCELLED = new Set<string | undefined>([CLIENT_CLOSED, SESSION_KILLED, HEDGE_LOST]);
/** Fewer tokens than this say nothing of a decode rate. */
const MIN_TOKENS_FOR_RATE = 4;

export interface AttemptEnd {
  /** The engine's status; 0 where it never answered. */
  status: number;
  error: string | undefined;
  facts: ReplyFacts | undefined;
  /** What passed through, for where the engine's own count never came. */
  estimate: CallUsage | undefined;
}

export interface AttemptCircumstances {
  /** As it was when the call was admitted. */
  pricing: Pricing;
  why: AttemptRecord["why"];
  reason: string | undefined;
  onAnswer: (() => void) | undefined;
  /** The pool learns its speed from how the attempt went. */
  learns: boolean;
}

/** Tokens of the prompt that the pool has to evaluate: less what it holds of them. */
export function prefillTokensOf({ source, warmPrefixTokens = 0 }: Offer, promptBytes: number): number {
  return Math.max(0, Math.ceil(promptBytes / source.speed.bytesPerToken) - warmPrefixTokens);
}

/** An attempt under way. It takes over a slot that was acquired; `settle` gives it back. */
export class OpenAttempt {
  readonly offer: Offer;
  readonly record: AttemptRecord;
  readonly #decision: DecisionRecord;
  readonly #promptBytes: number;
  readonly #baseline: Baseline | undefined;
  readonly #circumstances: AttemptCircumstances;
  readonly #stopClock: (now: number) => number;
  readonly #held: HeldSlot | undefined;

  constructor(
    offer: Offer,
    spanId: string,
    decision: DecisionRecord,
    promptBytes: number,
    baseline: Baseline | undefined,
    circumstances: AttemptCircumstances,
  ) {
    const pool = offer.source;
    const record: AttemptRecord = {
      spanId,
      offer: offer.facts,
      why: circumstances.why,
      reason: circumstances.reason,
      startedAt: epochNow(),
      firstChunkAt: undefined,
      endedAt: 0,
      status: 0,
      error: undefined,
      usage: undefined,
      finishReason: undefined,
      responseId: undefined,
      responseModel: undefined,
      costNanousd: undefined,
      costSource: "unknown",
      baselineNanousd: undefined,
      dropped: undefined,
    };
    this.offer = offer;
    this.record = record;
    this.#decision = decision;
    this.#promptBytes = promptBytes;
    this.#baseline = baseline;
    this.#circumstances = circumstances;
    const { maxTokens, expectedOutputTokens } = decision;
    this.#stopClock = pool.clock.begin(record.startedAt);
    this.#held = pool.load?.enter(
      {
        sla: decision.intent.sla,
        arrivedAt: decision.startedAt,
        prefillTokens: prefillTokensOf(offer, promptBytes),
        expectedOutputTokens,
        maxTokens,
      },
      record.startedAt,
    );
    decision.attempts.push(record);
  }

  /** The first content passed. */
  firstChunk(): void {
    const { record } = this;
    if (record.firstChunkAt !== undefined) return;
    record.firstChunkAt = epochNow();
    this.#held?.firstToken(record.firstChunkAt);
  }

  /** This attempt is the one that the client hears: others of the call are cancelled. */
  answers(): void {
    this.#circumstances.onAnswer?.();
  }

  /** Idempotent: the first end counts. */
  settle({ status, error, facts, estimate }: AttemptEnd): void {
    const { record, offer } = this;
    if (record.endedAt !== 0) return;
    const decision = this.#decision;
    const baseline = this.#baseline;
    const { pricing, learns } = this.#circumstances;
    const pool = offer.source;
    record.endedAt = epochNow();
    pool.gate.release();
    const busyMs = this.#stopClock(record.endedAt);
    const { meanBatch } = this.#held?.leave(record.endedAt) ?? ALONE;
    record.status = status;
    record.error = error;
    record.usage = facts?.usage ?? estimate;
    record.finishReason = facts?.finishReason;
    record.responseId = facts?.id;
    record.responseModel = facts?.model;
    const cost = callCost(pricing, record.usage, busyMs, facts?.usage === undefined);
    record.costNanousd = cost.nanousd;
    record.costSource = cost.source;
    record.baselineNanousd = record.usage && baseline && costNanousd(baseline.price, record.usage);
    if (error !== HEDGE_LOST) {
      const { firstChunkAt, endedAt, usage } = record;
      decision.judged = record;
      const timing = { startedAt: decision.startedAt, firstChunkAt, endedAt, outputTokens: usage?.output };
      decision.slaMet = slaVerdict(decision.intent.sla, timing, { status, error, stream: decision.stream });
    }
    pool.breaker.report(verdict(status, error));
    if (error === undefined && learns) observe(offer, decision, record, this.#promptBytes, this.#held?.there ?? NOBODY, meanBatch);
  }
}

function verdict(status: number, error: string | undefined): PoolVerdict {
  if (CANCELLED.has(error)) return "unknown";
  if (error === undefined || error.startsWith(BAD_ANSWER)) return "good";
  return status >= 200 && status < 300 ? "failed" : status === 0 ? "failed" : verdictOf(status);
}

/** What is seen of a pool whose calls do not share one engine. */
const NOBODY = { active: 0, prefillTokens: 0 };
const ALONE = { meanBatch: 1 };

function observe(
  { source, slots, model }: Offer,
  decision: DecisionRecord,
  { usage, startedAt, firstChunkAt, endedAt }: AttemptRecord,
  promptBytes: number,
  there: ObservedCall["there"],
  meanBatch: number,
): void {
  const { intent, identity } = decision;
  const measurable = firstChunkAt !== undefined && usage !== undefined && usage.output >= MIN_TOKENS_FOR_RATE;
  source.speed.observe({
    promptBytes,
    there,
    meanBatch,
    slaClass: intent.sla.class,
    promptTokens: usage?.input,
    prefilledTokens: usage && usage.input - usage.cacheRead,
    outputTokens: usage?.output,
    ttftMs: firstChunkAt === undefined ? undefined : firstChunkAt - startedAt,
    tpotMs: measurable ? (endedAt - firstChunkAt) / (usage.output - 1) : undefined,
    slots,
    serviceMs: endedAt - startedAt,
  });
  source.latency.observe(endedAt - startedAt, endedAt);
  if (usage && !isOneOff(decision)) source.prefixes?.served(conversationKey(identity, model), usage, endedAt);
}
