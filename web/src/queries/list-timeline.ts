import type { Sql } from "../server/database.ts";
import type { SpanCursor } from "./list-spans.ts";

export interface TimelineRow {
  span_id: string;
  parent_span_id: string | null;
  name: string;
  operation: string;
  is_call: boolean;
  start_time: string;
  start_nanos: number;
  duration_ns: string;
  pool: string | null;
  silicon: string | null;
  model: string | null;
  attempt: number | null;
  cost_nusd: string | null;
  queue_ms: number | null;
  prefill_ms: number | null;
  decode_ms: number | null;
  status: number;
}

/** The spans of a session in order of their start, as far as they are drawn. `members`: see resolveSession. */
export function listTimeline(sql: Sql, members: string[], { limit, cursor }: { limit: number; cursor: SpanCursor | undefined }) {
  return sql<TimelineRow[]>`
    select encode(span_id, 'hex') as span_id, encode(parent_span_id, 'hex') as parent_span_id, name, operation, is_call, start_time, start_nanos,
      duration_ns, pool, silicon, model, attempt, cost_nusd, queue_ms, prefill_ms, decode_ms, status
    from spans
    where session_id = any(${members})
      ${cursor ? sql`and start_time >= ${cursor.time}::timestamptz and (start_time, start_nanos, span_id) > (${cursor.time}::timestamptz, ${cursor.nanos}::smallint, decode(${cursor.id}, 'hex'))` : sql``}
    order by start_time, start_nanos, span_id
    limit ${limit + 1}`;
}
