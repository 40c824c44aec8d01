/** The attributes of the scheduler's two spans (conventions.md). Undefined ones are left out by the SDK's caller. */

import { Attribute, Operation } from "@signalbox/otel/conventions";
import { nanousdToUsd } from "@signalbox/otel/prices";
import { type AttemptRecord, type DecisionRecord, decisionId } from "./record.ts";

export type AttributeValues = Record<string, string | number | boolean | string[] | undefined>;

export function scheduleAttributes(record: DecisionRecord): AttributeValues {
  const { intent, placement } = record;
  const last = record.attempts.at(-1);
  return {
    ...shared(record),
    [Attribute.operation]: Operation.schedule,
    [Attribute.requestModel]: record.requestModel,
    [Attribute.requestStream]: record.stream,
    [Attribute.requestMaxTokens]: record.maxTokens || undefined,
    [Attribute.decisionId]: decisionId(record),
    [Attribute.decisionReason]: placement.reason,
    [Attribute.decisionCandidates]: JSON.stringify(placement.explained),
    [Attribute.slaMet]: record.slaMet,
    [Attribute.queueMs]: record.queueMs,
    [Attribute.httpStatusCode]: record.status,
    [Attribute.errorType]: record.error,
    ...(last && where(last)),
    [Attribute.tierRequested]: intent.minTier,
  };
}

export function attemptAttributes(record: DecisionRecord, attempt: AttemptRecord, number: number): AttributeValues {
  const { usage, costNanousd, firstChunkAt } = attempt;
  const prefillMs = firstChunkAt === undefined ? undefined : firstChunkAt - attempt.startedAt;
  return {
    ...shared(record),
    ...where(attempt),
    [Attribute.operation]: Operation[record.operation],
    [Attribute.provider]: attempt.offer.provider,
    [Attribute.requestModel]: attempt.offer.model,
    [Attribute.requestStream]: record.stream,
    [Attribute.requestMaxTokens]: record.maxTokens || undefined,
    [Attribute.responseModel]: attempt.responseModel,
    [Attribute.responseId]: attempt.responseId,
    [Attribute.finishReasons]: attempt.finishReason === undefined ? undefined : [attempt.finishReason],
    [Attribute.timeToFirstChunk]: prefillMs === undefined ? undefined : prefillMs / 1000,
    [Attribute.inputTokens]: usage?.input,
    [Attribute.outputTokens]: usage?.output,
    [Attribute.cacheReadTokens]: usage?.cacheRead,
    [Attribute.cacheWriteTokens]: usage?.cacheWrite,
    [Attribute.reasoningTokens]: usage?.reasoning,
    [Attribute.translationDropped]: attempt.dropped && [...attempt.dropped],
    [Attribute.attempt]: number,
    [Attribute.decisionId]: decisionId(record),
    [Attribute.queueMs]: number === 1 ? record.queueMs : undefined,
    [Attribute.prefillMs]: prefillMs,
    [Attribute.decodeMs]: firstChunkAt === undefined ? undefined : attempt.endedAt - firstChunkAt,
    [Attribute.costNanousd]: costNanousd,
    [Attribute.costUsd]: costNanousd === undefined ? undefined : nanousdToUsd(costNanousd),
    [Attribute.costSource]: attempt.costSource,
    [Attribute.baselineNanousd]: attempt.baselineNanousd,
    [Attribute.baselineModel]: attempt.baselineNanousd === undefined ? undefined : record.baselineModel,
    [Attribute.cache]: usage && usage.cacheRead > 0 ? "prefix" : "none",
    [Attribute.httpStatusCode]: attempt.status || undefined,
    [Attribute.errorType]: attempt.error,
  };
}

/** Who, and under which rule: on both spans. */
function shared({ identity, intent, budgetState }: DecisionRecord): AttributeValues {
  return {
    [Attribute.sessionId]: identity.session,
    [Attribute.conversationId]: identity.session,
    [Attribute.signalboxAgentId]: identity.agent,
    [Attribute.parentAgentId]: identity.parentAgent,
    [Attribute.agentDepth]: identity.depth,
    [Attribute.agentName]: identity.agentName,
    [Attribute.agentKind]: identity.agentKind,
    [Attribute.turnId]: identity.turn,
    [Attribute.channel]: identity.channel,
    [Attribute.userId]: identity.user,
    [Attribute.project]: identity.project,
    [Attribute.task]: intent.task,
    [Attribute.route]: intent.route,
    [Attribute.slaClass]: intent.sla.class,
    [Attribute.budgetState]: budgetState,
    [Attribute.slaBudgetMs]: intent.sla.ttftMs ?? intent.sla.deadlineMs,
  };
}

function where({ offer }: AttemptRecord): AttributeValues {
  return {
    [Attribute.pool]: offer.pool,
    [Attribute.silicon]: offer.silicon,
    [Attribute.hardware]: offer.hardware,
    [Attribute.tier]: offer.tier,
  };
}
