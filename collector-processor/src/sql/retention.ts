import { takeAwayAccesses } from "./memory-accesses.ts";
import { MINUTE_TABLES } from "./minutes.ts";
import { DAY_TABLES, takeOutDays } from "./rollup-days.ts";

/**
 * Whether a row is too old for its project. $1: the cutoffs of projects that differ, a JSON object of times as text; $2: that of all
 * others; $3: the latest of all, for indexes. -infinity, which the driver would take for a time of its own: nothing is too old.
 */
export const tooOld = (project: string, time: string) => `${time} < $3::text::timestamptz and ${time} <
  case when $1::text::jsonb ? ${project} then ($1::text::jsonb ->> ${project})::timestamptz else $2::text::timestamptz end`;
const counted = (statement: string) => `with gone as (${statement} returning 1) select count(*)::int as rows from gone`;
const count = (from: string) => `select count(*)::int as rows from ${from}`;

/** Each as many rows as $4 says, at most; answers how many there were. */
export const DELETE_PAYLOADS = counted(`
  delete from signalbox.payloads where (session_id, span_id, direction) in (
    select session_id, span_id, direction from signalbox.payloads
    where ${tooOld("project", "start_time")} order by start_time limit $4::int)`);
export const DELETE_SESSIONS = `
with gone as (
  delete from signalbox.sessions where session_id in (
    select session_id from signalbox.sessions where ${tooOld("project", "last_time")} limit $4::int)
  returning session_id
),
gone_agents as (delete from signalbox.agents where session_id in (select session_id from gone)),
gone_aliases as (delete from signalbox.session_aliases where session_id in (select session_id from gone))
select count(*)::int as rows from gone`;

const HOURS = ["route_hour", "place_hour", "payer_hour", "tool_hour", "session_hour"];
const ROLLUPS = [...HOURS, ...DAY_TABLES];
/** A day of which a part goes counts by its hours until it is added up anew. */
export const DELETE_ROLLUPS = ROLLUPS.map(
  (table) => `
with gone as (delete from signalbox.${table} where ${tooOld("project", "hour")} returning hour),
days as (${takeOutDays("gone", "hour")})
select count(*)::int as rows from gone`,
);

export const COUNT_PAYLOADS = count(`signalbox.payloads where ${tooOld("project", "start_time")}`);
export const COUNT_SESSIONS = count(`signalbox.sessions where ${tooOld("project", "last_time")}`);
export const COUNT_ROLLUPS = `
select (${ROLLUPS.map((table) => `(select count(*) from signalbox.${table} where ${tooOld("project", "hour")})`).join(" + ")})::int as rows`;
export const COUNT_CONTENT = count(`signalbox.span_messages said join signalbox.sessions using (session_id)
  where ${tooOld("sessions.project", "said.start_time")}`);

/** Sessions behind $4, in the order of their ids, $5 at most, with content that is too old. */
export const SESSIONS_WITH_OLD_CONTENT = `
select session_id from signalbox.sessions
where session_id > $4 and ${tooOld("project", "first_time")} and exists (
  select from signalbox.span_messages said
  where said.session_id = sessions.session_id and ${tooOld("sessions.project", "said.start_time")}
)
order by session_id limit $5::int`;

/** Of the sessions $4, a JSON array. What messages are left of no span, DELETE_UNSAID_MESSAGES takes away. */
export const DELETE_CONTENT = counted(`
  delete from signalbox.span_messages said using signalbox.sessions
  where sessions.session_id = said.session_id and said.session_id in (select json_array_elements_text($4::text::json))
    and ${tooOld("sessions.project", "said.start_time")}`);

/** Of the sessions $1, a JSON array. */
export const DELETE_UNSAID_MESSAGES = `
with ids as (
  select json_array_elements_text($1::text::json) as session_id
),
said as (
  select distinct session_id, unnest(hashes) as hash from signalbox.span_messages where session_id in (select session_id from ids)
)
delete from signalbox.messages message
where session_id in (select session_id from ids)
  and not exists (select from said where said.session_id = message.session_id and said.hash = message.hash)`;

export const SPAN_TABLES = `
select relname as name, pg_total_relation_size(oid)::text as bytes
from pg_class where oid in (select inhrelid from pg_inherits where inhparent = 'signalbox.spans'::regclass)
order by relname`;

/** Of one day's table: whether a row of it is to go, and one to stay. */
export const looksOld = (table: string) => `
select exists (select from ${table} where ${tooOld("project", "start_time")}) as old,
  exists (select from ${table} where (${tooOld("project", "start_time")}) is not true) as kept`;
export const deleteSpans = (table: string) => counted(`delete from ${table} where ${tooOld("project", "start_time")}`);
export const countSpans = (table: string) => count(`${table} where ${tooOld("project", "start_time")}`);

/** Of a day's spans that go, what is kept of memory files. $4, $5: the day's begin, and the next one's; -infinity where it has none. */
export const DELETE_MEMORY_ACCESSES = `
with ${takeAwayAccesses(`delete from signalbox.memory_accesses row
  where ${tooOld("project", "start_time")} and start_time >= $4::text::timestamptz and start_time < $5::text::timestamptz`)}
select count(*)::int as rows from gone_accesses`;

/** What is known of imported spans that are no longer there. $1, $2: from when, and before when. */
export const FORGET_IMPORTED =
  "delete from signalbox.imported_spans where start_time >= $1::text::timestamptz and start_time < $2::text::timestamptz";

/** Bytes with indexes, and rows by the planner's estimate, of each kind. */
export const SIZES = `
select kind, sum(pg_total_relation_size(oid))::text as bytes, sum(greatest(reltuples, 0))::bigint::text as rows
from pg_class join (values ('content', 'messages'), ('content', 'span_messages'), ('payloads', 'payloads'), 
  ${[...ROLLUPS, ...MINUTE_TABLES].map((table) => `('rollups', '${table}')`).join(", ")}, ('sessions', 'sessions'), ('sessions', 'agents'), ('sessions', 'session_aliases')) as kinds (kind, name)
  on oid = ('signalbox.' || name)::regclass
group by kind
union all
select 'spans', (sum(pg_total_relation_size(oid)) + pg_total_relation_size('signalbox.memory_accesses') + pg_total_relation_size('signalbox.session_memory')
  + pg_total_relation_size('signalbox.memory_day'))::text, sum(greatest(reltuples, 0))::bigint::text
from pg_class where oid in (select inhrelid from pg_inherits where inhparent = 'signalbox.spans'::regclass)`;
