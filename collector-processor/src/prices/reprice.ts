import type { PriceRow } from "@signalbox/otel/prices";
import type postgres from "postgres";
import { priceFinder, priceSpan } from "../processors/price.ts";
import { takeOutDays } from "../sql/rollup-days.ts";
import { draftOf, STORED_CALL, type StoredCall } from "./stored-call.ts";

export interface RepricePeriod {
  /** Calls that began at or after the one and before the other. */
  from: Date;
  to: Date;
}

export interface Repriced {
  /** calls that the table prices: looked at, and whose cost is another now */
  calls: number;
  changed: number;
  /** calls whose cost was unknown, before and after */
  unknownBefore: number;
  unknownAfter: number;
  /** integer nano-USD */
  costBefore: bigint;
  costAfter: bigint;
}

const BATCH = 2_000;
const DEADLOCK = "40P01";
const MAX_ATTEMPTS = 5;

/**
 * Prices the calls of a period again, by the prices of now. Only what we priced ourselves, or could not: what an emitter reported, what the
 * scheduler charged (its spans say the attempt) and what was measured stay as they are. Sessions, agents and rollups follow in the
 * same transaction, so they equal a recount at any moment; interrupted, it may be run again. `sql` needs two connections.
 */
export async function reprice(
  sql: postgres.Sql,
  prices: readonly PriceRow[],
  { from, to }: RepricePeriod,
  dryRun: boolean,
): Promise<Repriced> {
  const priceOf = priceFinder(prices);
  const result: Repriced = { calls: 0, changed: 0, unknownBefore: 0, unknownAfter: 0, costBefore: 0n, costAfter: 0n };
  const calls = sql.unsafe<StoredCall[]>(
    `select ${STORED_CALL} from signalbox.spans
     where start_time >= $1 and start_time < $2 and is_call and attempt is null and cost_source in ('priced', 'unknown')`,
    [from, to],
  );
  for await (const batch of calls.cursor(BATCH)) {
    const changes = batch.flatMap((call) => changeOf(call, priceOf, result));
    result.changed += changes.length;
    if (!dryRun && changes.length > 0) await apply(sql, changes);
  }
  return result;
}

interface Change {
  session_id: string;
  start_micros: string;
  /** hex */
  span_id: string;
  old_cost: string | null;
  cost: number | null;
  source: string;
  old_baseline: string | null;
  /** an embedding is its own baseline */
  baseline: string | number | null;
}

function changeOf(call: StoredCall, priceOf: ReturnType<typeof priceFinder>, result: Repriced): Change[] {
  const draft = draftOf(call);
  priceSpan(draft, { baseline: { input: 0, output: 0 } }, priceOf);
  const { cost_nusd: cost, cost_source: source } = draft.row;
  result.calls++;
  if (call.cost_nusd === null) result.unknownBefore++;
  if (cost === null) result.unknownAfter++;
  result.costBefore += BigInt(call.cost_nusd ?? 0);
  result.costAfter += BigInt(cost ?? 0);
  if ((cost === null ? null : String(cost)) === call.cost_nusd) return [];
  const isOwnBaseline = call.operation === "embeddings" && call.baseline_nusd === call.cost_nusd;
  return [
    {
      session_id: call.session_id,
      start_micros: call.start_micros,
      span_id: call.span_id.toString("hex"),
      old_cost: call.cost_nusd,
      cost,
      source: source as string,
      old_baseline: call.baseline_nusd,
      baseline: isOwnBaseline ? cost : call.baseline_nusd,
    },
  ];
}

async function apply(sql: postgres.Sql, changes: Change[]): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      await sql.unsafe(APPLY, [JSON.stringify(changes)]);
      return;
    } catch (error) {
      if ((error as { code?: string }).code !== DEADLOCK || attempt === MAX_ATTEMPTS) throw error;
    }
  }
}

const sums = (key: string) => `${key}, sum(cost)::bigint as cost, sum(unknown)::bigint as unknown, sum(baseline)::bigint as baseline`;
const ROUTE_KEY = "project, route, pool, silicon, hardware, provider, model, sla_class, task, channel, agent_kind, user_id, key_name";
const PLACE_KEY = "project, route, pool, silicon, hardware, provider, model, sla_class, channel";
const PAYER_KEY = "project, key_name, user_id, channel, agent_kind";
const SESSION_KEY = "agent_id, route, pool, silicon, model";
const timeOf = (unit: "hour" | "minute") => `date_bin('1 ${unit}', start_time, '2000-01-01Z')`;
/** Rows of an hour that no writer's slot has: what repricing added and took away. */
const SLOT = -1;
const added = (table: string) => `cost_nusd = ${table}.cost_nusd + excluded.cost_nusd,
    unknown_cost_calls = ${table}.unknown_cost_calls + excluded.unknown_cost_calls,
    baseline_nusd = ${table}.baseline_nusd + excluded.baseline_nusd`;
/** A call's part in what compares: it has both a cost and a baseline. */
const comparable = (value: string, cost: string, baseline: string) =>
  `case when c.${cost} is not null and c.${baseline} > 0 then ${value} else 0 end`;
