import type postgres from "postgres";

/** Counters of calls, over spans that are calls. */
const CALL_SUMS = `
  coalesce(sum(input_tokens) filter (where is_call), 0)::text as input_tokens,
  coalesce(sum(cache_read_tokens) filter (where is_call), 0)::text as cache_read_tokens,
  coalesce(sum(cache_write_tokens) filter (where is_call), 0)::text as cache_write_tokens,
  coalesce(sum(output_tokens) filter (where is_call), 0)::text as output_tokens,
  coalesce(sum(reasoning_tokens) filter (where is_call), 0)::text as reasoning_tokens,
  coalesce(sum(cost_nusd), 0)::text as cost_nusd,
  (count(*) filter (where is_call and cost_nusd is null))::text as unknown_cost_calls,
  coalesce(sum(baseline_nusd), 0)::text as baseline_nusd`;
const KEPT_SUMS = [
  "input_tokens",
  "cache_read_tokens",
  "cache_write_tokens",
  "output_tokens",
  "reasoning_tokens",
  "cost_nusd",
  "unknown_cost_calls",
  "baseline_nusd",
]
  .map((name) => `sum(${name})::text as ${name}`)
  .join(", ");
const COUNTS = `
  count(*) filter (where operation = 'invoke_agent') as turns,
  count(*) filter (where is_call) as calls,
  count(*) filter (where operation = 'execute_tool') as tool_calls,
  count(*) filter (where status = 2 and (is_call or operation in ('execute_tool', 'invoke_agent'))) as errors`;
const ROUTE_KEY = "hour, project, route, pool, silicon, hardware, provider, model, sla_class, task, channel, agent_kind, user_id, key_name";
const PLACE_KEY = "hour, project, route, pool, silicon, hardware, provider, model, sla_class, channel";
const PAYER_KEY = "hour, project, key_name, user_id, channel, agent_kind";
const SILICONS = ["cpu", "gpu", "npu", "cloud"];
const SESSION_KEY = "session_id, hour, agent_id, route, pool, silicon, model";
const PER_HOUR = `calls as (
  select hour, project, session_id, agent_id, coalesce(route, '') as route, coalesce(pool, '') as pool, coalesce(silicon, '') as silicon,
    coalesce(hardware, '') as hardware, coalesce(provider, '') as provider, coalesce(model, '') as model,
    coalesce(sla_class, '') as sla_class, coalesce(task, '') as task, coalesce(channel, '') as channel,
    coalesce(agent_kind, '') as agent_kind, coalesce(user_id, '') as user_id, coalesce(key_name, '') as key_name, sla_met, status, duration_ns, prefill_ms, decode_ms,
    is_call, input_tokens, cache_read_tokens, cache_write_tokens, output_tokens, reasoning_tokens, cost_nusd, baseline_nusd
  from (select *, date_bin('1 hour', start_time, '2000-01-01Z') as hour from signalbox.spans where is_call) calls
)`;

export type Rollups = Record<
  | "sessions"
  | "agents"
  | "route_hour"
  | "place_hour"
  | "payer_hour"
  | "route_days"
  | "place_days"
  | "payer_days"
  | "tool_hour"
  | "place_minute"
  | "payer_minute"
  | "tool_minute"
  | "session_hour"
  | "memory_accesses"
  | "session_memory"
  | "memory_days",
  unknown[]
>;

const MEMORY = `with accesses as (
  select session_id, attributes->>'signalbox.memory.path' as path, start_time, span_id, project,
    attributes->>'signalbox.memory.operation' = 'write' as is_write
  from signalbox.spans where operation = 'memory'
)`;
const OF_MEMORY = `
  select session_id, path, project, count(*) filter (where not is_write) as reads, count(*) filter (where is_write) as writes, min(start_time) as first_time,
    max(start_time) filter (where not is_write) as last_read, max(start_time) filter (where is_write) as last_write,
    (select agent_name from signalbox.sessions where sessions.session_id = accesses.session_id) as agent_name,
    length(project) || e'\\x1f' || length(path) || e'\\x1f' || project || path || coalesce((select agent_name from signalbox.sessions where sessions.session_id = accesses.session_id), '') as file`;

const KEPT_COMPARABLE =
  "sum(comparable_cost_nusd)::text as comparable_cost_nusd, sum(comparable_baseline_nusd)::text as comparable_baseline_nusd";
const COMPARABLE = ["cost", "baseline"]
  .map(
    (name) => `coalesce(sum(${name}_nusd) filter (where cost_nusd is not null and baseline_nusd > 0), 0)::text as comparable_${name}_nusd`,
  )
  .join(", ");
