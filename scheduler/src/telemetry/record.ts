/**
 * One decision and what came of it. Written to the ring on the path; read off it by metrics and, as JSON, by the thread that
 * makes spans: plain values only.
 */

import type { BudgetState, CostSource, Silicon } from "@signalbox/otel/conventions";
import type { Identity } from "../admission/identity.ts";
import type { ChatRequest } from "../dialects/chat-request.ts";
import type { CallUsage } from "../dialects/chat-usage.ts";
import type { Placement } from "../placement/place.ts";
import type { Intent } from "../routing/intent.ts";

/** What is recorded of an offer: plain values that never change. */
export interface OfferFacts {
  readonly pool: string;
  readonly model: string;
  readonly silicon: Silicon;
  readonly tier: number;
  readonly hardware: string | undefined;
  /** `gen_ai.provider.name` */
  readonly provider: string;
}

/** Times are milliseconds since the epoch, with fractions. */
export interface AttemptRecord {
  spanId: string;
  offer: OfferFacts;
  why: "first" | "failover" | "hedge" | "escalation";
  /** What ended the attempt before it, where that is why this one was made. */
  reason: string | undefined;
  startedAt: number;
  firstChunkAt: number | undefined;
  endedAt: number;
  /** The engine's status; 0 where it never answered. */
  status: number;
  /** `error.type`: a code of ours or of the socket, or the status. Undefined: it went well. */
  error: string | undefined;
  usage: CallUsage | undefined;
  finishReason: string | undefined;
  responseId: string | undefined;
  responseModel: string | undefined;
  costNanousd: number | undefined;
  costSource: CostSource;
  baselineNanousd: number | undefined;
  /** Fields of the request that its translation left out; undefined where it was not translated. */
  dropped: readonly string[] | undefined;
}

export interface DecisionRecord {
  traceId: string;
  /** The caller's span. */
  parentSpanId: string | undefined;
  /** Of the `schedule` span. */
  spanId: string;
  /** What clients, budgets and spans know it by. */
  decisionId: string;
  identity: Identity;
  intent: Intent;
  operation: "chat" | "embeddings";
  requestModel: string;
  stream: boolean;
  maxTokens: number | undefined;
  /** What replies of its route and task usually take. */
  expectedOutputTokens: number;
  placement: Placement;
  startedAt: number;
  endedAt: number;
  /** Spent waiting for a slot. */
  queueMs: number;
  /** Spent deciding: from the request's arrival to its dispatch, less the wait. */
  overheadMs: number;
  /** What the client got; 499 where it left first. */
  status: number;
  error: string | undefined;
  /** What a call that was not admitted was told: a stop, a budget or a rate, in words of ours. */
  refusal: string | undefined;
  /** Undefined: a call that was refused, or ended by its client or a stop before it was late, has no verdict. */
  slaMet: boolean | undefined;
  /** The attempt that `slaMet` is of: the last that settled, but for those that lost a race. */
  judged: AttemptRecord | undefined;
  baselineModel: string | undefined;
  /** Undefined where no budget applies. */
  budgetState: BudgetState | undefined;
  /** What admission has to tell the client: how its limits stand. */
  admissionHeaders: Readonly<Record<string, string>>;
  /** The one that the client heard is the last. */
  attempts: AttemptRecord[];
  /** Answered by the reply cache, without an attempt. */
  cached: CacheHit | undefined;
  /** The decision whose request this is a copy of. */
  shadowOf: string | undefined;
}

export interface CacheHit {
  kind: "exact" | "semantic";
  ageSeconds: number;
  /** Cosine similarity of the two last user messages; 1 where the request is the same. */
  score: number;
  /** What the reply took when it was made; undefined where that is not known. */
  savedNanousd: number | undefined;
  savedUsage: CallUsage | undefined;
}

/** What is known of a request once it is decided on. */
export type Decided = Pick<
  DecisionRecord,
  "traceId" | "parentSpanId" | "spanId" | "identity" | "intent" | "expectedOutputTokens" | "placement" | "startedAt" | "baselineModel"
> &
  Partial<Pick<DecisionRecord, "budgetState" | "admissionHeaders" | "shadowOf">> & { chat: ChatRequest };

/** A record whose outcome is still to come. */
export function openRecord(decided: Decided): DecisionRecord {
  const { chat, admissionHeaders = NO_HEADERS } = decided;
  return {
    traceId: decided.traceId,
    parentSpanId: decided.parentSpanId,
    spanId: decided.spanId,
    decisionId: `d-${decided.spanId}`,
    identity: decided.identity,
    intent: decided.intent,
    operation: chat.operation,
    requestModel: chat.model,
    stream: chat.stream,
    maxTokens: chat.maxTokens,
    expectedOutputTokens: decided.expectedOutputTokens,
    placement: decided.placement,
    startedAt: decided.startedAt,
    endedAt: 0,
    queueMs: 0,
    overheadMs: 0,
    status: 0,
    error: undefined,
    refusal: undefined,
    slaMet: false,
    judged: undefined,
    baselineModel: decided.baselineModel,
    budgetState: decided.budgetState,
    admissionHeaders,
    attempts: [],
    cached: undefined,
    shadowOf: decided.shadowOf,
  };
}

const NO_HEADERS = {};

const EPOCH = performance.timeOrigin;
let latest = EPOCH;

/** Milliseconds since the epoch, monotonic within the process. */
export function epochNow(): number {
  latest = EPOCH + performance.now();
  return latest;
}

/** When `epochNow` was asked last: for what is read many times a request, which asks as it comes and as it ends. */
export const epochLately = (): number => latest;
