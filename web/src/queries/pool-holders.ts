import type { Sql } from "../server/database.ts";

export interface PoolHolderRow {
  pool: string;
  session_id: string;
  agent_name: string | null;
  sub_agents: number;
  calls: string;
  held_ns: string;
  pool_ns: string;
}

const EACH = 5;

/** Which sessions held each pool since `from` (a whole hour)? At most five a pool, the longest first. */
export function poolHolders(sql: Sql, from: string): Promise<PoolHolderRow[]> {
  return sql<PoolHolderRow[]>`
    with held as (
      select h.pool, coalesce(a.session_id, h.session_id) as session_id, sum(h.calls) as calls, sum(h.duration_ns) as held_ns
      from session_hour h left join session_aliases a on a.alias = h.session_id
      where h.hour >= ${from}::timestamptz and h.pool <> '' group by 1, 2
    ),
    ranked as (
      select *, sum(held_ns) over (partition by pool) as pool_ns, row_number() over (partition by pool order by held_ns desc, session_id) as place from held
    )
    select r.pool, r.session_id, s.agent_name, r.calls, r.held_ns, r.pool_ns,
      (select count(*)::int from agents g where g.session_id = r.session_id and g.parent_agent_id is not null and g.parent_agent_id <> g.agent_id) as sub_agents
    from ranked r left join sessions s on s.session_id = r.session_id
    where r.place <= ${EACH} order by r.pool, r.place`;
}
