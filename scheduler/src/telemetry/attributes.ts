/** The attributes of the scheduler's two spans (conventions.md): what both have, and what each has besides. */

import { Attribute, type DecisionCandidate, Operation } from "@signalbox/otel/conventions";
import { nanousdToUsd } from "@signalbox/otel/prices";
import type { AttemptRecord, DecisionRecord } from "./record.ts";
import type { Attributes } from "./span-writer.ts";

/** A cached reply has no attempt: then this span is the leaf that carries its cost, which is none. */
export function scheduleAttributes(record: DecisionRecord): Attributes {
  const { intent, placement, cached } = record;
  const offer = record.attempts.at(-1)?.offer;
  const nothing = cached && 0;
  // biome-ignore format: a name and its value to a line
  return [
    Attribute.operation, Operation.schedule,
    Attribute.requestModel, record.requestModel,
    Attribute.decisionReason, placement.reason,
    Attribute.decisionCandidates, candidatesText(placement.explained),
    Attribute.slaMet, record.slaMet,
    Attribute.queueMs, record.queueMs,
    Attribute.httpStatusCode, record.status,
    Attribute.errorType, record.error,
    Attribute.pool, offer?.pool,
    Attribute.silicon, offer?.silicon,
    Attribute.hardware, offer?.hardware,
    Attribute.tier, offer?.tier,
    Attribute.tierRequested, intent.minTier,
    Attribute.cache, cached?.kind,
    Attribute.cacheAgeSeconds, cached?.ageSeconds,
    Attribute.cacheScore, cached?.score,
    Attribute.cacheSavedNanousd, cached?.savedNanousd,
    Attribute.cacheSavedInputTokens, cached?.savedUsage?.input,
    Attribute.cacheSavedOutputTokens, cached?.savedUsage?.output,
    Attribute.costNanousd, nothing,
    Attribute.costUsd, nothing,
    Attribute.costSource, cached && "measured",
  ];
}

export function attemptAttributes(record: DecisionRecord, attempt: AttemptRecord, number: number): Attributes {
  const { offer, usage, costNanousd, baselineNanousd, firstChunkAt, why, reason } = attempt;
  const prefillMs = firstChunkAt === undefined ? undefined : firstChunkAt - attempt.startedAt;
  // biome-ignore format: a name and its value to a line
  return [
    Attribute.pool, offer.pool,
    Attribute.silicon, offer.silicon,
    Attribute.hardware, offer.hardware,
    Attribute.tier, offer.tier,
    Attribute.operation, Operation[record.operation],
    Attribute.provider, offer.provider,
    Attribute.requestModel, offer.model,
    Attribute.responseModel, attempt.responseModel,
    Attribute.responseId, attempt.responseId,
    Attribute.finishReasons, attempt.finishReason === undefined ? undefined : finishReasons(attempt.finishReason),
    Attribute.timeToFirstChunk, prefillMs === undefined ? undefined : prefillMs / 1000,
    Attribute.inputTokens, usage?.input,
    Attribute.outputTokens, usage?.output,
    Attribute.cacheReadTokens, usage?.cacheRead,
    Attribute.cacheWriteTokens, usage?.cacheWrite,
    Attribute.reasoningTokens, usage?.reasoning,
    Attribute.translationDropped, attempt.dropped && [...attempt.dropped],
    Attribute.attempt, number,
    Attribute.attemptReason, why === "first" ? undefined : reason ? `${why}: ${reason}` : why,
    Attribute.queueMs, number === 1 ? record.queueMs : undefined,
    Attribute.prefillMs, prefillMs,
    Attribute.decodeMs, firstChunkAt === undefined ? undefined : attempt.endedAt - firstChunkAt,
    Attribute.costNanousd, costNanousd,
    Attribute.costUsd, costNanousd === undefined ? undefined : nanousdToUsd(costNanousd),
    Attribute.costSource, attempt.costSource,
    // on one of them: totals of pools and routes count attempts, and the request was in time or not once
    Attribute.slaMet, record.judged === attempt ? record.slaMet : undefined,
    Attribute.baselineNanousd, baselineNanousd,
    Attribute.baselineModel, baselineNanousd === undefined ? undefined : record.baselineModel,
    Attribute.cache, usage && usage.cacheRead > 0 ? "prefix" : "none",
    Attribute.httpStatusCode, attempt.status || undefined,
    Attribute.errorType, attempt.error,
  ];
}

/** Mostly the same as of the attempt before: then the same list, which a span writer knows again. */
function finishReasons(reason: string): readonly string[] {
  if (lastReasons[0] !== reason) lastReasons = [reason];
  return lastReasons;
}

let lastReasons: readonly string[] = [];

/** As JSON. While pools are as they were for the call before it is the same, and comparing takes a tenth of writing it. */
function candidatesText(candidates: readonly DecisionCandidate[]): string {
  const before = lastCandidates;
  if (candidates.length !== before.length || !candidates.every((each, at) => isSame(each, before[at] as DecisionCandidate))) {
    lastCandidates = candidates;
    lastCandidatesText = JSON.stringify(candidates);
  }
  return lastCandidatesText;
}

let lastCandidates: readonly DecisionCandidate[] = [];
let lastCandidatesText = "[]";

/** Of each field, one by one: a loop over their names takes three times as long. */
function isSame(one: DecisionCandidate, other: DecisionCandidate): boolean {
  return (
    one.pool === other.pool &&
    one.model === other.model &&
    one.silicon === other.silicon &&
    one.rejected === other.rejected &&
    one.ttft_ms === other.ttft_ms &&
    one.tpot_ms === other.tpot_ms &&
    one.ttft_uncorrected_ms === other.ttft_uncorrected_ms &&
    one.tpot_uncorrected_ms === other.tpot_uncorrected_ms &&
    one.warm_prefix_tokens === other.warm_prefix_tokens &&
    one.cost_nanousd === other.cost_nanousd &&
    one.misses_sla === other.misses_sla &&
    one.chosen === other.chosen
  );
}

/** Who, under which rule, and of which decision: on both spans. */
export function sharedAttributes({ decisionId, stream, maxTokens, identity, intent, budgetState, shadowOf }: DecisionRecord): Attributes {
  // biome-ignore format: a name and its value to a line
  return [
    Attribute.decisionId, decisionId,
    Attribute.requestStream, stream,
    Attribute.requestMaxTokens, maxTokens || undefined,
    Attribute.sessionId, identity.session,
    Attribute.conversationId, identity.session,
    Attribute.signalboxAgentId, identity.agent,
    Attribute.parentAgentId, identity.parentAgent,
    Attribute.agentDepth, identity.depth,
    Attribute.agentName, identity.agentName,
    Attribute.agentKind, identity.agentKind,
    Attribute.turnId, identity.turn,
    Attribute.channel, identity.channel,
    Attribute.userId, identity.user,
    Attribute.project, identity.project,
    Attribute.keyName, identity.key,
    Attribute.task, intent.task,
    Attribute.route, intent.route,
    Attribute.routeReason, intent.routeReason,
    Attribute.semanticScore, intent.semanticScore,
    Attribute.shadow, shadowOf,
    Attribute.slaClass, intent.sla.class,
    Attribute.budgetState, budgetState,
    Attribute.slaBudgetMs, intent.sla.ttftMs ?? intent.sla.deadlineMs,
  ];
}
