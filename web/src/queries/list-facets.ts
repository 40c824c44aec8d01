import type { Sql } from "../server/database.ts";

export interface FacetRow {
  facet: "agents" | "channels" | "silicons" | "routes" | "pools";
  values: string[];
}

const MOST = 200;

/** Which agents, channels, silicons, routes and pools do the last seven days name? At most 200 of each. */
export function listFacets(sql: Sql): Promise<FacetRow[]> {
  return sql<FacetRow[]>`
    with hours as materialized (
      select distinct channel, silicon, route, pool from place_between(now() - interval '7 days', 'infinity')
    ),
    named as (
      select distinct 'channels' as facet, channel as value from hours union all select distinct 'silicons', silicon from hours
      union all select distinct 'routes', route from hours union all select distinct 'pools', pool from hours
      union all select * from (select distinct 'agents', agent_name from agents where last_time > now() - interval '7 days' and depth is not distinct from 0 limit ${MOST}) a
    ),
    numbered as (select facet, value, row_number() over (partition by facet order by value) as place from named where value <> '')
    select facet, array_agg(value order by value) as values from numbered where place <= ${MOST} group by facet`;
}
