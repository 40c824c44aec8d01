import type { Bucket, CostGroup } from "../api/cost.ts";
import type { Sql, SqlPart } from "../server/database.ts";
import { endOfMinute } from "./minutes.ts";
import { hoursBetween, isDayRollup } from "./rollups-between.ts";
import { belongingBetween, isNoLess, largestChanges } from "./sessions-between.ts";

export interface CostRowSql {
  bucket: string | null;
  calls: string;
  errors: string;
  input_tokens: string;
  cache_read_tokens: string;
  cache_write_tokens: string;
  output_tokens: string;
  reasoning_tokens: string;
  cost_nusd: string;
  unknown_cost_calls: string;
  baseline_nusd: string;
  comparable_cost_nusd: string;
  comparable_baseline_nusd: string;
}
export type GroupedCostRow = CostRowSql & Partial<Record<CostGroup, string>>;

export type MinuteRollup = "place_minute" | "payer_minute";
export type CostSourceTable = "spans" | MinuteRollup | "place_hour" | "payer_hour" | "route_hour" | "session_hour";

const TIMES = {
  spans: "start_time",
  place_minute: "minute",
  payer_minute: "minute",
  place_hour: "hour",
  payer_hour: "hour",
  route_hour: "hour",
  session_hour: "hour",
} as const satisfies Record<CostSourceTable, string>;
/** Of the larger rollups an hour with one unknown cost does not compare; these count what compares call by call. */
const COUNT_COMPARABLE: readonly CostSourceTable[] = ["place_minute", "payer_minute", "place_hour", "payer_hour"];

export interface CostByGroup {
  source: CostSourceTable;
  groupBy: readonly CostGroup[];
  /** Of spans and minutes a whole minute, of hours a whole hour. */
  from: string;
  /** The minute or hour that it is in counts whole. */
  to: string;
  bucket: Bucket | null;
  tz: string;
  /** Only the groups that cost most in the whole range, so many. */
  top: number | undefined;
  limit: number;
  offset: number;
}

const SUMS = [
  "calls",
  "errors",
  "input_tokens",
  "cache_read_tokens",
  "cache_write_tokens",
  "output_tokens",
  "reasoning_tokens",
  "cost_nusd",
  "unknown_cost_calls",
  "baseline_nusd",
] as const;

const COLUMNS: Record<CostGroup, string> = {
  route: "route",
  pool: "pool",
  silicon: "silicon",
  model: "model",
  provider: "provider",
  hardware: "hardware",
  sla_class: "sla_class",
  task: "task",
  channel: "channel",
  user: "user_id",
  key: "key_name",
  agent_kind: "agent_kind",
  project: "project",
  agent: "agent_id",
  session: "session_id",
};

const listed = (sql: Sql, parts: readonly SqlPart[]): SqlPart => parts.reduce((all, part) => sql`${all}, ${part}`);

