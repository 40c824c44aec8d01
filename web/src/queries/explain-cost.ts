import type { Sql, SqlPart } from "../server/database.ts";
import { endOfMinute } from "./minutes.ts";
import { hoursBetween } from "./rollups-between.ts";
import { listed } from "./sql-parts.ts";

export interface ExplainRange {
  /**
   * minutes: by whole minutes, as spans, but what has totals by minute is read from these. spans: the same from calls alone. hours: from rollups, by whole
   * hours.
   */
  source: "minutes" | "spans" | "hours";
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
export const MOST = 12;

const COUNTED = ["calls", "errors", "cost_nusd", "unknown", "comparable_cost_nusd", "comparable_baseline_nusd"] as const;

/** What did a range cost against the one before it, in total and by route and model? */
export function explainCost(sql: Sql, { source, beforeFrom, from, to }: ExplainRange): Promise<ExplainCostRow[]> {
  const ofPlace = (isNow: SqlPart) => sql`
    c.route, c.model, c.pool, c.silicon, ${isNow} as is_now, c.calls, c.errors, c.cost_nusd, c.unknown_cost_calls as unknown,
      c.comparable_cost_nusd, c.comparable_baseline_nusd`;
  const ofPeriod = (period: { from: string; to: string }, isNow: boolean) => sql`
    select ${ofPlace(sql`${isNow}::boolean`)} from ${hoursBetween(sql, "place_hour", period)} c`;
  const sums = listed(
    sql,
    COUNTED.map((name) => sql`sum(${sql(name)})::bigint as ${sql(name)}`),
  );
  const rows = {
    spans: sql`
        select coalesce(c.route, '') as route, coalesce(c.model, '') as model, coalesce(c.pool, '') as pool, coalesce(c.silicon, '') as silicon,
          c.start_time >= ${from}::timestamptz as is_now, ${countedOfCall(sql)}
        from spans c where c.start_time >= ${beforeFrom}::timestamptz and c.start_time < ${endOfMinute(sql, to)} and c.is_call`,
    minutes: sql`
        select ${ofPlace(sql`c.minute >= ${from}::timestamptz`)} from place_minute c
        where c.minute >= ${beforeFrom}::timestamptz and c.minute < ${to}::timestamptz`,
    hours: sql`${ofPeriod({ from: beforeFrom, to: from }, false)} union all ${ofPeriod({ from, to }, true)}`,
  }[source];
  return sql<ExplainCostRow[]>`
    -- added up once, for all the ways of grouping
    with places as materialized (select route, model, pool, silicon, is_now, ${sums} from (${rows}) c group by route, model, pool, silicon, is_now),
    ${ranked(
      sql,
      sql`
      select case grouping(route, model) when 3 then 'total' when 1 then 'route' else 'model' end as by, null as session_id, null as agent_id,
        route, pool, silicon, model, ${periodSums(sql)}
      from places group by grouping sets ((), (route), (model, pool, silicon))`,
    )}
    select * from ranked where place <= ${MOST} order by by, place`;
}

/** COUNTED of a call `c`. */
export function countedOfCall(sql: Sql): SqlPart {
  const ifComparable = (column: string) =>
    sql`case when c.baseline_nusd > 0 and c.cost_nusd is not null then c.${sql(`${column}_nusd`)} else 0 end as ${sql(`comparable_${column}_nusd`)}`;
  return sql`1::bigint as calls, (c.status = 2)::int::bigint as errors, coalesce(c.cost_nusd, 0) as cost_nusd,
    (c.cost_nusd is null)::int::bigint as unknown, ${ifComparable("cost")}, ${ifComparable("baseline")}`;
}

/** Of COUNTED and is_now, the sums that ExplainCostRow has. */
export function periodSums(sql: Sql): SqlPart {
  const sum = (column: string, name = column) => sql`
    coalesce(sum(${sql(column)}) filter (where is_now), 0) as ${sql(name)}, coalesce(sum(${sql(column)}) filter (where not is_now), 0) as ${sql(`before_${name}`)}`;
  return sql`
    ${sum("calls")}, coalesce(sum(errors) filter (where is_now), 0) as errors, ${sum("cost_nusd")}, ${sum("unknown")},
    ${sum("comparable_cost_nusd")}, ${sum("comparable_baseline_nusd")}`;
}

/** A part of a statement's WITH: `ranked`, the rows of ExplainCostRow (`sums`) with the place of each among its kind, where anything was called. */
export const ranked = (sql: Sql, sums: SqlPart): SqlPart => sql`
  ranked as (
    select *, row_number() over (partition by by order by abs(cost_nusd - before_cost_nusd) desc, calls desc, session_id, agent_id, route, model, pool) as place
    from (${sums}) sums where by = 'total' or calls > 0 or before_calls > 0
  )`;
