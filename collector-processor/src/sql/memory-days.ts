import { DAY, dayOf } from "./rollup-days.ts";

/** The days that are over by $1 (a time as text), of which files of sessions are there or were added up, and that do not count; the oldest first. */
export const MEMORY_DAYS_TO_ADD_UP = `
with recursive begun (day) as (
  select ${dayOf("min(first_time)")} from signalbox.session_memory
  union all
  select (select ${dayOf("min(first_time)")} from signalbox.session_memory where first_time >= begun.day + interval '${DAY}') from begun where begun.day is not null
)
select day::text from (select day from begun union select day from signalbox.memory_day) days
where day + interval '${DAY}' <= $1::text::timestamptz and not exists (select from signalbox.memory_days known where known.day = days.day)
order by day`;

/** First of a transaction, as HOLD_HOURS; and no other adds up. */
export const HOLD_MEMORY = "lock table signalbox.session_memory in share row exclusive mode";
/** Each with $1: the day, a time as text. */
export const ADD_UP_MEMORY_DAY = [
  "delete from signalbox.memory_day where day = $1::text::timestamptz",
  `insert into signalbox.memory_day (day, file, project, sessions, reads, writes, last_read, last_write)
  select $1::text::timestamptz, file, project, count(*), sum(reads), sum(writes), max(last_read) filter (where reads > 0), max(last_write) filter (where writes > 0)
  from signalbox.session_memory
  where first_time >= $1::text::timestamptz and first_time < $1::text::timestamptz + interval '${DAY}' and reads + writes > 0 group by file, project`,
  "insert into signalbox.memory_days (day) values ($1::text::timestamptz) on conflict do nothing",
];

/**
 * A part of the statement that changes rows of session_memory: the days of `times`, a query of one column, no longer count. Those are the first_time of each
 * row as it was, where that changes, and as it is then.
 */
export const takeOutMemoryDays = (times: string) =>
  `delete from signalbox.memory_days where day in (select ${dayOf("time")} from (${times}) changed (time))`;
