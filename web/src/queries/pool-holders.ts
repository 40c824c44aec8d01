import type { Sql } from "../server/database.ts";
import { written } from "./sql-parts.ts";

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

/** Which sessions held each pool within the last day of what began at `from` (a whole hour)? At most five a pool, the longest first. */
export function poolHolders(sql: Sql, from: string): Promise<PoolHolderRow[]> {
  const start = sql`(select greatest(${from}::timestamptz, date_bin('1 hour', now(), '2000-01-01Z') - interval '24 hours'))`;
  return sql<PoolHolderRow[]>`
    with held as materialized (
      select h.pool, coalesce(r.root_id, h.session_id) as session_id, sum_bigint(h.calls) as calls, sum_bigint(h.duration_ns) as held_ns
      from session_hour h left join roots_between(${start}, 'infinity') r on r.session_id = h.session_id
      where h.hour >= ${start} and h.pool <> '' group by 1, 2
    ),
    pools as (select pool, sum_bigint(held_ns) as pool_ns from held group by pool),
    -- the few longest of each pool, without sorting all of them
    longest as (
      select p.pool, p.pool_ns, m.*
      from pools p cross join lateral (
        select session_id, calls, held_ns from held where held.pool = p.pool order by held_ns desc, session_id limit ${written(sql, EACH)}
      ) m
    )
    select r.pool, r.session_id, s.agent_name, r.calls, r.held_ns, r.pool_ns,
      (select count(*)::int from agents g where g.session_id = r.session_id and g.parent_agent_id is not null and g.parent_agent_id <> g.agent_id) as sub_agents
    from longest r left join sessions s on s.session_id = r.session_id
    order by r.pool, r.held_ns desc, r.session_id`;
}
