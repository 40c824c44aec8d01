import type { Connection } from "../exporters/postgres-connection.ts";
import { transaction } from "../exporters/transaction.ts";
import { ADD_UP_DAY, DAYS_TO_ADD_UP, HOLD_HOURS } from "../sql/rollup-days.ts";

/** By then most of what began before midnight has arrived: a day that still changes would be added up again and again. */
const AFTER_MS = 3_600_000;

/**
 * Adds up the hours of each day that is over, of which none is there or an hour has changed since. A day is one transaction: writers wait for it, some
 * tens of milliseconds. @param now milliseconds since 1970 @param goOn asked between days: false ends it there @returns how many days it were
 */
export async function addUpDays(connection: Connection, now: number, goOn: () => Promise<boolean> = async () => true): Promise<number> {
  const days = await connection.query<{ day: string }>(DAYS_TO_ADD_UP, [new Date(now - AFTER_MS).toISOString()]);
  let added = 0;
  for (const { day } of days) {
    if (!(await goOn())) break;
    await transaction(connection, async () => {
      await connection.run(HOLD_HOURS);
      for (const statement of ADD_UP_DAY) await connection.query(statement, [day]);
    });
    added++;
  }
  return added;
}
