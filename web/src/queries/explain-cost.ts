import type { Sql } from "../server/database.ts";

export interface ExplainRange {
  /** spans: exact bounds, for short ranges. session_hour: whole hours. */
  source: "spans" | "session_hour";
  beforeFrom: string;
  from: string;
  to: string;
}

export interface ExplainCostRow {
  by: "total" | "session" | "agent" | "route" | "model";
  session_id: string | null;
  agent_id: string | null;
  route: string | null;
  pool: string | null;
  silicon: string | null;
  model: string | null;
  calls: string;
  before_calls: string;
  errors: string;
  cost_nusd: string;
  before_cost_nusd: string;
  unknown: string;
  before_unknown: string;
  comparable_cost_nusd: string;
  comparable_baseline_nusd: string;
  before_comparable_cost_nusd: string;
  before_comparable_baseline_nusd: string;
}

/** Rows of a kind, by the size of their change. */
const MOST = 12;

/**
 * What did a range cost against the one before it, in total and by session, agent, route and model? The agents are all those of
 * the sessions that changed most, so that their trees can be added up: to group every agent of a week takes ten times as long.
 */
export function explainCost(sql: Sql, { source, beforeFrom, from, to }: ExplainRange): Promise<ExplainCostRow[]> {
  const isSpans = source === "spans";
  const time = isSpans ? sql`c.start_time` : sql`c.hour`;
  const totals = sql`
    coalesce(sum(calls) filter (where is_now), 0) as calls, coalesce(sum(calls) filter (where not is_now), 0) as before_calls,
    coalesce(sum(errors) filter (where is_now), 0) as errors,
    coalesce(sum(cost_nusd) filter (where is_now), 0) as cost_nusd, coalesce(sum(cost_nusd) filter (where not is_now), 0) as before_cost_nusd,
    coalesce(sum(unknown) filter (where is_now), 0) as unknown, coalesce(sum(unknown) filter (where not is_now), 0) as before_unknown,
    coalesce(sum(comparable_cost_nusd) filter (where is_now), 0) as comparable_cost_nusd,
    coalesce(sum(comparable_baseline_nusd) filter (where is_now), 0) as comparable_baseline_nusd,
    coalesce(sum(comparable_cost_nusd) filter (where not is_now), 0) as before_comparable_cost_nusd,
    coalesce(sum(comparable_baseline_nusd) filter (where not is_now), 0) as before_comparable_baseline_nusd`;
  const isComparable = sql`c.baseline_nusd > 0 and ${isSpans ? sql`c.cost_nusd is not null` : sql`c.unknown_cost_calls = 0`}`;
  return sql<ExplainCostRow[]>`
    with calls as materialized (
      select coalesce(a.session_id, c.session_id) as session_id, c.agent_id, coalesce(c.route, '') as route, coalesce(c.pool, '') as pool,
        coalesce(c.silicon, '') as silicon, coalesce(c.model, '') as model, ${time} >= ${from}::timestamptz as is_now,
        ${isSpans ? sql`1::bigint` : sql`c.calls`} as calls, ${isSpans ? sql`(c.status = 2)::int::bigint` : sql`c.errors`} as errors,
        coalesce(c.cost_nusd, 0) as cost_nusd, ${isSpans ? sql`(c.cost_nusd is null)::int::bigint` : sql`c.unknown_cost_calls`} as unknown,
        case when ${isComparable} then c.cost_nusd else 0 end as comparable_cost_nusd,
        case when ${isComparable} then c.baseline_nusd else 0 end as comparable_baseline_nusd
      from ${sql(source)} c left join session_aliases a on a.alias = c.session_id
      where ${time} >= ${beforeFrom}::timestamptz and ${time} < ${to}::timestamptz ${isSpans ? sql`and c.is_call` : sql``}
    ),
    places as materialized (
      select route, model, pool, silicon, is_now, sum(calls)::bigint as calls, sum(errors)::bigint as errors, sum(cost_nusd)::bigint as cost_nusd,
        sum(unknown)::bigint as unknown, sum(comparable_cost_nusd)::bigint as comparable_cost_nusd,
        sum(comparable_baseline_nusd)::bigint as comparable_baseline_nusd
      from calls group by route, model, pool, silicon, is_now
    ),
    sums as (
      select case grouping(route, model) when 3 then 'total' when 1 then 'route' else 'model' end as by, null as session_id, null as agent_id,
        route, pool, silicon, model, ${totals}
      from places group by grouping sets ((), (route), (model, pool, silicon))
      union all
      select 'session', session_id, null, null, null, null, null, ${totals} from calls group by session_id
    ),
    ranked as materialized (
      select *, row_number() over (partition by by order by abs(cost_nusd - before_cost_nusd) desc, calls desc, session_id, route, model, pool) as place
      from sums where by = 'total' or calls > 0 or before_calls > 0
    ),
    agents_of_top as (
      select 'agent' as by, session_id, agent_id, null as route, null as pool, null as silicon, null as model, ${totals}
      from calls where session_id in (select session_id from ranked where by = 'session' and place <= ${MOST}) group by session_id, agent_id
    )
    select * from ranked where place <= ${MOST}
    union all
    select *, row_number() over (order by abs(cost_nusd - before_cost_nusd) desc, calls desc, session_id, agent_id) as place from agents_of_top
    order by by, place`;
}

export interface SessionSiliconRow {
  silicon: string;
  sessions: number;
}

/** Where did most calls of each session of a range run? One count a kind of silicon. */
export function sessionsBySilicon(sql: Sql, { source, from, to }: ExplainRange): Promise<SessionSiliconRow[]> {
  const isSpans = source === "spans";
  const time = isSpans ? sql`c.start_time` : sql`c.hour`;
  return sql<SessionSiliconRow[]>`
    with parts as (
      select coalesce(a.session_id, c.session_id) as session_id, coalesce(c.silicon, '') as silicon, sum(${isSpans ? sql`1` : sql`c.calls`}) as calls
      from ${sql(source)} c left join session_aliases a on a.alias = c.session_id
      where ${time} >= ${from}::timestamptz and ${time} < ${to}::timestamptz ${isSpans ? sql`and c.is_call` : sql``}
      group by 1, 2
    ),
    -- by bytes: a language's order of so many ids takes longer than all the rest
    most as (
      select distinct on (session_id collate "C") session_id, silicon from parts order by session_id collate "C", calls desc, silicon
    )
    select silicon, count(*)::int as sessions from most group by silicon order by sessions desc, silicon`;
}
