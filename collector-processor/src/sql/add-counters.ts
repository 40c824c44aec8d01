import {
  AGENT_COUNTERS,
  CALL_COUNTERS,
  COMPARABLE_COUNTERS,
  PAYER_HOUR_KEY,
  PLACE_HOUR_KEY,
  ROUTE_HOUR_COUNTERS,
  ROUTE_HOUR_KEY,
  SESSION_COUNTERS,
  SESSION_HOUR_COUNTERS,
  SESSION_HOUR_KEY,
  TOOL_HOUR_COUNTERS,
  TOOL_HOUR_KEY,
} from "../exporters/counter-rows.ts";

/** `calls = table.calls + excluded.calls, …` */
const add = (table: string, counters: readonly string[]) =>
  counters.map((name) => `${name} = ${table}.${name} + excluded.${name}`).join(", ");
/** The least of what was said, whichever came first; null loses. Texts in the order of code points, as the batch was merged. */
const least = (table: string, columns: readonly string[]) =>
  columns.map((name) => `${name} = least(${table}.${name} collate "C", excluded.${name} collate "C")`).join(", ");
const typed = (type: string, columns: readonly string[]) => columns.map((name) => `${name} ${type}`).join(", ");
const moment = (column: string) => `timestamptz 'epoch' + ${column} * interval '1 microsecond'`;

export const ROUTE_HOUR_SUMS = [...ROUTE_HOUR_COUNTERS, "busy_ms"];
export const PLACE_HOUR_COUNTERS = [...ROUTE_HOUR_SUMS, ...COMPARABLE_COUNTERS];
export const PAYER_HOUR_COUNTERS = [...SESSION_HOUR_COUNTERS, ...COMPARABLE_COUNTERS];
/** Of places and payers, all that is read by minute. */
export const CALL_MINUTE_COUNTERS = ["calls", "errors", ...CALL_COUNTERS, ...COMPARABLE_COUNTERS];
const SESSION_HOUR_ORDER = ["session_id", "hour", ...SESSION_HOUR_KEY.slice(1)];

const HOUR = `date_bin('1 hour', ${moment("minute")}, '2000-01-01Z')`;
interface AddedUp {
  table: string;
  of: "route_minutes" | "tool_minutes";
  key: readonly string[];
  counters: readonly string[];
}
/**
 * Adds minutes up to rows of `table`, whose key is a part of theirs. In the order of the primary key: every writer locks rows in it, so two never wait for
 * each other in a circle.
 */
const addUp = (time: "hour" | "minute", { table, of, key, counters }: AddedUp, where = "") => {
  const order = [time, ...key].join(", ");
  return `insert into signalbox.${table} (slot, ${order}, ${counters.join(", ")})
  select $1::smallint, ${time === "hour" ? HOUR : moment("minute")}, ${key.join(", ")}, ${counters.map((name) => `sum(${name})`).join(", ")}
  from ${of} ${where} group by ${["2", ...key].join(", ")} order by ${["2", ...key].join(", ")}
  on conflict (slot, ${order}) do update set ${add(table, counters)}`;
};
const addHours = (added: AddedUp) => addUp("hour", added);
/** Of what began before, readers look at no minutes. */
const addMinutes = (added: AddedUp) => addUp("minute", added, `where ${moment("minute")} >= (select since from signalbox.minutes_kept)`);
const PLACES = { of: "route_minutes", key: PLACE_HOUR_KEY } as const;
const PAYERS = { of: "route_minutes", key: PAYER_HOUR_KEY } as const;
const TOOLS = { of: "tool_minutes", key: TOOL_HOUR_KEY, counters: TOOL_HOUR_COUNTERS } as const;

/**
 * Adds what a group's new spans count, and merges what its spans say, into sessions, agents, aliases and rollups.
 *
 * $1: the writer's slot. $2 to $7: JSON arrays of rows, as `counter-rows.ts` and `identities.ts` have them, one a key: agents, sessions,
 * aliases, session hours, route minutes (which add up to route, place and payer hours, and to minutes of places and payers), tool minutes; as text, because
 * the driver would encode a json parameter once more. Times are microseconds since 1970.
 */
