import { setTimeout as sleep } from "node:timers/promises";
import postgres from "postgres";
import type { Log } from "../log.ts";

export interface PayloadRetention {
  start(): void;
  close(): Promise<void>;
}

const EVERY_MS = 3_600_000;
/** Rows of one transaction: what others wait for is short. */
const BATCH = 2_000;

/** Deletes the bodies of calls that began more than `days` ago, once an hour. Any number of collectors may do it at once. */
export function payloadRetention(databaseUrl: string, days: number, log: Log): PayloadRetention {
  const stopping = new AbortController();
  let running: Promise<void> | undefined;

  async function run(): Promise<void> {
    while (!stopping.signal.aborted) {
      try {
        const deleted = await deleteOldPayloads(databaseUrl, days, stopping.signal);
        if (deleted > 0) log.info("deleted old payloads", { payloads: deleted, older_than_days: days });
      } catch (error) {
        log.warn("old payloads were not deleted, trying again in an hour", { error: (error as Error).message });
      }
      await sleep(EVERY_MS, undefined, { signal: stopping.signal, ref: false }).catch(() => {});
    }
  }

  return {
    start() {
      running = run();
    },
    async close() {
      stopping.abort();
      await running;
    },
  };
}

/** Resolves to how many rows were deleted. @throws the driver's error */
export async function deleteOldPayloads(databaseUrl: string, days: number, signal?: AbortSignal): Promise<number> {
  const sql = postgres(databaseUrl, { max: 1, onnotice: () => {}, fetch_types: false });
  try {
    for (let deleted = 0; ; ) {
      const { count } = await sql`
        delete from signalbox.payloads where (session_id, span_id, direction) in (
          select session_id, span_id, direction from signalbox.payloads
          where start_time < now() - ${days} * interval '1 day' order by start_time limit ${BATCH}
        )`;
      deleted += count;
      if (count < BATCH || signal?.aborted) return deleted;
    }
  } finally {
    await sql.end({ timeout: 1 });
  }
}
