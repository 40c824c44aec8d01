import { RUNAWAY_AGENTS } from "../api/tree.ts";
import type { Sql } from "../server/database.ts";

export interface LineageRow {
  session_id: string;
  agent_id: string;
  parent_agent_id: string | null;
  agent_name: string | null;
}

/** Who spawned whom in these sessions. */
export function lineageOf(sql: Sql, sessions: readonly string[]): Promise<LineageRow[]> {
  return sql<LineageRow[]>`
    select root.id as session_id, g.agent_id, min(g.parent_agent_id) as parent_agent_id, min(g.agent_name) as agent_name
    from unnest(${sessions as string[]}::text[]) as root (id)
    cross join lateral (select root.id as session_id union select session_id from members_of(root.id)) m
    cross join lateral (select * from agents where session_id = m.session_id offset 0) g
    group by 1, 2`;
}

export interface SessionLabelRow {
  session_id: string;
  agent_name: string | null;
  channel: string | null;
}

export function sessionLabels(sql: Sql, sessions: readonly string[]): Promise<SessionLabelRow[]> {
  return sql<SessionLabelRow[]>`select session_id, agent_name, channel from sessions where session_id = any(${sessions as string[]})`;
}

export interface BurstRow {
  session_id: string;
  agent_name: string | null;
  channel: string | null;
  sub_agents: number;
  peak_per_minute: number;
  seconds: number;
}

/** Which sessions began more sub-agents within a minute than a runaway, in this range? The fastest first, at most five. */
export function burstsBetween(sql: Sql, from: string, to: string): Promise<BurstRow[]> {
  return sql<BurstRow[]>`
    with begun as materialized (
      -- in the order of their index
      select session_id, count(*) as sub_agents from agents
      where parent_agent_id is not null and parent_agent_id <> agent_id and first_time >= ${from}::timestamptz and first_time < ${to}::timestamptz
      group by session_id
    ),
    -- those of them that stand for another session are few: an agent that named itself, or a trace without a session. Looked up one by one
    named as materialized (select alias from session_aliases where split_part(alias, e'\\x1f', -1) not like 't:%'),
    roots as materialized (
      select g.session_id, root_of(a.session_id) as root_id from (
        select session_id from begun where session_id in (select alias from named) or split_part(session_id, e'\\x1f', -1) like 't:%' offset 0
      ) g cross join lateral (select session_id from session_aliases where alias = g.session_id offset 0) a
    ),
    -- most sessions are by themselves; the few others are added up
    runaways as materialized (
      select session_id from begun where sub_agents > ${RUNAWAY_AGENTS} and session_id not in (select session_id from roots)
      union
      select root_id from (
        select r.root_id, g.sub_agents from roots r join begun g on g.session_id = r.session_id
        union all
        select session_id, sub_agents from begun where session_id in (select root_id from roots)
      ) g group by root_id having sum_bigint(sub_agents) > ${RUNAWAY_AGENTS}
    ),
    spawned as (
      select m.root_id as session_id, g.first_time from (
        select session_id, session_id as root_id from runaways
        union all
        select session_id, root_id from roots where root_id in (select session_id from runaways)
      ) m cross join lateral (
        select first_time from agents g where g.session_id = m.session_id and g.parent_agent_id is not null and g.parent_agent_id <> g.agent_id
          and g.first_time >= ${from}::timestamptz and g.first_time < ${to}::timestamptz offset 0
      ) g
    ),
    counted as (
      select *, count(*) over (partition by session_id order by first_time range between interval '60 seconds' preceding and current row) as in_minute
      from spawned
    ),
    bursts as (
      select session_id, count(*)::int as sub_agents, max(in_minute)::int as peak_per_minute,
        extract(epoch from max(first_time) - min(first_time))::float8 as seconds
      from counted group by session_id having max(in_minute) > ${RUNAWAY_AGENTS}
    )
    select b.*, s.agent_name, s.channel from bursts b left join sessions s using (session_id) order by b.peak_per_minute desc, b.session_id limit 5`;
}
