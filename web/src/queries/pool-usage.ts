import type { Sql, SqlPart } from "../server/database.ts";
import { hoursBetween } from "./rollups-between.ts";
import { listed } from "./sql-parts.ts";

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
    with classes as (
      select pool, sla_class, max(silicon) as silicon, max(hardware) as hardware, sum_bigint(sla_met) as met, sum_bigint(sla_missed) as missed,
        sum(busy_ms) as busy_ms, ${eachSum(sql, (name) => sql`sum_bigint(${name}) as ${name}`)}
      from ${hoursBetween(sql, "place_hour", { from, to: "infinity" })} c where pool <> '' group by pool, sla_class
    )
    select pool, max(silicon) as silicon, max(hardware) as hardware, sum(busy_ms) as busy_ms, ${eachSum(sql, (name) => sql`sum_bigint(${name}) as ${name}`)},
      coalesce(
        jsonb_agg(jsonb_build_object('sla_class', sla_class, 'met', met, 'missed', missed) order by sla_class)
          filter (where sla_class <> '' and met + missed > 0), '[]') as sla
    from classes group by pool order by calls desc, pool`;
}

const SUMS = [
  "calls",
  "errors",
  "cost_nusd",
  "unknown_cost_calls",
  "baseline_nusd",
  "comparable_cost_nusd",
  "comparable_baseline_nusd",
] as const;

const eachSum = (sql: Sql, part: (name: SqlPart) => SqlPart): SqlPart =>
  listed(
    sql,
    SUMS.map((name) => part(sql`${sql(name)}`)),
  );