export const ADD_COUNTERS = `
with add_agents as (
  insert into signalbox.agents (session_id, agent_id, project, parent_agent_id, agent_name, agent_kind, depth, spawned_by_tool_call,
    first_time, last_time, ${AGENT_COUNTERS.join(", ")})
  select session_id, agent_id, project, parent_agent_id, agent_name, agent_kind, depth, spawned_by_tool_call,
    ${moment("first_time")}, ${moment("last_time")}, ${AGENT_COUNTERS.join(", ")}
  from json_to_recordset($2::text::json) as agent (session_id text, agent_id text, project text, parent_agent_id text, agent_name text,
    agent_kind text, depth smallint, spawned_by_tool_call text, first_time bigint, last_time bigint, ${typed("bigint", AGENT_COUNTERS)})
  order by session_id, agent_id
  on conflict (session_id, agent_id) do update set
    ${least("agents", ["project", "parent_agent_id", "agent_name", "agent_kind", "spawned_by_tool_call"])},
    depth = least(agents.depth, excluded.depth),
    first_time = least(agents.first_time, excluded.first_time),
    last_time = greatest(agents.last_time, excluded.last_time),
    ${add("agents", AGENT_COUNTERS)}
),
add_sessions as (
  insert into signalbox.sessions (session_id, project, agent_kind, agent_name, channel, user_id, first_time, last_time,
    last_error_time, last_error, ${SESSION_COUNTERS.join(", ")})
  select session_id, project, agent_kind, agent_name, channel, user_id, ${moment("first_time")}, ${moment("last_time")},
    ${moment("last_error_time")}, last_error, ${SESSION_COUNTERS.join(", ")}
  from json_to_recordset($3::text::json) as session (session_id text, project text, agent_kind text, agent_name text, channel text,
    user_id text, first_time bigint, last_time bigint, last_error_time bigint, last_error text, ${typed("bigint", SESSION_COUNTERS)})
  order by session_id
  on conflict (session_id) do update set
    ${least("sessions", ["project", "agent_kind", "agent_name", "channel", "user_id"])},
    first_time = least(sessions.first_time, excluded.first_time),
    last_time = greatest(sessions.last_time, excluded.last_time),
    last_error_time = greatest(sessions.last_error_time, excluded.last_error_time),
    last_error = case
      when excluded.last_error_time > sessions.last_error_time then excluded.last_error
      when excluded.last_error_time = sessions.last_error_time
        then greatest(sessions.last_error collate "C", excluded.last_error collate "C")
      else coalesce(sessions.last_error, excluded.last_error)
    end,
    ${add("sessions", SESSION_COUNTERS)}
),
add_aliases as (
  insert into signalbox.session_aliases (alias, session_id)
  select alias, session_id
  from json_to_recordset($4::text::json) as named (alias text, session_id text)
  -- most batches say again what is known: looking first spares the lock
  where not exists (
    select from signalbox.session_aliases known where known.alias = named.alias and known.session_id collate "C" <= named.session_id
  )
  order by alias
  on conflict (alias) do update set session_id = least(session_aliases.session_id collate "C", excluded.session_id collate "C")
),
add_session_hours as (
  insert into signalbox.session_hour (slot, ${SESSION_HOUR_ORDER.join(", ")}, project, ${SESSION_HOUR_COUNTERS.join(", ")})
  select $1::smallint, session_id, ${moment("hour")}, ${SESSION_HOUR_KEY.slice(1).join(", ")}, project, ${SESSION_HOUR_COUNTERS.join(", ")}
  from json_to_recordset($5::text::json) as session_hour (hour bigint, project text, ${typed("text", SESSION_HOUR_KEY)},
    ${typed("bigint", SESSION_HOUR_COUNTERS)})
  order by ${SESSION_HOUR_ORDER.join(", ")}
  on conflict (slot, ${SESSION_HOUR_ORDER.join(", ")}) do update set
    ${least("session_hour", ["project"])}, ${add("session_hour", SESSION_HOUR_COUNTERS)}
),
tool_minutes as materialized (
  select * from json_to_recordset($7::text::json) as tool_minute (minute bigint, ${typed("text", TOOL_HOUR_KEY)}, ${typed("bigint", TOOL_HOUR_COUNTERS)})
),
add_tool_hours as (
  ${addHours({ table: "tool_hour", ...TOOLS })}
),
add_tool_minutes as (
  ${addMinutes({ table: "tool_minute", ...TOOLS })}
),
route_minutes as materialized (
  select *
  from json_to_recordset($6::text::json) as route_minute (minute bigint, ${typed("text", ROUTE_HOUR_KEY)}, ${typed("bigint", [...ROUTE_HOUR_COUNTERS, ...COMPARABLE_COUNTERS])},
    busy_ms double precision)
),
add_place_hours as (
  ${addHours({ table: "place_hour", ...PLACES, counters: PLACE_HOUR_COUNTERS })}
),
add_place_minutes as (
  ${addMinutes({ table: "place_minute", ...PLACES, counters: CALL_MINUTE_COUNTERS })}
),
add_payer_hours as (
  ${addHours({ table: "payer_hour", ...PAYERS, counters: PAYER_HOUR_COUNTERS })}
),
add_payer_minutes as (
  ${addMinutes({ table: "payer_minute", ...PAYERS, counters: CALL_MINUTE_COUNTERS })}
)
${addHours({ table: "route_hour", of: "route_minutes", key: ROUTE_HOUR_KEY, counters: ROUTE_HOUR_SUMS })}
`;
