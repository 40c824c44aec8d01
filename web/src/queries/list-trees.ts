import { RUNAWAY_AGENTS, type TreeListParameters } from "../api/tree.ts";
import { ACTIVE_WINDOW_MS } from "../model/time.ts";
import type { Sql, SqlPart } from "../server/database.ts";
import { related } from "./related-sessions.ts";
import { stopOf } from "./stop-of.ts";

export interface TreeRow {
  session_id: string;
  agent_name: string | null;
  agent_kind: string | null;
  channel: string | null;
  user_id: string | null;
  first_time: string;
  last_time: string;
  sub_agents: number;
  active_agents: number;
  depth: number;
  widest: number;
  peak_per_minute: number;
  calls: string;
  cost_nusd: string;
  unknown_cost_calls: string;
  sub_calls: string;
  sub_cost_nusd: string;
  sub_unknown_cost_calls: string;
  control_state: string | null;
}

/** Sessions that spawned sub-agents, with how far and how fast they fanned out. */
export function listTrees(sql: Sql, { show, sort, limit }: TreeListParameters, offset: number): Promise<TreeRow[]> {
  return sql<TreeRow[]>`
    with roots as materialized (select session_id, root_id from session_roots),
    page as materialized (
      select * from (${show === "all" && sort === "cost" ? dearest(sql, offset + limit + 1) : rootsOf(sql, show, sort)}) shown order by place desc, root limit ${limit + 1} offset ${offset}
    ),
    members as (
      select session_id as member, p.root from page p join sessions s on s.session_id = p.root
      union all select session_id, root_id from roots where root_id in (select root from page)
    ),
    marked as (
      select m.root, g.*, count(*) filter (where g.is_sub) over (partition by m.root order by g.first_time range between interval '60 seconds' preceding and current row) as in_minute,
        count(*) filter (where g.is_sub) over (partition by m.root, g.parent_agent_id) as siblings
      from members m cross join lateral (
        select *, ${isSub(sql)} as is_sub from agents where session_id = m.member offset 0
      ) g
    ),
    trees as (
      select m.root, min(m.first_time) as first_time, max(m.last_time) as last_time,
        count(*) filter (where m.is_sub)::int as sub_agents,
        count(*) filter (where m.last_time > now() - ${ACTIVE_WINDOW_MS} * interval '1 millisecond')::int as active_agents,
        coalesce(max(m.depth), 0)::int as depth, max(m.siblings)::int as widest, max(m.in_minute)::int as peak_per_minute,
        sum(m.calls) as calls, sum(m.cost_nusd) as cost_nusd, sum(m.unknown_cost_calls) as unknown_cost_calls,
        coalesce(sum(m.calls) filter (where m.is_sub), 0) as sub_calls, coalesce(sum(m.cost_nusd) filter (where m.is_sub), 0) as sub_cost_nusd,
        coalesce(sum(m.unknown_cost_calls) filter (where m.is_sub), 0) as sub_unknown_cost_calls
      from marked m group by m.root
    )
    select t.*, t.root as session_id, s.agent_name, s.agent_kind, s.channel, s.user_id, c.state as control_state
    from trees t join page p on p.root = t.root join sessions s on s.session_id = t.root left join lateral (${stopOf(sql, sql`s.project`, sql`t.root`)}) c on true
    order by p.place desc, t.root`;
}

const isSub = (sql: Sql) => sql`(parent_agent_id is not null and parent_agent_id <> agent_id)`;

/**
 * The trees that cost most, among others: rows of root and place. A session that no other belongs to is as dear as its own row says, so these are read from
 * the dearest down, by the index. Reads the query's `roots`.
 */
const dearest = (sql: Sql, most: number): SqlPart => sql`
  with related as materialized (${related(sql)}),
  spawned as (
    select session_id from agents where ${isSub(sql)} and session_id = any (array(select session_id from related))
  ),
  costs as (select session_id, cost_nusd from sessions where session_id = any (array(select session_id from related)))
  (select session_id as root, cost_nusd as place from sessions s
    where exists (select from agents where session_id = s.session_id and ${isSub(sql)} offset 0) and session_id not in (select session_id from related)
    order by cost_nusd desc, session_id limit ${most})
  union all
  select r.root_id, sum_bigint(c.cost_nusd) from related r join costs c on c.session_id = r.session_id
  where r.root_id in (select root_id from related join spawned using (session_id)) group by r.root_id`;

/** Which trees are shown, and by what they are ordered: rows of root and place. Only what that needs is read of each. Reads the query's `roots`. */
function rootsOf(sql: Sql, show: TreeListParameters["show"], sort: TreeListParameters["sort"]): SqlPart {
  const spawned = sql`
    select coalesce(r.root_id, g.session_id) as root, g.first_time from agents g left join roots r on r.session_id = g.session_id where ${isSub(sql)}`;
  const shown = {
    all: sql`select root, count(*) as sub_agents from (${spawned}) g group by root`,
    active: sql`
      select root, count(*) as sub_agents from (${spawned}) g where root in (
        select coalesce(r.root_id, g.session_id) from agents g left join roots r on r.session_id = g.session_id
        where g.last_time > now() - ${ACTIVE_WINDOW_MS} * interval '1 millisecond'
      ) group by root`,
    // few spawn so many: only theirs are put in order of time
    runaway: sql`
      select root, count(*) as sub_agents from (
        select root, count(*) over (partition by root order by first_time range between interval '60 seconds' preceding and current row) as in_minute
        from (${spawned}) g where root in (select root from (${spawned}) g group by root having count(*) > ${RUNAWAY_AGENTS})
      ) g group by root having max(in_minute) > ${RUNAWAY_AGENTS}`,
  }[show];
  switch (sort) {
    case "agents":
      return sql`select root, sub_agents as place from (${shown}) t`;
    case "recent":
      return sql`select t.root, s.last_time as place from (${shown}) t join sessions s on s.session_id = t.root`;
    case "cost":
      return sql`
        select t.root, sum(s.cost_nusd) as place
        from (select session_id, session_id as root_id from sessions union all select session_id, root_id from roots) m
          join (${shown}) t on t.root = m.root_id join sessions s on s.session_id = m.session_id
        group by t.root`;
  }
}
