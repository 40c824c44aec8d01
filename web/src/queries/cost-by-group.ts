import type { Bucket, CostGroup } from "../api/cost.ts";
import type { Sql, SqlPart } from "../server/database.ts";

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

export type CostSourceTable = "spans" | "place_hour" | "payer_hour" | "route_hour" | "session_hour";

export interface CostByGroup {
  source: CostSourceTable;
  groupBy: readonly CostGroup[];
  from: string;
  to: string;
  bucket: Bucket | null;
  tz: string;
  /** Only the groups that cost most in the whole range, so many. */
  top: number | undefined;
  limit: number;
  offset: number;
}

/** Cost and tokens by group over time: from the hourly rollups, or from the calls themselves where the range is short. */
export function costByGroup(sql: Sql, query: CostByGroup): Promise<GroupedCostRow[]> {
  const columns: Record<CostGroup, string> = {
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
  const fromSpans = query.source === "spans";
  const time = fromSpans ? sql`c.start_time` : sql`c.hour`;
  const isFolded = query.groupBy.includes("session");
  // a call's span and a rollup row add up alike: a span counts as one call
  const count = (rollup: string, span: SqlPart) => (fromSpans ? span : sql`c.${sql(rollup)}`);
  const unknown = count("unknown_cost_calls", sql`(c.cost_nusd is null)::int`);
  // of the larger rollups an hour with one unknown cost does not compare
  const comparable = (name: "cost" | "baseline") =>
    query.source === "place_hour" || query.source === "payer_hour"
      ? sql`sum(c.${sql(`comparable_${name}_nusd`)})`
      : sql`sum(c.${sql(`${name}_nusd`)}) filter (where c.baseline_nusd > 0 and ${fromSpans ? sql`c.cost_nusd is not null` : sql`c.unknown_cost_calls = 0`})`;
  const names = query.groupBy.map((name) =>
    name === "session" ? sql`coalesce(r.root_id, c.session_id)` : sql`coalesce(c.${sql(columns[name])}, '')`,
  );
  const groups = query.groupBy.map((name, index) => sql`${names[index] as SqlPart} as ${sql(name)}`);
  const listed = (parts: SqlPart[]) => parts.reduce((all, part) => sql`${all}, ${part}`);
  const rows = query.top !== undefined && isByAgents(query) ? ofTopAgents(sql, query, query.top) : sql`${sql(query.source)} c`;
  const calls = sql`
    from ${rows} ${isFolded ? sql`left join session_roots r on r.session_id = c.session_id` : sql``}
    where ${time} >= ${query.from}::timestamptz and ${time} < ${query.to}::timestamptz ${fromSpans ? sql`and c.is_call` : sql``}`;
  const amongTop =
    query.top === undefined || isByAgents(query)
      ? sql``
      : sql`and (${listed(names)}) in (select ${listed(names)} ${calls} group by ${listed(names)} order by coalesce(sum(c.cost_nusd), 0) desc, ${listed(names)} limit ${query.top})`;
  const positions = sql.unsafe([...query.groupBy.map((_, index) => index + 2), 1].join(", "));
  return sql<GroupedCostRow[]>`
    select ${bucketStart(sql, query, time)} as bucket, ${listed(groups)},
      sum(${count("calls", sql`1`)}) as calls, sum(${count("errors", sql`(c.status = 2)::int`)}) as errors,
      coalesce(sum(c.input_tokens), 0) as input_tokens, coalesce(sum(c.cache_read_tokens), 0) as cache_read_tokens,
      coalesce(sum(c.cache_write_tokens), 0) as cache_write_tokens, coalesce(sum(c.output_tokens), 0) as output_tokens,
      coalesce(sum(c.reasoning_tokens), 0) as reasoning_tokens, coalesce(sum(c.cost_nusd), 0) as cost_nusd, sum(${unknown}) as unknown_cost_calls,
      coalesce(sum(c.baseline_nusd), 0) as baseline_nusd,
      coalesce(${comparable("cost")}, 0) as comparable_cost_nusd, coalesce(${comparable("baseline")}, 0) as comparable_baseline_nusd
    ${calls} ${amongTop}
    group by ${positions}
    order by bucket nulls first, cost_nusd desc, calls desc, ${positions}
    limit ${query.limit + 1} offset ${query.offset}`;
}

const isByAgents = ({ source, groupBy }: CostByGroup) => source === "session_hour" && groupBy.length === 1 && groupBy[0] === "agent";

/**
 * The hours `c` of the agents that cost most. Which these are, the agents' own counters tell where an agent lived within the range, and its hours
 * where it did not: one row an agent in place of many. Calls that name no agent have no row there.
 */
function ofTopAgents(sql: Sql, { from, to }: CostByGroup, top: number): SqlPart {
  const isInRange = sql`hour >= ${from}::timestamptz and hour < ${to}::timestamptz`;
  const isWithin = sql`g.first_time >= ${from}::timestamptz and g.last_time < ${to}::timestamptz`;
  const overlaps = sql`g.first_time < ${to}::timestamptz and g.last_time >= ${from}::timestamptz`;
  const hoursOf = sql`select * from session_hour h where h.session_id = g.session_id and h.agent_id = g.agent_id and ${isInRange} offset 0`;
  return sql`(
    with top as materialized (
      select agent_id from (
        select g.agent_id, g.cost_nusd from agents g where ${isWithin}
        union all
        select g.agent_id, h.cost_nusd from agents g cross join lateral (${hoursOf}) h where ${overlaps} and not (${isWithin})
        union all
        select agent_id, cost_nusd from session_hour where agent_id = '' and ${isInRange}
      ) costs group by agent_id order by sum(cost_nusd) desc, agent_id limit ${top}
    )
    select h.* from agents g cross join lateral (${hoursOf}) h where ${overlaps} and g.agent_id in (select agent_id from top)
    union all
    select * from session_hour where agent_id = '' and ${isInRange} and '' in (select agent_id from top)
  ) c`;
}

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
