import { Attribute, Operation } from "@signalbox/otel/conventions";
import type { EventKind } from "../api/event.ts";
import type { Sql, SqlPart } from "../server/database.ts";
import { projects } from "./projects.ts";

export interface EventRow {
  kind: EventKind;
  start_time: string;
  start_nanos: number;
  duration_ns: string;
  session_id: string;
  agent_id: string;
  span_id: string;
  agent_name: string | null;
  channel: string | null;
  name: string;
  tool_name: string | null;
  task: string | null;
  model: string | null;
  route: string | null;
  pool: string | null;
  silicon: string | null;
  hardware: string | null;
  attempt: number | null;
  reason: string | null;
  input_tokens: string | null;
  output_tokens: string | null;
  cost_nusd: string | null;
  status: number;
  status_message: string | null;
}

export interface EventFilterSql {
  kinds: readonly EventKind[];
  agent?: string | undefined;
  channel?: string | undefined;
  silicon?: string | undefined;
  route?: string | undefined;
  pool?: string | undefined;
  errors: boolean;
  limit: number;
  cursor?: { time: string; id: string } | undefined;
}

/**
 * Turns, model calls, tool calls and decisions, newest first. The index on time begins with the project, so each project gives
 * its newest by itself.
 */
export function listEvents(sql: Sql, filter: EventFilterSql): Promise<EventRow[]> {
  const kinds: Record<EventKind, SqlPart> = {
    turn: sql`s.operation = ${Operation.invokeAgent}`,
    call: sql`s.is_call`,
    tool: sql`s.operation = ${Operation.executeTool}`,
    decision: sql`s.operation = ${Operation.schedule}`,
  };
  const equal = (column: string, value: string | undefined) => (value === undefined ? sql`` : sql`and s.${sql(column)} = ${value}`);
  const { cursor } = filter;
  return sql<EventRow[]>`
    with page as materialized (
      select e.* from (${projects(sql)}) p cross join lateral (
        select s.* from spans s
        where s.project = p.project and (${filter.kinds.map((kind) => kinds[kind]).reduce((all, kind) => sql`${all} or ${kind}`)})
          ${equal("agent_name", filter.agent)} ${equal("channel", filter.channel)} ${equal("silicon", filter.silicon)}
          ${equal("route", filter.route)} ${equal("pool", filter.pool)} ${filter.errors ? sql`and s.status = 2` : sql``}
          ${cursor ? sql`and s.start_time <= ${cursor.time}::timestamptz and (s.start_time, s.span_id) < (${cursor.time}::timestamptz, decode(${cursor.id}, 'hex'))` : sql``}
        order by s.start_time desc, s.span_id desc
        limit ${filter.limit + 1}
      ) e
      order by e.start_time desc, e.span_id desc
      limit ${filter.limit + 1}
    )
    select case when s.is_call then 'call' when s.operation = ${Operation.invokeAgent} then 'turn'
        when s.operation = ${Operation.executeTool} then 'tool' else 'decision' end as kind,
      s.start_time, s.start_nanos, s.duration_ns, root_of(s.session_id) as session_id, s.agent_id, encode(s.span_id, 'hex') as span_id,
      s.agent_name, s.channel, s.name, s.tool_name, s.task, s.model, s.route, s.pool, s.silicon, s.hardware, s.attempt,
      s.attributes->>${Attribute.decisionReason} as reason, s.input_tokens, s.output_tokens, s.cost_nusd, s.status, s.status_message
    from page s
    order by s.start_time desc, s.span_id desc`;
}
