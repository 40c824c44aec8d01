import { RUNAWAY_AGENTS, type TreeListParameters } from "../api/tree.ts";
import { ACTIVE_WINDOW_MS } from "../model/time.ts";
import type { Sql } from "../server/database.ts";
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
  const shown = {
    all: sql``,
    active: sql`having bool_or(m.last_time > now() - ${ACTIVE_WINDOW_MS} * interval '1 millisecond')`,
    runaway: sql`having max(m.in_minute) > ${RUNAWAY_AGENTS}`,
  };
  const order = { recent: sql`s.last_time desc`, agents: sql`sub_agents desc`, cost: sql`cost_nusd desc` };
  // the newest are found by their sessions' own rows, so that only theirs are added up
  const roots =
    show === "all" && sort === "recent"
      ? sql`select s.session_id from sessions s
          where exists (select from agents g where g.session_id = s.session_id and g.parent_agent_id is not null and g.parent_agent_id <> g.agent_id)
          order by s.last_time desc, s.session_id limit ${offset + limit + 1}`
      : sql`select session_id from agents where parent_agent_id is not null and parent_agent_id <> agent_id`;
  return sql<TreeRow[]>`
    with members as (
      select coalesce(a.session_id, g.session_id) as root, g.*, g.parent_agent_id is not null and g.parent_agent_id <> g.agent_id as is_sub
      from agents g left join session_aliases a on a.alias = g.session_id
      where coalesce(a.session_id, g.session_id) in (${roots})
    ),
    marked as (
      select *, count(*) filter (where is_sub) over (partition by root order by first_time range between interval '60 seconds' preceding and current row) as in_minute,
        count(*) filter (where is_sub) over (partition by root, parent_agent_id) as siblings
      from members
    ),
    trees as (
      select m.root, min(m.first_time) as first_time, max(m.last_time) as last_time,
        count(*) filter (where m.is_sub)::int as sub_agents,
        count(*) filter (where m.last_time > now() - ${ACTIVE_WINDOW_MS} * interval '1 millisecond')::int as active_agents,
        coalesce(max(m.depth), 0)::int as depth, max(m.siblings)::int as widest, max(m.in_minute)::int as peak_per_minute,
        sum(m.calls) as calls, sum(m.cost_nusd) as cost_nusd, sum(m.unknown_cost_calls) as unknown_cost_calls,
        coalesce(sum(m.calls) filter (where m.is_sub), 0) as sub_calls, coalesce(sum(m.cost_nusd) filter (where m.is_sub), 0) as sub_cost_nusd,
        coalesce(sum(m.unknown_cost_calls) filter (where m.is_sub), 0) as sub_unknown_cost_calls
      from marked m group by m.root ${shown[show]}
    )
    select t.*, t.root as session_id, s.agent_name, s.agent_kind, s.channel, s.user_id, c.state as control_state
    from trees t join sessions s on s.session_id = t.root left join lateral (${stopOf(sql, sql`s.project`, sql`t.root`)}) c on true
    order by ${order[sort]}, t.root limit ${limit + 1} offset ${offset}`;
}
