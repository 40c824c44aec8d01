import type { Sql, SqlPart } from "../server/database.ts";
import { addRoots, sessionsBetween } from "./sessions-between.ts";

export interface ExplainRange {
  /** spans: exact bounds, for short ranges. hours: the rollups, by whole hours. */
  source: "spans" | "hours";
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

/** `by` tells it from the others: of the range, how many sessions made most of their calls on this silicon; '' is any other kind, or none that was said. */
export interface SessionSiliconRow {
  by: "silicon";
  silicon: string;
  sessions: number;
}

/** Rows of a kind, by the size of their change. */
const MOST = 12;

const COUNTED = ["calls", "errors", "cost_nusd", "unknown", "comparable_cost_nusd", "comparable_baseline_nusd"] as const;

/**
 * What did a range cost against the one before it, in total and by session, agent, route and model, and where did its sessions run? The agents
 * are all those of the sessions that changed most, so that their trees can be added up.
 */
export function explainCost(sql: Sql, range: ExplainRange): Promise<(ExplainCostRow | SessionSiliconRow)[]> {
  const { places, sessions, roots, ofSessions } = range.source === "spans" ? fromSpans(sql, range) : fromHours(sql, range);
  const totals = sql`
    coalesce(sum(calls) filter (where is_now), 0) as calls, coalesce(sum(calls) filter (where not is_now), 0) as before_calls,
    coalesce(sum(errors) filter (where is_now), 0) as errors,
    coalesce(sum(cost_nusd) filter (where is_now), 0) as cost_nusd, coalesce(sum(cost_nusd) filter (where not is_now), 0) as before_cost_nusd,
    coalesce(sum(unknown) filter (where is_now), 0) as unknown, coalesce(sum(unknown) filter (where not is_now), 0) as before_unknown,
    coalesce(sum(comparable_cost_nusd) filter (where is_now), 0) as comparable_cost_nusd,
    coalesce(sum(comparable_baseline_nusd) filter (where is_now), 0) as comparable_baseline_nusd,
    coalesce(sum(comparable_cost_nusd) filter (where not is_now), 0) as before_comparable_cost_nusd,
    coalesce(sum(comparable_baseline_nusd) filter (where not is_now), 0) as before_comparable_baseline_nusd`;
  const place = sql`row_number() over (partition by by order by abs(cost_nusd - before_cost_nusd) desc, calls desc, session_id, agent_id, route, model, pool)`;
  return sql<(ExplainCostRow | SessionSiliconRow)[]>`
    with places as materialized (${places}),
    roots as materialized (${roots}),
    changes as materialized (${addRoots(sql, sessions)}),
    most as (
      select case greatest(now_calls - cpu_calls - gpu_calls - npu_calls - cloud_calls, cloud_calls, cpu_calls, gpu_calls, npu_calls)
          when cloud_calls then 'cloud' when cpu_calls then 'cpu' when gpu_calls then 'gpu' when npu_calls then 'npu' else '' end as silicon
      from changes where now_calls > 0
    ),
    top as materialized (select session_id from changes order by abs(change) desc, calls desc, session_id limit ${MOST}),
    of_top as materialized (${ofSessions(sql`
      select session_id, session_id as root_id from top union all select session_id, root_id from roots where root_id in (select session_id from top)`)}),
    sums as (
      select case grouping(route, model) when 3 then 'total' when 1 then 'route' else 'model' end as by, null as session_id, null as agent_id,
        route, pool, silicon, model, ${totals}
      from places group by grouping sets ((), (route), (model, pool, silicon))
      union all
      select case grouping(agent_id) when 1 then 'session' else 'agent' end, session_id, agent_id, null, null, null, null, ${totals}
      from of_top group by grouping sets ((session_id), (session_id, agent_id))
    ),
    ranked as (select *, ${place} as place from sums where by = 'total' or calls > 0 or before_calls > 0)
    select *, null::int as sessions from ranked where by = 'agent' or place <= ${MOST}
    union all
    select 'silicon', null, null, null, null, silicon, null, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, row_number() over (order by count(*) desc, silicon), count(*)::int
    from most group by silicon
    order by by, place`;
}

interface Sources {
  /** Rows of COUNTED by route, model, pool, silicon and is_now. */
  places: SqlPart;
  /** Rows as sessionsBetween has them. */
  sessions: SqlPart;
  /** Of those sessions that stand for another one, at least: session_id, root_id. */
  roots: SqlPart;
  /** Rows of COUNTED by session, agent and is_now, of these ids under the name of their root. What compares is of the total alone. */
  ofSessions(members: SqlPart): SqlPart;
}

const SILICONS = ["cpu", "gpu", "npu", "cloud"] as const;

function fromSpans(sql: Sql, { beforeFrom, from, to }: ExplainRange): Sources {
  const isComparable = sql`c.baseline_nusd > 0 and c.cost_nusd is not null`;
  const bySilicon = SILICONS.map((silicon) => sql`(silicon = ${silicon})::int as ${sql(`${silicon}_calls`)}`);
  return {
    places: sql`
      select c.session_id, c.agent_id, coalesce(c.route, '') as route, coalesce(c.model, '') as model, coalesce(c.pool, '') as pool,
        coalesce(c.silicon, '') as silicon, c.start_time >= ${from}::timestamptz as is_now, 1::bigint as calls, (c.status = 2)::int::bigint as errors,
        coalesce(c.cost_nusd, 0) as cost_nusd, (c.cost_nusd is null)::int::bigint as unknown,
        case when ${isComparable} then c.cost_nusd else 0 end as comparable_cost_nusd,
        case when ${isComparable} then c.baseline_nusd else 0 end as comparable_baseline_nusd
      from spans c where c.start_time >= ${beforeFrom}::timestamptz and c.start_time < ${to}::timestamptz and c.is_call`,
    sessions: sql`select session_id, calls, cost_nusd, is_now, false as is_whole, ${bySilicon.reduce((all, one) => sql`${all}, ${one}`)} from places`,
    // hours have few sessions, of which few stand for another: looked up one by one
    roots: sql`
      select s.session_id, root_of(a.session_id) as root_id from (select distinct session_id from places) s
      cross join lateral (select session_id from session_aliases where alias = s.session_id offset 0) a`,
    ofSessions: (members) => sql`
      select m.root_id as session_id, c.agent_id, c.is_now, c.calls, c.errors, c.cost_nusd, c.unknown, 0 as comparable_cost_nusd, 0 as comparable_baseline_nusd
      from (${members}) m join places c on c.session_id = m.session_id`,
  };
}

function fromHours(sql: Sql, { beforeFrom, from, to }: ExplainRange): Sources {
  const counted = sql`c.hour >= ${from}::timestamptz as is_now, c.calls, c.errors, c.cost_nusd, c.unknown_cost_calls as unknown`;
  const isInRange = sql`c.hour >= ${beforeFrom}::timestamptz and c.hour < ${to}::timestamptz`;
  const sums = COUNTED.map((name) => sql`sum(${sql(name)})::bigint as ${sql(name)}`).reduce((all, one) => sql`${all}, ${one}`);
  return {
    // added up once, for all the ways of grouping
    places: sql`
      select route, model, pool, silicon, is_now, ${sums}
      from (select c.route, c.model, c.pool, c.silicon, ${counted}, c.comparable_cost_nusd, c.comparable_baseline_nusd from place_hour c where ${isInRange}) c group by route, model, pool, silicon, is_now`,
    sessions: sessionsBetween(sql, { beforeFrom, from, to }),
    roots: sql`select session_id, root_id from session_roots`,
    ofSessions: (members) => sql`
      select m.root_id as session_id, c.agent_id, ${counted}, 0 as comparable_cost_nusd, 0 as comparable_baseline_nusd
      from (${members}) m cross join lateral (
        select * from session_hour c where c.session_id = m.session_id and ${isInRange} offset 0
      ) c`,
  };
}