const keptHours = (table: string, key: string, also: string) => `
  select ${key}, sum(calls)::bigint as calls, sum(errors)::bigint as errors, sum(sla_met)::bigint as sla_met, sum(sla_missed)::bigint as sla_missed,
    sum(duration_ns)::text as duration_ns, sum(busy_ms) as busy_ms, ${KEPT_SUMS}${also && `, ${also}`}
  from signalbox.${table} group by ${key} order by ${key}`;
const countedHours = (key: string, also: string) => `with ${PER_HOUR}
  select ${key}, count(*) as calls, count(*) filter (where status = 2) as errors, count(*) filter (where sla_met) as sla_met,
    count(*) filter (where not sla_met) as sla_missed, sum(duration_ns)::text as duration_ns,
    sum(round((coalesce(prefill_ms, 0)::float8 + coalesce(decode_ms, 0)::float8) * 1024) / 1024) as busy_ms, ${CALL_SUMS}${also && `, ${also}`}
  from calls group by ${key} order by ${key}`;

const byDay = (key: string) => key.replace("hour", "date_bin('24 hours', hour, '2000-01-01Z')");
const keptPayers = (table: string, key: string) => `
  select ${key}, sum(calls)::bigint as calls, sum(errors)::bigint as errors, sum(duration_ns)::text as duration_ns, ${KEPT_SUMS}, ${KEPT_COMPARABLE}
  from signalbox.${table} group by ${key} order by ${key}`;
const countedPayers = (key: string) => `with ${PER_HOUR}
  select ${key}, count(*) as calls, count(*) filter (where status = 2) as errors, sum(duration_ns)::text as duration_ns, ${CALL_SUMS}, ${COMPARABLE}
  from calls group by ${key} order by ${key}`;
const inMinutes = (key: string) => key.replace("hour", "minute");
/** Of the hours before NOW that are kept, whenever their collector first looks at the clock. */
const SINCE = "(select greatest(since, '2026-11-19T08:00Z') from signalbox.minutes_kept)";
const keptMinutes = (table: string, key: string) => `
  select ${inMinutes(key)}, sum(calls)::bigint as calls, sum(errors)::bigint as errors, ${KEPT_SUMS}, ${KEPT_COMPARABLE}
  from signalbox.${table} where minute >= ${SINCE} group by ${inMinutes(key)} order by ${inMinutes(key)}`;
const countedMinutes = (key: string) => `with ${PER_HOUR.replace("1 hour", "1 minute").replaceAll(/\bhour\b/g, "minute")}
  select ${inMinutes(key)}, count(*) as calls, count(*) filter (where status = 2) as errors, ${CALL_SUMS}, ${COMPARABLE}
  from calls where minute >= ${SINCE} group by ${inMinutes(key)} order by ${inMinutes(key)}`;
const TOOL_COUNTS = "sum(calls)::bigint as calls, sum(errors)::bigint as errors, sum(duration_ns)::text as duration_ns";
const countedTools = (unit: "hour" | "minute", where: string) => `
  select date_bin('1 ${unit}', start_time, '2000-01-01Z') as ${unit}, project, coalesce(tool_name, '') as tool_name,
    count(*) as calls, count(*) filter (where status = 2) as errors, sum(duration_ns)::text as duration_ns
  from signalbox.spans where operation = 'execute_tool' ${where} group by 1, 2, 3 order by 1, 2, 3`;
/** All that there is, with those days that are added up in place of their hours. */
const between = (name: string) => `${name}_between('-infinity', 'infinity')`;

/** Memory files of sessions, those of days that are added up in place of their rows. */
export const MEMORY_BY_DAYS = `(
  select file, sessions, reads, writes, last_read, last_write from signalbox.memory_day join signalbox.memory_days using (day)
  union all
  select file, 1, reads, writes, last_read, last_write from signalbox.session_memory
  where date_bin('24 hours', first_time, '2000-01-01Z') not in (select day from signalbox.memory_days) and reads + writes > 0
) files`;