/** What the hours of a table count that no price changes. */
const CALLS = [
  "calls",
  "errors",
  "input_tokens",
  "cache_read_tokens",
  "cache_write_tokens",
  "output_tokens",
  "reasoning_tokens",
  "duration_ns",
];
const MINUTE_CALLS = CALLS.filter((name) => name !== "duration_ns");
const PLACED_CALLS = [...CALLS, "sla_met", "sla_missed", "busy_ms"];
const COMPARABLE = ["comparable_cost", "comparable_baseline"];
interface Changed {
  table: string;
  key: string;
  unchanged: readonly string[];
  also?: readonly string[];
}
function addChanges(time: "hour" | "minute", { table, key, unchanged, also = [] }: Changed, where = ""): string {
  const more = (each: (name: string) => string) => also.map((name) => `, ${each(name)}`).join("");
  return `insert into signalbox.${table} (slot, ${time}, ${key}, ${unchanged.join(", ")}, cost_nusd, unknown_cost_calls, baseline_nusd${more((name) => `${name}_nusd`)})
  select ${SLOT}, ${time}, ${key}, ${unchanged.map(() => 0).join(", ")}, sum(cost)::bigint, sum(unknown)::bigint, sum(baseline)::bigint${more((name) => `sum(${name})::bigint`)}
  from (select *, ${timeOf(time)} as ${time} from changed) times ${where} group by ${time}, ${key} order by ${time}, ${key}
  on conflict (${time}, slot, ${key}) do update set ${added(table)}${more((name) => `${name}_nusd = ${table}.${name}_nusd + excluded.${name}_nusd`)}`;
}
const ofHours = (changed: Changed) => addChanges("hour", changed);
/** As writers do: of what began before there are none. */
const ofMinutes = (table: string, key: string) =>
  addChanges(
    "minute",
    { table, key, unchanged: MINUTE_CALLS, also: COMPARABLE },
    "where minute >= (select since from signalbox.minutes_kept)",
  );

/** $1: Change[] as JSON text. A call that changed since it was read is left to the next run. Rows are locked in the order of their keys. */
const APPLY = `
with changed as (
  update signalbox.spans s set cost_nusd = c.cost, cost_source = c.source, baseline_nusd = c.baseline
  from json_to_recordset($1::text::json) as c (session_id text, start_micros bigint, span_id text, old_cost bigint, cost bigint, source text, old_baseline bigint,
    baseline bigint)
  where s.session_id = c.session_id and s.start_time = timestamptz 'epoch' + c.start_micros * interval '1 microsecond'
    and s.span_id = decode(c.span_id, 'hex') and s.cost_nusd is not distinct from c.old_cost
  returning s.session_id, s.agent_id, s.start_time, s.project, coalesce(s.route, '') as route, coalesce(s.pool, '') as pool,
    coalesce(s.silicon, '') as silicon, coalesce(s.hardware, '') as hardware, coalesce(s.provider, '') as provider,
    coalesce(s.model, '') as model, coalesce(s.sla_class, '') as sla_class, coalesce(s.task, '') as task,
    coalesce(s.channel, '') as channel, coalesce(s.agent_kind, '') as agent_kind, coalesce(s.user_id, '') as user_id,
    coalesce(s.key_name, '') as key_name,
    coalesce(c.cost, 0) - coalesce(c.old_cost, 0) as cost,
    (c.cost is null)::int - (c.old_cost is null)::int as unknown,
    coalesce(c.baseline, 0) - coalesce(c.old_baseline, 0) as baseline,
    ${comparable("c.cost", "cost", "baseline")} - ${comparable("c.old_cost", "old_cost", "old_baseline")} as comparable_cost,
    ${comparable("c.baseline", "cost", "baseline")} - ${comparable("c.old_baseline", "old_cost", "old_baseline")} as comparable_baseline
),
of_agents as (
  update signalbox.agents a set cost_nusd = a.cost_nusd + d.cost, unknown_cost_calls = a.unknown_cost_calls + d.unknown,
    baseline_nusd = a.baseline_nusd + d.baseline
  from (select ${sums("session_id, agent_id")} from changed where agent_id <> '' group by session_id, agent_id) d
  where a.session_id = d.session_id and a.agent_id = d.agent_id
),
of_sessions as (
  update signalbox.sessions s set cost_nusd = s.cost_nusd + d.cost, unknown_cost_calls = s.unknown_cost_calls + d.unknown,
    baseline_nusd = s.baseline_nusd + d.baseline
  from (select ${sums("session_id")} from changed group by session_id) d
  where s.session_id = d.session_id
),
of_session_hours as (
  insert into signalbox.session_hour (slot, session_id, hour, ${SESSION_KEY}, project, calls, errors, input_tokens, cache_read_tokens,
    cache_write_tokens, output_tokens, reasoning_tokens, duration_ns, cost_nusd, unknown_cost_calls, baseline_nusd)
  select ${SLOT}, session_id, hour, ${SESSION_KEY}, min(project), 0, 0, 0, 0, 0, 0, 0, 0, sum(cost)::bigint, sum(unknown)::bigint,
    sum(baseline)::bigint
  from (select *, ${timeOf("hour")} as hour from changed) hours group by session_id, hour, ${SESSION_KEY} order by session_id, hour, ${SESSION_KEY}
  on conflict (session_id, hour, slot, ${SESSION_KEY}) do update set ${added("session_hour")}
),
of_place_hours as (
  ${ofHours({ table: "place_hour", key: PLACE_KEY, unchanged: PLACED_CALLS, also: COMPARABLE })}
),
of_place_minutes as (
  ${ofMinutes("place_minute", PLACE_KEY)}
),
of_payer_hours as (
  ${ofHours({ table: "payer_hour", key: PAYER_KEY, unchanged: CALLS, also: COMPARABLE })}
),
of_payer_minutes as (
  ${ofMinutes("payer_minute", PAYER_KEY)}
),
of_days as (
  ${takeOutDays("changed", "start_time")}
)
${ofHours({ table: "route_hour", key: ROUTE_KEY, unchanged: PLACED_CALLS })}
`;
