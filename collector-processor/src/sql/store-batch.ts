import { SPAN_COLUMNS } from "../exporters/encode-batch.ts";

const spanColumns = SPAN_COLUMNS.join(", ");

/** Calls' counters, over rows of `inserted`. */
const CALL_SUMS = `
    coalesce(sum(input_tokens) filter (where is_call), 0)::bigint as input_tokens,
    coalesce(sum(cache_read_tokens) filter (where is_call), 0)::bigint as cache_read_tokens,
    coalesce(sum(cache_write_tokens) filter (where is_call), 0)::bigint as cache_write_tokens,
    coalesce(sum(output_tokens) filter (where is_call), 0)::bigint as output_tokens,
    coalesce(sum(reasoning_tokens) filter (where is_call), 0)::bigint as reasoning_tokens,
    coalesce(sum(cost_nusd), 0)::bigint as cost_nusd,
    count(*) filter (where is_call and cost_nusd is null) as unknown_cost_calls,
    coalesce(sum(baseline_nusd), 0)::bigint as baseline_nusd`;

const CALL_COUNTERS = [
  "input_tokens",
  "cache_read_tokens",
  "cache_write_tokens",
  "output_tokens",
  "reasoning_tokens",
  "cost_nusd",
  "unknown_cost_calls",
  "baseline_nusd",
];

/** `calls = table.calls + excluded.calls, …` */
const add = (table: string, counters: string[]) => counters.map((name) => `${name} = ${table}.${name} + excluded.${name}`).join(", ");
/** The first of two texts in the database's order, whichever arrived first; null loses. */
const least = (table: string, columns: string[]) => columns.map((name) => `${name} = least(${table}.${name}, excluded.${name})`).join(", ");

const ROUTE_HOUR_KEY = [
  "hour",
  "slot",
  "project",
  "route",
  "pool",
  "silicon",
  "hardware",
  "provider",
  "model",
  "sla_class",
  "task",
  "channel",
  "agent_kind",
  "user_id",
];
const ROUTE_HOUR_COUNTERS = ["calls", "errors", "sla_met", "sla_missed", ...CALL_COUNTERS, "duration_ns", "busy_ms"];
const SESSION_HOUR_KEY = ["session_id", "hour", "slot", "agent_id", "route", "pool", "silicon", "model"];
const SESSION_HOUR_COUNTERS = ["calls", "errors", ...CALL_COUNTERS, "duration_ns"];
const AGENT_COUNTERS = ["turns", "calls", "tool_calls", "errors", ...CALL_COUNTERS];
const SESSION_COUNTERS = ["spans", ...AGENT_COUNTERS];

/**
 * Stores what the stage holds, in one statement: the spans that are not there yet, and from those, and only those, every counter.
 * What a span says of its session and agent is merged by least and greatest, so that neither order nor repetition changes a row.
 * Rows are locked in the order of their keys: two writers never wait for each other in a circle.
 *
 * $1: the writer's slot. Returns {inserted: int, sessions: json array of text} (at most 50 of them).
 */
