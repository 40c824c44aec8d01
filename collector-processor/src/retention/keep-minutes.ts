import type { Connection } from "../exporters/postgres-connection.ts";
import { DELETE_OLD_MINUTES, KEEP_MINUTES_SINCE } from "../sql/minutes.ts";
import { cutoffs, type RetentionLimits } from "./limits.ts";

/**
 * Totals by minute are kept for so many hours, and in no project longer than its hours. Readers no longer ask for what is older; it is deleted when this is
 * called again. @param now milliseconds since 1970
 */
export async function keepMinutes(connection: Connection, hours: number, limits: RetentionLimits, now: number): Promise<void> {
  const since = Math.max(now - hours * 3_600_000, cutoffs(limits, "rollups", now).latest);
  for (const statement of DELETE_OLD_MINUTES) await connection.run(statement);
  await connection.query(KEEP_MINUTES_SINCE, [new Date(since).toISOString()]);
}
