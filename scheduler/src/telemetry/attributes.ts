/** The attributes of the scheduler's two spans (conventions.md): what both have, and what each has besides. */

import { Attribute, Operation } from "@signalbox/otel/conventions";
import { nanousdToUsd } from "@signalbox/otel/prices";
import type { AttemptRecord, CacheHit, DecisionRecord } from "./record.ts";
import type { PutAttribute } from "./span-writer.ts";

export function putScheduleAttributes(put: PutAttribute, record: DecisionRecord): void {
  const { intent, placement } = record;
  const last = record.attempts.at(-1);
  put(Attribute.operation, Operation.schedule);
  put(Attribute.requestModel, record.requestModel);
  put(Attribute.decisionReason, placement.reason);
  put(Attribute.decisionCandidates, JSON.stringify(placement.explained));
  put(Attribute.slaMet, record.slaMet);
  put(Attribute.queueMs, record.queueMs);
  put(Attribute.httpStatusCode, record.status);
  put(Attribute.errorType, record.error);
  if (last) putPool(put, last);
  put(Attribute.tierRequested, intent.minTier);
  if (record.cached) putCacheHit(put, record.cached);
}

export function putAttemptAttributes(put: PutAttribute, record: DecisionRecord, attempt: AttemptRecord, number: number): void {
  const { usage, costNanousd, firstChunkAt } = attempt;
  const prefillMs = firstChunkAt === undefined ? undefined : firstChunkAt - attempt.startedAt;
  putPool(put, attempt);
  put(Attribute.operation, Operation[record.operation]);
  put(Attribute.provider, attempt.offer.provider);
  put(Attribute.requestModel, attempt.offer.model);
  put(Attribute.responseModel, attempt.responseModel);
  put(Attribute.responseId, attempt.responseId);
  put(Attribute.finishReasons, attempt.finishReason === undefined ? undefined : finishReasons(attempt.finishReason));
  put(Attribute.timeToFirstChunk, prefillMs === undefined ? undefined : prefillMs / 1000);
  put(Attribute.inputTokens, usage?.input);
  put(Attribute.outputTokens, usage?.output);
  put(Attribute.cacheReadTokens, usage?.cacheRead);
  put(Attribute.cacheWriteTokens, usage?.cacheWrite);
  put(Attribute.reasoningTokens, usage?.reasoning);
  put(Attribute.translationDropped, attempt.dropped && [...attempt.dropped]);
  put(Attribute.attempt, number);
  put(Attribute.attemptReason, attempt.why === "first" ? undefined : attempt.reason ? `${attempt.why}: ${attempt.reason}` : attempt.why);
  put(Attribute.queueMs, number === 1 ? record.queueMs : undefined);
  put(Attribute.prefillMs, prefillMs);
  put(Attribute.decodeMs, firstChunkAt === undefined ? undefined : attempt.endedAt - firstChunkAt);
  put(Attribute.costNanousd, costNanousd);
  put(Attribute.costUsd, costNanousd === undefined ? undefined : nanousdToUsd(costNanousd));
  put(Attribute.costSource, attempt.costSource);
  // on one of them: totals of pools and routes count attempts, and the request was in time or not once
  put(Attribute.slaMet, record.judged === attempt ? record.slaMet : undefined);
  put(Attribute.baselineNanousd, attempt.baselineNanousd);
  put(Attribute.baselineModel, attempt.baselineNanousd === undefined ? undefined : record.baselineModel);
  put(Attribute.cache, usage && usage.cacheRead > 0 ? "prefix" : "none");
  put(Attribute.httpStatusCode, attempt.status || undefined);
  put(Attribute.errorType, attempt.error);
}

/** Mostly the same as of the attempt before: then the same list, which a span writer knows again. */
function finishReasons(reason: string): readonly string[] {
  if (lastReasons[0] !== reason) lastReasons = [reason];
  return lastReasons;
}

let lastReasons: readonly string[] = [];

/** A cached reply has no attempt: this span is the leaf that carries its cost, which is none. */
function putCacheHit(put: PutAttribute, { kind, ageSeconds, score, savedNanousd, savedUsage }: CacheHit): void {
  put(Attribute.cache, kind);
  put(Attribute.cacheAgeSeconds, ageSeconds);
  put(Attribute.cacheScore, score);
  put(Attribute.cacheSavedNanousd, savedNanousd);
  put(Attribute.cacheSavedInputTokens, savedUsage?.input);
  put(Attribute.cacheSavedOutputTokens, savedUsage?.output);
  put(Attribute.costNanousd, 0);
  put(Attribute.costUsd, 0);
  put(Attribute.costSource, "measured");
}

/** Who, under which rule, and of which decision: on both spans. */
export function putSharedAttributes(put: PutAttribute, record: DecisionRecord): void {
  const { identity, intent, budgetState, shadowOf } = record;
  put(Attribute.decisionId, record.decisionId);
  put(Attribute.requestStream, record.stream);
  put(Attribute.requestMaxTokens, record.maxTokens || undefined);
  put(Attribute.sessionId, identity.session);
  put(Attribute.conversationId, identity.session);
  put(Attribute.signalboxAgentId, identity.agent);
  put(Attribute.parentAgentId, identity.parentAgent);
  put(Attribute.agentDepth, identity.depth);
  put(Attribute.agentName, identity.agentName);
  put(Attribute.agentKind, identity.agentKind);
  put(Attribute.turnId, identity.turn);
  put(Attribute.channel, identity.channel);
  put(Attribute.userId, identity.user);
  put(Attribute.project, identity.project);
  put(Attribute.keyName, identity.key);
  put(Attribute.task, intent.task);
  put(Attribute.route, intent.route);
  put(Attribute.routeReason, intent.routeReason);
  put(Attribute.semanticScore, intent.semanticScore);
  put(Attribute.shadow, shadowOf);
  put(Attribute.slaClass, intent.sla.class);
  put(Attribute.budgetState, budgetState);
  put(Attribute.slaBudgetMs, intent.sla.ttftMs ?? intent.sla.deadlineMs);
}

function putPool(put: PutAttribute, { offer }: AttemptRecord): void {
  put(Attribute.pool, offer.pool);
  put(Attribute.silicon, offer.silicon);
  put(Attribute.hardware, offer.hardware);
  put(Attribute.tier, offer.tier);
}
