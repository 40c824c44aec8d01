import type { Sql, SqlPart } from "../server/database.ts";

/** Hourly rollups of which the collector adds whole days up (migration 000019), and how to read those days in place of their hours. */
const BETWEEN = { route_hour: "route_between", place_hour: "place_between", payer_hour: "payer_between" } as const;
export type DayRollup = keyof typeof BETWEEN;

export const isDayRollup = (table: string): table is DayRollup => table in BETWEEN;

/**
 * The rows of [from, to): as the rollup has them, but a day of UTC that lies within and is over may be added up, under its first hour. For sums over all
 * of the range, or by such days.
 */
export const hoursBetween = (sql: Sql, table: DayRollup, { from, to }: { from: string; to: string }): SqlPart =>
  sql`${sql(BETWEEN[table])}(${from}::timestamptz, ${to}::timestamptz)`;