export const STORE_BATCH = `
with inserted as (
  insert into signalbox.spans (${spanColumns})
  select ${spanColumns} from stage_spans
  on conflict do nothing
  returning session_id, start_time, span_id, project, agent_id, operation, is_call, status, status_message, name, duration_ns,
    route, pool, silicon, hardware, provider, model, sla_class, sla_met, task, channel, agent_kind, user_id,
    input_tokens, cache_read_tokens, cache_write_tokens, output_tokens, reasoning_tokens, cost_nusd, baseline_nusd,
    prefill_ms, decode_ms
),
calls as (
  select *, date_bin('1 hour', start_time, '2000-01-01Z') as hour from inserted where is_call
),
add_route_hour as (
  insert into signalbox.route_hour (${[...ROUTE_HOUR_KEY, ...ROUTE_HOUR_COUNTERS].join(", ")})
  select hour, $1::smallint, project, coalesce(route, ''), coalesce(pool, ''), coalesce(silicon, ''), coalesce(hardware, ''),
    coalesce(provider, ''), coalesce(model, ''), coalesce(sla_class, ''), coalesce(task, ''), coalesce(channel, ''),
    coalesce(agent_kind, ''), coalesce(user_id, ''),
    count(*), count(*) filter (where status = 2), count(*) filter (where sla_met), count(*) filter (where not sla_met),
    ${CALL_SUMS},
    sum(duration_ns)::bigint,
    -- multiples of 1/1024 add up exactly, in any order
    sum(round((coalesce(prefill_ms, 0)::float8 + coalesce(decode_ms, 0)::float8) * 1024) / 1024)
  from calls
  group by 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14
  order by 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14
  on conflict (${ROUTE_HOUR_KEY.join(", ")}) do update set ${add("route_hour", ROUTE_HOUR_COUNTERS)}
),
add_session_hour as (
  insert into signalbox.session_hour (${[...SESSION_HOUR_KEY, "project", ...SESSION_HOUR_COUNTERS].join(", ")})
  select session_id, hour, $1::smallint, agent_id, coalesce(route, ''), coalesce(pool, ''), coalesce(silicon, ''), coalesce(model, ''),
    min(project), count(*), count(*) filter (where status = 2),
    ${CALL_SUMS},
    sum(duration_ns)::bigint
  from calls
  group by 1, 2, 3, 4, 5, 6, 7, 8
  order by 1, 2, 3, 4, 5, 6, 7, 8
  on conflict (${SESSION_HOUR_KEY.join(", ")}) do update set
    project = least(session_hour.project, excluded.project), ${add("session_hour", SESSION_HOUR_COUNTERS)}
),
-- who: from all spans of the stage, stored before or not
said as (
  select session_id, agent_id, min(project) as project, min(agent_name) as agent_name, min(agent_kind) as agent_kind,
    min(channel) as channel, min(user_id) as user_id, min(parent_agent_id) as parent_agent_id, min(agent_depth) as agent_depth,
    min(spawned_by_tool_call) as spawned_by_tool_call, min(start_time) as first_time,
    max(start_time + (duration_ns / 1000) * interval '1 microsecond') as last_time
  from stage_spans
  group by 1, 2
),
-- how much: from the spans that are new
counted as (
  select session_id, agent_id, count(*) as spans,
    count(*) filter (where operation = 'invoke_agent') as turns,
    count(*) filter (where is_call) as calls,
    count(*) filter (where operation = 'execute_tool') as tool_calls,
    count(*) filter (where status = 2 and (is_call or operation in ('execute_tool', 'invoke_agent'))) as errors,
    ${CALL_SUMS}
  from inserted
  group by 1, 2
),
add_agents as (
  insert into signalbox.agents (session_id, agent_id, project, parent_agent_id, agent_name, agent_kind, depth, spawned_by_tool_call,
    first_time, last_time, ${AGENT_COUNTERS.join(", ")})
  select session_id, agent_id, project, parent_agent_id, agent_name, agent_kind, agent_depth, spawned_by_tool_call,
    first_time, last_time, ${AGENT_COUNTERS.map((name) => `coalesce(counted.${name}, 0)`).join(", ")}
  from said left join counted using (session_id, agent_id)
  where agent_id <> ''
  order by session_id, agent_id
  on conflict (session_id, agent_id) do update set
    ${least("agents", ["project", "parent_agent_id", "agent_name", "agent_kind", "depth", "spawned_by_tool_call", "first_time"])},
    last_time = greatest(agents.last_time, excluded.last_time),
    ${add("agents", AGENT_COUNTERS)}
),
last_errors as (
  select distinct on (session_id) session_id, start_time as last_error_time, coalesce(status_message, name) as last_error
  from inserted
  where status = 2
  order by session_id, start_time desc, last_error desc
),
add_sessions as (
  insert into signalbox.sessions (session_id, project, agent_kind, agent_name, channel, user_id, first_time, last_time,
    last_error_time, last_error, ${SESSION_COUNTERS.join(", ")})
  select session_id, min(project), min(agent_kind) filter (where is_root), min(agent_name) filter (where is_root), min(channel), min(user_id),
    min(first_time), max(last_time), min(last_error_time), min(last_error),
    ${SESSION_COUNTERS.map((name) => `coalesce(sum(counted.${name}), 0)::bigint`).join(", ")}
  from (select *, agent_id in ('', session_id) as is_root from said) said
    left join counted using (session_id, agent_id)
    left join last_errors using (session_id)
  group by session_id
  order by session_id
  on conflict (session_id) do update set
    ${least("sessions", ["project", "agent_kind", "agent_name", "channel", "user_id", "first_time"])},
    last_time = greatest(sessions.last_time, excluded.last_time),
    last_error_time = greatest(sessions.last_error_time, excluded.last_error_time),
    last_error = case
      when excluded.last_error_time > sessions.last_error_time then excluded.last_error
      when excluded.last_error_time = sessions.last_error_time then greatest(sessions.last_error, excluded.last_error)
      else coalesce(sessions.last_error, excluded.last_error)
    end,
    ${add("sessions", SESSION_COUNTERS)}
),
named as (
  select 't:' || encode(trace_id, 'hex') as alias, min(session_id) as session_id
  from stage_spans
  where session_named
  group by trace_id
),
add_aliases as (
  insert into signalbox.session_aliases (alias, session_id)
  select alias, session_id from named
  where alias <> session_id
    -- most batches say again what is known: looking first spares the lock
    and not exists (select from signalbox.session_aliases known where known.alias = named.alias and known.session_id <= named.session_id)
  order by alias
  on conflict (alias) do update set session_id = least(session_aliases.session_id, excluded.session_id)
),
add_span_messages as (
  insert into signalbox.span_messages (session_id, start_time, span_id, direction, hashes)
  select distinct on (session_id, start_time, span_id, direction) session_id, start_time, span_id, direction, hashes
  from stage_span_messages join inserted using (session_id, start_time, span_id)
  order by session_id, start_time, span_id, direction, hashes
  on conflict do nothing
  returning session_id, hashes
),
add_messages as (
  insert into signalbox.messages (session_id, hash, body)
  select distinct on (session_id, hash) session_id, hash, body
  from stage_messages
  where (session_id, hash) in (select session_id, unnest(hashes) from add_span_messages)
  order by session_id, hash
  on conflict do nothing
)
select (select count(*)::int from inserted) as inserted,
  (select coalesce(json_agg(session_id), '[]') from (select distinct session_id from inserted order by session_id limit 50) changed) as sessions
`;
