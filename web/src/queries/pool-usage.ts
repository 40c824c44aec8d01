import type { Sql } from "../server/database.ts";
import { hoursBetween } from "./rollups-between.ts";

export interface PoolUsageRow {
  pool: string;
  silicon: string;
  hardware: string;
  calls: string;
  errors: string;
  busy_ms: number;
  cost_nusd: string;
  unknown_cost_calls: string;
  baseline_nusd: string;
  comparable_cost_nusd: string;
  comparable_baseline_nusd: string;
  sla: { sla_class: string; met: number; missed: number }[];
}

/** What each pool did since `from` (a whole hour), and how it kept its classes: from the hourly rollups. */
export function poolUsage(sql: Sql, from: string): Promise<PoolUsageRow[]> {
  return sql<PoolUsageRow[]>`
    with hours as materialized (select * from ${hoursBetween(sql, "place_hour", { from, to: "infinity" })} c where pool <> ''),
    classes as (
      select pool, sla_class, sum(sla_met)::int as met, sum(sla_missed)::int as missed from hours where sla_class <> '' group by pool, sla_class
    ),
    by_class as (
      select pool, jsonb_agg(jsonb_build_object('sla_class', sla_class, 'met', met, 'missed', missed) order by sla_class) as sla
      from classes where met + missed > 0 group by pool
    )
    select h.pool, max(h.silicon) as silicon, max(h.hardware) as hardware, sum(h.calls) as calls, sum(h.errors) as errors, sum(h.busy_ms) as busy_ms,
      sum(h.cost_nusd) as cost_nusd, sum(h.unknown_cost_calls) as unknown_cost_calls, sum(h.baseline_nusd) as baseline_nusd,
      sum(h.comparable_cost_nusd) as comparable_cost_nusd, sum(h.comparable_baseline_nusd) as comparable_baseline_nusd,
      coalesce((select sla from by_class c where c.pool = h.pool), '[]') as sla
    from hours h group by h.pool order by calls desc, h.pool`;
}
