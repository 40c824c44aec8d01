import type { Sql, SqlPart } from "../server/database.ts";

/** Whether totals by minute are there of all that began at `from`, a whole minute, or later. Before, the collector has deleted them, or never made them. */
export async function hasMinutes(sql: Sql, from: string): Promise<boolean> {
  const [kept] = await sql<{ since: boolean }[]>`select since <= ${from}::timestamptz as since from minutes_kept`;
  return kept?.since === true;
}

/** The end of the minute that `to` is in; itself at the end of one. */
export const endOfMinute = (sql: Sql, to: string): SqlPart =>
  sql`(select date_bin('1 minute', ${to}::timestamptz - interval '1 microsecond', '2000-01-01Z') + interval '1 minute')`;

/** How many calls began in [from, to), whole minutes? */
export async function callsByMinutes(sql: Sql, from: string, to: string): Promise<number> {
  const [row] = await sql<{ calls: number }[]>`
    select coalesce(sum(calls), 0)::float8 as calls from place_minute where minute >= ${from}::timestamptz and minute < ${to}::timestamptz`;
  return row?.calls ?? 0;
}

/** How many calls began in the hours of [from, to)? At least as many as in the range. */
export async function callsByHours(sql: Sql, from: string, to: string): Promise<number> {
  const [row] = await sql<{ calls: number }[]>`
    select coalesce(sum(calls), 0)::float8 as calls from place_hour
    where hour >= date_bin('1 hour', ${from}::timestamptz, '2000-01-01Z') and hour < ${to}::timestamptz`;
  return row?.calls ?? 0;
}
