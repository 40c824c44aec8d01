import { Attribute, Operation } from "@signalbox/otel/conventions";
import type { Sql } from "../server/database.ts";

export interface DecisionRow {
  decision_id: string | null;
  start_time: string;
  start_nanos: number;
  session_id: string;
  agent_id: string;
  trace_id: string;
  span_id: string;
  request_model: string | null;
  route: string | null;
  pool: string | null;
  silicon: string | null;
  model: string | null;
  tier: number | null;
  task: string | null;
  sla_class: string | null;
  sla_met: boolean | null;
  reason: string | null;
  /** As the emitter sent it: a JSON text, or the array itself. */
  candidates: unknown;
  attempts: number;
  duration_ns: string;
  queue_ms: number | null;
  ttft_ms: number | null;
  cost_nusd: string | null;
  baseline_nusd: string | null;
  status: number;
  status_message: string | null;
}

export interface DecisionFilter {
  members?: string[] | undefined;
  route?: string | undefined;
  pool?: string | undefined;
  show: "all" | "missed" | "errors" | "retried";
  limit: number;
  cursor?: { time: string; id: string } | undefined;
}

/** The scheduler's decisions, newest first. A decision's cost is that of its attempts, which are its children. */
export function listDecisions(sql: Sql, { members, route, pool, show, limit, cursor }: DecisionFilter): Promise<DecisionRow[]> {
  const shown = {
    all: sql``,
    missed: sql`and sla_met = false`,
    errors: sql`and status = 2`,
    // hashed once, from its index alone; nothing is looked for beyond the oldest of them
    retried: sql`and (trace_id, span_id) in (select trace_id, parent_span_id from spans where attempt > 1)
      and start_time >= (select min(start_time) from spans where attempt > 1) - interval '1 day'`,
  };
  return sql<DecisionRow[]>`
    with page as materialized (
      select * from spans d
      where operation = ${Operation.schedule}
        ${members ? sql`and session_id = any(${members})` : sql``}
        ${route === undefined ? sql`` : sql`and route = ${route}`}
        ${pool === undefined ? sql`` : sql`and pool = ${pool}`}
        ${shown[show]}
        ${cursor ? sql`and (start_time, span_id) < (${cursor.time}::timestamptz, decode(${cursor.id}, 'hex'))` : sql``}
      order by start_time desc, span_id desc
      limit ${limit + 1}
    )
    select d.decision_id, d.start_time, d.start_nanos, coalesce(alias.session_id, d.session_id) as session_id, d.agent_id,
      encode(d.trace_id, 'hex') as trace_id, encode(d.span_id, 'hex') as span_id, d.request_model, d.route, coalesce(d.pool, a.pool) as pool,
      coalesce(d.silicon, a.silicon) as silicon, coalesce(d.model, a.model) as model, d.tier, d.task, d.sla_class, d.sla_met,
      d.attributes->>${Attribute.decisionReason} as reason, d.attributes->${Attribute.decisionCandidates} as candidates,
      a.attempts, d.duration_ns, coalesce(d.queue_ms, a.queue_ms) as queue_ms, coalesce(d.ttft_ms, a.ttft_ms) as ttft_ms,
      coalesce(d.cost_nusd, a.cost_nusd) as cost_nusd, coalesce(d.baseline_nusd, a.baseline_nusd) as baseline_nusd, d.status, d.status_message
    from page d
    left join session_aliases alias on alias.alias = d.session_id
    cross join lateral (
      -- the last attempt is the one that answered
      select count(*)::int as attempts, sum(t.cost_nusd) as cost_nusd, sum(t.baseline_nusd) as baseline_nusd,
        (array_agg(t.pool order by t.attempt desc))[1] as pool, (array_agg(t.silicon order by t.attempt desc))[1] as silicon,
        (array_agg(t.model order by t.attempt desc))[1] as model, (array_agg(t.queue_ms order by t.attempt desc))[1] as queue_ms,
        (array_agg(t.ttft_ms order by t.attempt desc))[1] as ttft_ms
      from spans t
      where t.session_id = d.session_id and t.trace_id = d.trace_id and t.parent_span_id = d.span_id and t.attempt is not null
        and t.start_time between d.start_time - interval '1 minute' and d.start_time + interval '1 day'
    ) a
    order by d.start_time desc, d.span_id desc`;
}
