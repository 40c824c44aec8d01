import type { Sql } from "../server/database.ts";

export interface SpanRow {
  span_id: string;
  trace_id: string;
  parent_span_id: string | null;
  agent_id: string;
  turn_id: string | null;
  name: string;
  operation: string;
  kind: number;
  is_call: boolean;
  start_time: string;
  start_nanos: number;
  duration_ns: string;
  agent_name: string | null;
  tool_name: string | null;
  task: string | null;
  route: string | null;
  pool: string | null;
  silicon: string | null;
  hardware: string | null;
  provider: string | null;
  model: string | null;
  request_model: string | null;
  tier: number | null;
  sla_class: string | null;
  sla_met: boolean | null;
  decision_id: string | null;
  key: string | null;
  attempt: number | null;
  input_tokens: string | null;
  cache_read_tokens: string | null;
  cache_write_tokens: string | null;
  output_tokens: string | null;
  reasoning_tokens: string | null;
  cost_nusd: string | null;
  cost_source: string | null;
  baseline_nusd: string | null;
  ttft_ms: number | null;
  queue_ms: number | null;
  prefill_ms: number | null;
  decode_ms: number | null;
  status: number;
  status_message: string | null;
  service_name: string | null;
  attributes?: Record<string, unknown>;
  events?: unknown[] | null;
  links?: unknown[] | null;
}

export interface SpanCursor {
  time: string;
  nanos: number;
  id: string;
}

export interface SpanFilter {
  spanId?: string | undefined;
  attributes: boolean;
  limit: number;
  cursor?: SpanCursor | undefined;
}

/** The spans of a session in order of their start. `members`: see resolveSession. */
export function listSpans(sql: Sql, members: string[], filter: SpanFilter): Promise<SpanRow[]> {
  const { spanId, cursor } = filter;
  return sql<SpanRow[]>`
    select encode(span_id, 'hex') as span_id, encode(trace_id, 'hex') as trace_id, encode(parent_span_id, 'hex') as parent_span_id,
      agent_id, turn_id, name, operation, kind, is_call, start_time, start_nanos, duration_ns, agent_name, tool_name, task, route, pool, silicon,
      hardware, provider, model, request_model, tier, sla_class, sla_met, decision_id, key_name as key, attempt, input_tokens, cache_read_tokens,
      cache_write_tokens, output_tokens, reasoning_tokens, cost_nusd, cost_source, baseline_nusd, ttft_ms, queue_ms, prefill_ms, decode_ms, status, status_message, service_name
      ${filter.attributes ? sql`, attributes, events, links` : sql``}
    from spans
    where session_id = any(${members})
      ${spanId ? sql`and span_id = decode(${spanId}, 'hex')` : sql``}
      ${cursor ? sql`and start_time >= ${cursor.time}::timestamptz and (start_time, start_nanos, span_id) > (${cursor.time}::timestamptz, ${cursor.nanos}::smallint, decode(${cursor.id}, 'hex'))` : sql``}
    order by start_time, start_nanos, span_id
    limit ${filter.limit + 1}`;
}