/** What is kept: sessions, agents and the rollups, these added up over slots, and hours as they are read by days. */
export async function rollups(sql: postgres.Sql): Promise<Rollups> {
  const counters = `turns, calls, tool_calls, errors, ${KEPT_SUMS.replaceAll(/sum\((\w+)\)/g, "$1")}`;
  return {
    sessions:
      await sql.unsafe(`select session_id, spans, first_time, last_error_time, last_error, ${SILICONS.map((silicon) => `${silicon}_calls`).join(", ")}, ${counters}
      from signalbox.sessions order by session_id`),
    agents: await sql.unsafe(`select session_id, agent_id, first_time, ${counters} from signalbox.agents order by session_id, agent_id`),
    route_hour: await sql.unsafe(keptHours("route_hour", ROUTE_KEY, "")),
    place_hour: await sql.unsafe(keptHours("place_hour", PLACE_KEY, KEPT_COMPARABLE)),
    payer_hour: await sql.unsafe(keptPayers("payer_hour", PAYER_KEY)),
    route_days: await sql.unsafe(keptHours(between("route"), byDay(ROUTE_KEY), "")),
    place_days: await sql.unsafe(keptHours(between("place"), byDay(PLACE_KEY), KEPT_COMPARABLE)),
    payer_days: await sql.unsafe(keptPayers(between("payer"), byDay(PAYER_KEY))),
    tool_hour: await sql.unsafe(
      `select hour, project, tool_name, ${TOOL_COUNTS} from signalbox.tool_hour group by 1, 2, 3 order by 1, 2, 3`,
    ),
    place_minute: await sql.unsafe(keptMinutes("place_minute", PLACE_KEY)),
    payer_minute: await sql.unsafe(keptMinutes("payer_minute", PAYER_KEY)),
    tool_minute: await sql.unsafe(
      `select minute, project, tool_name, ${TOOL_COUNTS} from signalbox.tool_minute where minute >= ${SINCE} group by 1, 2, 3 order by 1, 2, 3`,
    ),
    session_hour: await sql.unsafe(`select ${SESSION_KEY}, sum(calls)::bigint as calls, sum(errors)::bigint as errors,
        sum(duration_ns)::text as duration_ns, ${KEPT_SUMS}
      from signalbox.session_hour group by ${SESSION_KEY} order by ${SESSION_KEY}`),
    memory_accesses: await sql.unsafe("select * from signalbox.memory_accesses order by session_id, start_time, span_id"),
    session_memory: await sql.unsafe("select * from signalbox.session_memory where reads + writes > 0 order by session_id, path, project"),
    memory_days:
      await sql.unsafe(`select file, sum(sessions)::bigint as sessions, sum(reads)::bigint as reads, sum(writes)::bigint as writes,
        max(last_read) as last_read, max(last_write) as last_write
      from ${MEMORY_BY_DAYS} group by file order by file collate "C"`),
  };
}

/** The same, counted again by Postgres from the spans. */
export async function recount(sql: postgres.Sql): Promise<Rollups> {
  return {
    sessions: await sql.unsafe(`select session_id, count(*) as spans, min(start_time) as first_time,
        max(start_time) filter (where status = 2) as last_error_time,
        (array_agg(coalesce(status_message, name) order by start_time desc, coalesce(status_message, name) collate "C" desc)
          filter (where status = 2))[1] as last_error,
        ${SILICONS.map((silicon) => `count(*) filter (where is_call and silicon = '${silicon}') as ${silicon}_calls`).join(", ")}, ${COUNTS}, ${CALL_SUMS}
      from signalbox.spans group by session_id order by session_id`),
    agents: await sql.unsafe(`select session_id, agent_id, min(start_time) as first_time, ${COUNTS}, ${CALL_SUMS}
      from signalbox.spans where agent_id <> '' group by session_id, agent_id order by session_id, agent_id`),
    route_hour: await sql.unsafe(countedHours(ROUTE_KEY, "")),
    place_hour: await sql.unsafe(countedHours(PLACE_KEY, COMPARABLE)),
    payer_hour: await sql.unsafe(countedPayers(PAYER_KEY)),
    route_days: await sql.unsafe(countedHours(byDay(ROUTE_KEY), "")),
    place_days: await sql.unsafe(countedHours(byDay(PLACE_KEY), COMPARABLE)),
    payer_days: await sql.unsafe(countedPayers(byDay(PAYER_KEY))),
    tool_hour: await sql.unsafe(countedTools("hour", "")),
    place_minute: await sql.unsafe(countedMinutes(PLACE_KEY)),
    payer_minute: await sql.unsafe(countedMinutes(PAYER_KEY)),
    tool_minute: await sql.unsafe(countedTools("minute", `and start_time >= ${SINCE}`)),
    session_hour: await sql.unsafe(`with ${PER_HOUR}
      select ${SESSION_KEY}, count(*) as calls, count(*) filter (where status = 2) as errors, sum(duration_ns)::text as duration_ns,
        ${CALL_SUMS}
      from calls group by ${SESSION_KEY} order by ${SESSION_KEY}`),
    memory_accesses: await sql.unsafe(`${MEMORY} select * from accesses order by session_id, start_time, span_id`),
    session_memory: await sql.unsafe(
      `${MEMORY} ${OF_MEMORY} from accesses group by session_id, path, project order by session_id, path, project`,
    ),
    memory_days: await sql.unsafe(`
      select file, count(*) as sessions, sum(reads)::bigint as reads, sum(writes)::bigint as writes, max(last_read) as last_read, max(last_write) as last_write
      from (${MEMORY} ${OF_MEMORY} from accesses group by session_id, path, project) f group by file order by file collate "C"`),
  };
}