/** Cost and tokens by group over time: from rollups by hour or minute, or from the calls themselves. */
export function costByGroup(sql: Sql, query: CostByGroup): Promise<GroupedCostRow[]> {
  const { groupBy, source, top, limit, offset } = query;
  const fromSpans = source === "spans";
  const time = sql`c.${sql(TIMES[source])}`;
  const end = fromSpans ? endOfMinute(sql, query.to) : sql`${query.to}::timestamptz`;
  // a call's span and a rollup row add up alike: a span counts as one call
  const ofSpan: Partial<Record<(typeof SUMS)[number], SqlPart>> = fromSpans
    ? { calls: sql`1`, errors: sql`(c.status = 2)::int`, unknown_cost_calls: sql`(c.cost_nusd is null)::int` }
    : {};
  const sums = SUMS.map((name) => sql`coalesce(sum(${ofSpan[name] ?? sql`c.${sql(name)}`}), 0)::bigint as ${sql(name)}`);
  const comparable = (name: "cost" | "baseline") =>
    COUNT_COMPARABLE.includes(source)
      ? sql`sum(c.${sql(`comparable_${name}_nusd`)})`
      : sql`sum(c.${sql(`${name}_nusd`)}) filter (where c.baseline_nusd > 0 and ${fromSpans ? sql`c.cost_nusd is not null` : sql`c.unknown_cost_calls = 0`})`;
  const names = groupBy.map((name) => sql`${sql(name)}`);
  const groups = groupBy.map((name) => {
    const value = name === "session" ? sql`coalesce(r.root_id, c.session_id)` : sql`coalesce(c.${sql(COLUMNS[name])}, '')`;
    return sql`${value} as ${sql(name)}`;
  });
  const isFolded = groupBy.includes("session");
  const byAgents = isBy(query, "agent") && top !== undefined;
  const bySessions = isBy(query, "session") && (top !== undefined || query.bucket === null);
  const rows = byAgents
    ? ofTopAgents(sql, query, top)
    : bySessions
      ? ofTopSessions(sql, query, top ?? offset + limit + 1)
      : isDayRollup(source) && isOfWholeDays(query)
        ? sql`${hoursBetween(sql, source, query)} c`
        : sql`${sql(source)} c`;
  const isTop = top === undefined || byAgents || bySessions;
  return sql<GroupedCostRow[]>`
    with ${isFolded ? sql`${belongingBetween(sql, { ...query, beforeFrom: query.from })},` : sql``}
    grouped as materialized (
      select ${bucketStart(sql, query, time)} as bucket, ${listed(sql, groups)}, ${listed(sql, sums)},
        coalesce(${comparable("cost")}, 0) as comparable_cost_nusd, coalesce(${comparable("baseline")}, 0) as comparable_baseline_nusd
      from ${rows} ${isFolded ? sql`left join roots r on r.session_id = c.session_id` : sql``}
      where ${time} >= ${query.from}::timestamptz and ${time} < ${end} ${fromSpans ? sql`and c.is_call` : sql``}
      group by ${sql.unsafe([...groupBy.map((_, index) => index + 2), 1].join(", "))}
      -- what was all taken away again leaves rows of zeros in rollups
      ${fromSpans ? sql`` : sql`having sum(c.calls) <> 0`}
    )
    select * from grouped
    ${isTop ? sql`` : sql`where (${listed(sql, names)}) in (select ${listed(sql, names)} from grouped group by ${listed(sql, names)} order by sum(cost_nusd) desc, ${listed(sql, names)} limit ${top})`}
    order by bucket nulls first, cost_nusd desc, calls desc, ${listed(sql, names)}
    limit ${limit + 1} offset ${offset}`;
}

const isBy = ({ source, groupBy }: CostByGroup, name: CostGroup) =>
  source === "session_hour" && groupBy.length === 1 && groupBy[0] === name;

/** As many sessions are looked into one by one; where more of them may have a dear agent, the agents are read one after the other. */
const FEW_SESSIONS = 1_000;

/**
 * The hours `c` of the agents that cost most. Which these are, the agents' own counters tell where an agent lived within the range, and its hours
 * where it did not: one row an agent in place of many. Calls that name no agent have no row there.
 *
 * An agent of one session cost no more than the session: what the dearest agents of the dearest sessions cost, found by the index, is a bound below which
 * neither an agent nor all of a session needs to be looked at. Of the ids that several sessions have, all is added up.
 */
