import { PAYER_HOUR_KEY, PLACE_HOUR_KEY, ROUTE_HOUR_KEY } from "../exporters/counter-rows.ts";
import { PAYER_HOUR_COUNTERS, PLACE_HOUR_COUNTERS, ROUTE_HOUR_SUMS } from "./add-counters.ts";

/** Days are UTC's, as partitions are. */
export const DAY = "24 hours";
export const dayOf = (time: string) => `date_bin('${DAY}', ${time}, '2000-01-01Z')`;

const ADDED_UP = [
  { name: "route", key: ROUTE_HOUR_KEY, counters: ROUTE_HOUR_SUMS },
  { name: "place", key: PLACE_HOUR_KEY, counters: PLACE_HOUR_COUNTERS },
  { name: "payer", key: PAYER_HOUR_KEY, counters: PAYER_HOUR_COUNTERS },
] as const;
export const DAY_TABLES = ADDED_UP.map(({ name }) => `${name}_day`);

/** The days with hours that ended by $1 (a time as text) and are not added up; the oldest first. From each day to the next by the index. */
export const DAYS_TO_ADD_UP = `
with recursive days (day) as (
  select ${dayOf("min(hour)")} from signalbox.route_hour
  union all
  select (select ${dayOf("min(hour)")} from signalbox.route_hour where hour >= days.day + interval '${DAY}') from days where days.day is not null
)
select day::text from days
where day + interval '${DAY}' <= $1::text::timestamptz and not exists (select from signalbox.rollup_days known where known.day = days.day)
order by day`;

/**
 * First of a transaction: who changes hours has committed, or waits until its end, and finds the day there that it is to take out. One table is enough,
 * for whoever changes the hours of one changes or holds this one, too; several would be taken in another order than writers do.
 */
export const HOLD_HOURS = "lock table signalbox.route_hour in share mode";
/** First of a transaction that changes hours of other tables without it. */
export const CHANGE_HOURS = "lock table signalbox.route_hour in row exclusive mode";
/** Each with $1: the day, a time as text. */
export const ADD_UP_DAY = [
  ...ADDED_UP.flatMap(({ name, key, counters }) => [
    `delete from signalbox.${name}_day where hour = $1::text::timestamptz`,
    `insert into signalbox.${name}_day (slot, hour, ${key.join(", ")}, ${counters.join(", ")})
    select 0, $1::text::timestamptz, ${key.join(", ")}, ${counters.map((counter) => `sum(${counter})`).join(", ")}
    from signalbox.${name}_hour where hour >= $1::text::timestamptz and hour < $1::text::timestamptz + interval '${DAY}' group by ${key.join(", ")}`,
  ]),
  "insert into signalbox.rollup_days (day) values ($1::text::timestamptz) on conflict do nothing",
];

/** Days of which an hour was changed in this transaction. $1: times within, a JSON array of microseconds since 1970. */
export const TAKE_OUT_DAYS = `
delete from signalbox.rollup_days
where day in (select ${dayOf("timestamptz 'epoch' + time::bigint * interval '1 microsecond'")} from json_array_elements_text($1::text::json) time)`;
/** The same as a part of the statement that changes them: `hours` has a row each, with `time` in it. */
export const takeOutDays = (hours: string, time: string) =>
  `delete from signalbox.rollup_days where day in (select ${dayOf(time)} from ${hours})`;
