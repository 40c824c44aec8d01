import type { Connection } from "../exporters/postgres-connection.ts";
import { SPAN_TABLES } from "../sql/retention.ts";
import { DAY_MS } from "./limits.ts";

/** Days of before share one table, which stays. */
const FIRST_DAY = Date.UTC(2025, 0, 1);
const DAY_TABLE = /^spans_(\d{4})(\d{2})(\d{2})$/;

/** A table of spans: one day's, or the one of all before 2025. */
export interface SpanTable {
  name: string;
  /** as 2026-08-01; null: the one of all before */
  day: string | null;
  /** milliseconds since 1970 */
  from: number;
  to: number;
  /** with indexes */
  bytes: number;
}

/** Oldest first. */
export async function spanTables(connection: Connection): Promise<SpanTable[]> {
  const rows = await connection.query<{ name: string; bytes: string }>(SPAN_TABLES);
  const tables = rows.map(({ name, bytes }) => {
    const [, year, month, date] = DAY_TABLE.exec(name) ?? [];
    const day = year === undefined ? null : `${year}-${month}-${date}`;
    const from = day === null ? Number.NEGATIVE_INFINITY : Date.parse(day);
    return { name: `signalbox.${name}`, day, from, to: day === null ? FIRST_DAY : from + DAY_MS, bytes: Number(bytes) };
  });
  return tables.sort((a, b) => a.to - b.to);
}
