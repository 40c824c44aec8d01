import { Operation } from "@signalbox/otel/conventions";
import type { StepKind } from "../api/step.ts";
import type { Sql } from "../server/database.ts";

export interface StepRow {
  kind: StepKind;
  span_id: string;
  agent_id: string;
  agent_name: string | null;
  start_time: string;
  start_nanos: number;
  duration_ns: string;
  name: string;
  tool_name: string | null;
  model: string | null;
  pool: string | null;
  silicon: string | null;
  attempt: number | null;
  input_tokens: string | null;
  output_tokens: string | null;
  cost_nusd: string | null;
  status: number;
  status_message: string | null;
}

export interface StepCursor {
  time: string;
  nanos: number;
  id: string;
}

/** What happened in a session, in order: turns, model calls, tool calls. Narrow, as a session has tens of thousands. `members`: see resolveSession. */
export function listSteps(sql: Sql, members: string[], { limit, cursor }: { limit: number; cursor: StepCursor | undefined }) {
  return sql<StepRow[]>`
    select case when is_call then 'call' when operation = ${Operation.invokeAgent} then 'turn' else 'tool' end as kind,
      encode(span_id, 'hex') as span_id, agent_id, agent_name, start_time, start_nanos, duration_ns, name, tool_name, model, pool, silicon, attempt,
      input_tokens, output_tokens, cost_nusd, status, left(status_message, 200) as status_message
    from spans
    where session_id = any(${members}) and (is_call or operation in (${Operation.invokeAgent}, ${Operation.executeTool}))
      ${cursor ? sql`and start_time >= ${cursor.time}::timestamptz and (start_time, start_nanos, span_id) > (${cursor.time}::timestamptz, ${cursor.nanos}::smallint, decode(${cursor.id}, 'hex'))` : sql``}
    order by start_time, start_nanos, span_id
    limit ${limit + 1}`;
}
