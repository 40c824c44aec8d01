import { Operation } from "@signalbox/otel/conventions";
import { includeCache } from "../dialects/usage.ts";
import type { Consumer, Stage } from "../pipeline.ts";
import { type SpanBatch, type SpanDraft, withEach } from "../span-batch.ts";

/** What a span that names no session is stored under; a row of session_aliases may join it to one. */
export const sessionOfTrace = (traceId: string): string => `t:${traceId}`;

/**
 * Whose a span is: session, agent, and whether it is the one span of a model call that counts. Each answer comes from the span alone,
 * never from what else has arrived, so that the order of arrival changes nothing.
 */
export function attribute(next: Consumer<SpanBatch>): Stage<SpanBatch> {
  return {
    start: async () => {},
    shutdown: async () => {},
    async consume(batch) {
      await next.consume({ ...batch, spans: withEach(batch.spans, attributeSpan) });
    },
  };
}

export function attributeSpan(draft: SpanDraft): void {
  const row = draft.row;
  draft.sessionId ??= draft.conversationId;
  row.session_id = draft.sessionId ?? sessionOfTrace(row.trace_id);
  if (row.agent_id === "") row.agent_id = draft.genAiAgentId ?? "";
  row.model = draft.responseModel ?? row.request_model;
  const isModelOperation = row.operation === Operation.chat || row.operation === Operation.embeddings;
  row.is_call = isModelOperation && !draft.routed;
  includeCache(draft);
}
