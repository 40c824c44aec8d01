import { Attribute, Operation } from "@signalbox/otel/conventions";
import type { Sql, SqlPart } from "../server/database.ts";

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
  key: string | null;
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
export async function listDecisions(sql: Sql, filter: DecisionFilter): Promise<DecisionRow[]> {
  const { members, route, pool, show, limit, cursor } = filter;
  const shown = { all: sql``, missed: sql`and d.sla_met = false`, errors: sql`and d.status = 2`, retried: sql`` };
  const where = sql`
    d.operation = ${Operation.schedule}
    ${members ? sql`and d.session_id = any(${members})` : sql``}
    ${route === undefined ? sql`` : sql`and d.route = ${route}`}
    ${pool === undefined ? sql`` : sql`and d.pool = ${pool}`}
    ${shown[show]}
    ${cursor ? sql`and (d.start_time, d.span_id) < (${cursor.time}::timestamptz, decode(${cursor.id}, 'hex'))` : sql``}`;
  if (show !== "retried")
    return describe(sql, sql`select * from spans d where ${where} order by start_time desc, span_id desc limit ${limit + 1}`);
  const keys = await retriedDecisions(sql, where, filter);
  return describe(
    sql,
    sql`
      select d.* from jsonb_to_recordset(${sql.json(keys)}) as k (session_id text, start_time timestamptz, span_id text)
      join spans d on d.session_id = k.session_id and d.start_time = k.start_time and d.span_id = decode(k.span_id, 'hex')`,
  );
}

type DecisionKey = { session_id: string; start_time: string; span_id: string };

/** An attempt begins at most so long after its decision. */
const LONGEST_WAIT = "1 day";

/**
 * The keys of one page of decisions with a second attempt. Few attempts are one, and an index has them by time: from the newest of them back, more
 * at each step, until the page is sure. A decision whose attempts were not looked at yet began no later than the last that was.
 */
async function retriedDecisions(sql: Sql, where: SqlPart, { limit, cursor }: DecisionFilter): Promise<DecisionKey[]> {
  for (let attempts = 4 * (limit + 1); ; attempts *= 4) {
    const [row] = await sql<{ looked_at: number; sure: DecisionKey[]; found: DecisionKey[] }[]>`
      with retries as materialized (
        select session_id, trace_id, parent_span_id, start_time from spans
        where attempt > 1 ${cursor ? sql`and start_time < ${cursor.time}::timestamptz + ${LONGEST_WAIT}::interval` : sql``}
        order by start_time desc limit ${attempts}
      ),
      decisions as (
        select distinct d.session_id, d.start_time, d.span_id
        from retries r cross join lateral (
          select * from spans d
          where d.session_id = r.session_id and d.start_time between r.start_time - ${LONGEST_WAIT}::interval and r.start_time
            and d.span_id = r.parent_span_id and d.trace_id = r.trace_id and ${where}
          offset 0
        ) d
      ),
      page as (select * from decisions order by start_time desc, span_id desc limit ${limit + 1}),
      keys as (
        select jsonb_build_object('session_id', session_id, 'start_time', start_time, 'span_id', encode(span_id, 'hex')) as key,
          start_time > (select min(start_time) from retries) as is_sure
        from page
      )
      select (select count(*)::int from retries) as looked_at, coalesce(jsonb_agg(key) filter (where is_sure), '[]') as sure,
        coalesce(jsonb_agg(key), '[]') as found from keys`;
    if (!row) throw new Error("a query of counts gave no row");
    if (row.looked_at < attempts) return row.found;
    if (row.sure.length > limit) return row.sure;
  }
}

function describe(sql: Sql, page: SqlPart): Promise<DecisionRow[]> {
  return sql<DecisionRow[]>`
    with page as materialized (${page})
    select d.decision_id, d.start_time, d.start_nanos, root_of(d.session_id) as session_id, d.agent_id,
      encode(d.trace_id, 'hex') as trace_id, encode(d.span_id, 'hex') as span_id, d.request_model, d.route, coalesce(d.pool, a.pool) as pool,
      coalesce(d.silicon, a.silicon) as silicon, coalesce(d.model, a.model) as model, d.tier, d.task, d.key_name as key, d.sla_class, d.sla_met,
      d.attributes->>${Attribute.decisionReason} as reason, d.attributes->${Attribute.decisionCandidates} as candidates,
      a.attempts, d.duration_ns, coalesce(d.queue_ms, a.queue_ms) as queue_ms, coalesce(d.ttft_ms, a.ttft_ms) as ttft_ms,
      coalesce(d.cost_nusd, a.cost_nusd) as cost_nusd, coalesce(d.baseline_nusd, a.baseline_nusd) as baseline_nusd, d.status, d.status_message
    from page d
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
