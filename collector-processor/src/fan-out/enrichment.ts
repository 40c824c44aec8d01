import { Attribute } from "@signalbox/otel/conventions";
import type { AttributeValue } from "../otlp/traces.ts";
import type { SpanRow } from "../rows.ts";
import type { SpanDraft } from "../span-batch.ts";

const NANO = 1e9;

/** Columns that are said under another name, or in another unit, are left out here. */
const COLUMNS: [keyof SpanRow, string][] = [
  ["operation", Attribute.operation],
  ["provider", Attribute.provider],
  ["request_model", Attribute.requestModel],
  ["input_tokens", Attribute.inputTokens],
  ["output_tokens", Attribute.outputTokens],
  ["cache_read_tokens", Attribute.cacheReadTokens],
  ["cache_write_tokens", Attribute.cacheWriteTokens],
  ["reasoning_tokens", Attribute.reasoningTokens],
  ["agent_name", Attribute.agentName],
  ["tool_name", Attribute.toolName],
  ["tool_call_id", Attribute.toolCallId],
  ["project", Attribute.project],
  ["agent_id", Attribute.signalboxAgentId],
  ["agent_kind", Attribute.agentKind],
  ["turn_id", Attribute.turnId],
  ["channel", Attribute.channel],
  ["task", Attribute.task],
  ["route", Attribute.route],
  ["pool", Attribute.pool],
  ["silicon", Attribute.silicon],
  ["cost_nusd", Attribute.costNanousd],
  ["cost_source", Attribute.costSource],
  ["baseline_nusd", Attribute.baselineNanousd],
];

/** What we found out about a span, under the names of the conventions: what backends such as Jaeger and Tempo key on. */
export function enrichment({ row, sessionId, parentAgentId }: SpanDraft): Map<string, AttributeValue> {
  const attributes = new Map<string, AttributeValue>();
  for (const [column, name] of COLUMNS) {
    const value = row[column];
    if (value !== null && value !== "") attributes.set(name, value);
  }
  if (sessionId !== null) {
    attributes.set(Attribute.sessionId, sessionId);
    attributes.set(Attribute.conversationId, sessionId);
  }
  if (parentAgentId !== null) attributes.set(Attribute.parentAgentId, parentAgentId);
  if (row.is_call && row.model !== null) attributes.set(Attribute.responseModel, row.model);
  return attributes;
}

/** Cost as people and TraceQL want it: USD, always a double, also where it is a whole number. */
export const costUsd = ({ row }: SpanDraft): number | null => (row.cost_nusd === null ? null : row.cost_nusd / NANO);
