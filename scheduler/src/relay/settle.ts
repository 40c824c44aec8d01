/** The end of an attempt: its slot is given back, its cost is known, its pool has learned from it. */

import { costNanousd } from "@signalbox/otel/prices";
import { SESSION_KILLED } from "../admission/refusals.ts";
import { type Baseline, callCost } from "../cost.ts";
import type { CallUsage, ReplyFacts } from "../dialects/chat-usage.ts";
import type { Pricing } from "../placement/candidate.ts";
import { conversationKey, isOneOff } from "../pools/offers-to.ts";
import type { Offer } from "../pools/pool.ts";
import type { ObservedCall } from "../pools/speed.ts";
import type { PoolVerdict } from "../resilience/breaker.ts";
import type { AttemptRecord, DecisionRecord } from "../telemetry/record.ts";
import { epochNow } from "../telemetry/record.ts";
import { slaMet } from "./sla.ts";
import { verdictOf } from "./verdict.ts";

export const CLIENT_CLOSED = "client_closed";
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

export interface OpenAttempt {
  readonly offer: Offer;
  readonly record: AttemptRecord;
  /** The first content passed. */
  firstChunk(): void;
  /** This attempt is the one that the client hears: others of the call are cancelled. */
  answers(): void;
  /** Idempotent: the first end counts. */
  settle(end: AttemptEnd): void;
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

/** Takes over a slot that was acquired; `settle` gives it back. */
export function openAttempt(
  offer: Offer,
  spanId: string,
  decision: DecisionRecord,
  promptBytes: number,
  baseline: Baseline | undefined,
  { pricing, why, reason, onAnswer, learns }: AttemptCircumstances,
): OpenAttempt {
  const pool = offer.source;
  const record: AttemptRecord = {
    spanId,
    offer: offer.facts,
    why,
    reason,
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
  const { sla } = decision.intent;
  const { maxTokens = Number.POSITIVE_INFINITY, expectedOutputTokens } = decision;
  const stopClock = pool.clock.begin(record.startedAt);
  const prompt = Math.ceil(promptBytes / pool.speed.bytesPerToken);
  const held = pool.load?.enter(
    {
      sla,
      arrivedAt: decision.startedAt,
      prefillTokens: prompt - Math.min(prompt, offer.warmPrefixTokens ?? 0),
      expectedOutputTokens: Math.min(maxTokens, expectedOutputTokens),
    },
    record.startedAt,
  );
  decision.attempts.push(record);

  return {
    offer,
    record,
    firstChunk() {
      if (record.firstChunkAt !== undefined) return;
      record.firstChunkAt = epochNow();
      held?.firstToken(record.firstChunkAt);
    },
    answers() {
      onAnswer?.();
    },
    settle({ status, error, facts, estimate }) {
      if (record.endedAt !== 0) return;
      record.endedAt = epochNow();
      pool.gate.release();
      const busyMs = stopClock(record.endedAt);
      const shared = { there: held?.there ?? NOBODY, ...(held?.leave(record.endedAt) ?? ALONE) };
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
        decision.slaMet =
          error === undefined && slaMet(sla, { startedAt: decision.startedAt, firstChunkAt, endedAt, outputTokens: usage?.output });
      }
      pool.breaker.report(verdict(status, error));
      if (error === undefined && learns) observe(offer, decision, record, { promptBytes, ...shared });
    },
  };
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
  known: Pick<ObservedCall, "promptBytes" | "there" | "meanBatch">,
): void {
  const { intent, identity } = decision;
  const measurable = firstChunkAt !== undefined && usage !== undefined && usage.output >= MIN_TOKENS_FOR_RATE;
  source.speed.observe({
    ...known,
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