function ofTopAgents(sql: Sql, { from, to }: CostByGroup, top: number): SqlPart {
  const isInRange = sql`hour >= ${from}::timestamptz and hour < ${to}::timestamptz`;
  const isWithin = sql`g.first_time >= ${from}::timestamptz and g.last_time < ${to}::timestamptz`;
  const overlaps = sql`first_time < ${to}::timestamptz and last_time >= ${from}::timestamptz`;
  const hoursOf = sql`select * from session_hour h where h.session_id = g.session_id and h.agent_id = g.agent_id and ${isInRange} offset 0`;
  // offset 0: the cost is worked out once
  const costsOf = (agents: SqlPart) => sql`
    select agent_id, cost_nusd from (
      select g.agent_id, case when ${isWithin} then g.cost_nusd else (select sum_bigint(h.cost_nusd) from (${hoursOf}) h) end as cost_nusd
      from (${agents}) g offset 0
    ) g where cost_nusd is not null`;
  const isOwn = sql`agent_id not in (select agent_id from shared)`;
  const ofSessions = (sessions: SqlPart) => sql`
    select g.* from (${sessions}) s cross join lateral (select * from agents where session_id = s.session_id and ${overlaps} offset 0) g where ${isOwn}`;
  const least = sql`select case when count(*) = ${top} then min(cost_nusd) else 0 end from dearest`;
  return sql`(
    with shared as materialized (select agent_id from agents group by agent_id having count(*) > 1),
    dearest as materialized (
      ${costsOf(ofSessions(sql`select session_id from sessions where ${overlaps} order by cost_nusd desc limit ${2 * top}`))}
      order by cost_nusd desc limit ${top}
    ),
    dear_sessions as materialized (select session_id from sessions where ${isNoLess(sql, least)} and ${overlaps} limit ${FEW_SESSIONS + 1}),
    few as materialized (select count(*) <= ${FEW_SESSIONS} as are_few from dear_sessions),
    top as materialized (
      select agent_id from (
        ${costsOf(ofSessions(sql`select session_id from dear_sessions where (select are_few from few)`))}
        union all
        ${costsOf(sql`select * from agents where not (select are_few from few) and cost_nusd >= (${least}) and ${isOwn} and ${overlaps}`)}
        union all
        ${costsOf(sql`select * from agents where agent_id in (select agent_id from shared) and ${overlaps}`)}
        union all
        select agent_id, cost_nusd from session_hour where agent_id = '' and ${isInRange}
      ) costs group by agent_id order by sum_bigint(cost_nusd) desc, agent_id limit ${top}
    )
    select h.* from (select * from agents where ${overlaps} and agent_id in (select agent_id from top)) g cross join lateral (${hoursOf}) h
    union all
    select * from session_hour where agent_id = '' and ${isInRange} and '' in (select agent_id from top)
  ) c`;
}

/** The hours `c` of the root sessions that cost most, which their own counters tell as above. */
function ofTopSessions(sql: Sql, { from, to }: CostByGroup, top: number): SqlPart {
  return sql`(
    with top as materialized (
      select session_id from (${largestChanges(sql, { beforeFrom: from, from, to }, sql`${top}`)}) s order by change desc, calls desc, session_id limit ${top}
    )
    select h.* from (
      select session_id from top union all select session_id from roots where root_id in (select session_id from top)
    ) m cross join lateral (
      select * from session_hour h where h.session_id = m.session_id and h.hour >= ${from}::timestamptz and h.hour < ${to}::timestamptz offset 0
    ) h
  ) c`;
}

/** No bucket begins within a day, as days are added up. */
const isOfWholeDays = ({ bucket, tz }: CostByGroup) => bucket === null || ((bucket === "day" || bucket === "month") && tz === "UTC");

function bucketStart(sql: Sql, { bucket, tz }: CostByGroup, time: SqlPart) {
  switch (bucket) {
    case null:
      return sql`null::timestamptz`;
    case "minute":
      return sql`date_bin('1 minute', ${time}, '2000-01-01Z')`;
    case "hour":
      return sql`date_bin('1 hour', ${time}, '2000-01-01Z')`;
    case "6h":
      return sql`date_bin('6 hours', ${time}, '2000-01-01Z')`;
    case "month":
      return sql`date_trunc('month', ${time}, ${tz})`;
    case "day":
      // date_bin is far cheaper; a zone with its summer time needs date_trunc
      return tz === "UTC" ? sql`date_bin('1 day', ${time}, '2000-01-01Z')` : sql`date_trunc('day', ${time}, ${tz})`;
  }
}
