import type { Connection } from "../exporters/postgres-connection.ts";
import { transaction } from "../exporters/transaction.ts";
import { ADD_UP_MEMORY_DAY, HOLD_MEMORY, MEMORY_DAYS_TO_ADD_UP } from "../sql/memory-days.ts";
import { ADD_UP_DAY, DAYS_TO_ADD_UP, HOLD_HOURS } from "../sql/rollup-days.ts";

/** By then most of what began before midnight has arrived: a day that still changes would be added up again and again. */
const AFTER_MS = 3_600_000;

const SUMS = [
  { daysToAddUp: DAYS_TO_ADD_UP, hold: HOLD_HOURS, addUp: ADD_UP_DAY },
  { daysToAddUp: MEMORY_DAYS_TO_ADD_UP, hold: HOLD_MEMORY, addUp: ADD_UP_MEMORY_DAY },
];

/**
 * Adds up, of each day that is over, the hours and the files of sessions, where that is not done or a row has changed since. Each is one transaction:
 * writers wait for it, some tens of milliseconds. @param now milliseconds since 1970 @param goOn asked between days: false ends it there @returns how many
 * were added up
 */
export async function addUpDays(connection: Connection, now: number, goOn: () => Promise<boolean> = async () => true): Promise<number> {
  let added = 0;
  for (const { daysToAddUp, hold, addUp } of SUMS) {
    const days = await connection.query<{ day: string }>(daysToAddUp, [new Date(now - AFTER_MS).toISOString()]);
    for (const { day } of days) {
      if (!(await goOn())) return added;
      await transaction(connection, async () => {
        await connection.run(hold);
        for (const statement of addUp) await connection.query(statement, [day]);
      });
      added++;
    }
  }
  return added;
}
