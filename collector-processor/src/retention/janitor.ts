import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { connect } from "../exporters/postgres-connection.ts";
import { lease } from "../lease.ts";
import type { Log } from "../log.ts";
import { MARK_STORED_ALIASES } from "../sql/stored-aliases.ts";
import { addUpDays } from "./add-up-days.ts";
import { type Expired, expire } from "./expire.ts";
import { keepMinutes } from "./keep-minutes.ts";
import { DAY_MS, type RetentionLimits } from "./limits.ts";

export interface JanitorConfig {
  databaseUrl: string;
  limits: RetentionLimits;
  /** How many hours of totals by minute are kept. */
  minuteHours: number;
  /** of the day, UTC */
  hour: number;
  archiveDir: string | undefined;
}

/** What /metrics tells. */
export interface JanitorState {
  /** Rows deleted since this collector started, by kind. */
  deleted: Record<string, number>;
  failures: number;
}

export interface Janitor {
  readonly state: JanitorState;
  start(): void;
  /** Ends after the transaction that runs. */
  close(): Promise<void>;
}

/** Often enough to meet the hour. */
const EVERY_MS = 1_800_000;
const LEASE_MS = 600_000;
const HOUR_MS = 3_600_000;

/**
 * Deletes what is too old, at the hour that is set (minutes at any), adds up days that are over, and marks what readers then need not look up: one of all
 * the collectors on the database at a time. What is a day overdue goes at any hour.
 */
export function janitor(config: JanitorConfig, log: Log, now: () => number = Date.now): Janitor {
  const stopping = new AbortController();
  const holder = randomUUID();
  const state: JanitorState = { deleted: {}, failures: 0 };
  let running: Promise<void> | undefined;
  /** Once a day is enough: it looks at every session. */
  let cleanedAsOf = Number.NEGATIVE_INFINITY;

  async function clean(): Promise<void> {
    const time = now();
    const isTheHour = Math.floor((time % DAY_MS) / HOUR_MS) === config.hour;
    const asOf = isTheHour ? time : time - DAY_MS;
    const connection = await connect(config.databaseUrl);
    try {
      const held = lease(connection, "retention", holder, LEASE_MS);
      if (!(await held.hold())) return;
      await keepMinutes(connection, config.minuteHours, config.limits, time);
      const goOn = async () => !stopping.signal.aborted && (await held.hold());
      if (asOf - cleanedAsOf >= DAY_MS / 2) {
        const { limits, archiveDir } = config;
        report(await expire(connection, { limits, now: asOf, archiveDir, goOn }));
        if (await goOn()) cleanedAsOf = asOf;
      }
      await addUpDays(connection, time, goOn);
      if (await goOn()) await connection.run(MARK_STORED_ALIASES);
      await held.release();
    } finally {
      await connection.close();
    }
  }

  function report({ days, files, ...rows }: Expired): void {
    for (const [kind, count] of Object.entries(rows)) state.deleted[kind] = (state.deleted[kind] ?? 0) + count;
    if (Object.values(rows).every((count) => count === 0) && days.length === 0) return;
    log.info("deleted what was too old", { ...rows, days: days.join(",") || "none", archived_files: files.length });
  }

  async function run(): Promise<void> {
    while (!stopping.signal.aborted) {
      try {
        await clean();
      } catch (error) {
        state.failures++;
        log.warn("what is too old was not deleted, or a day not added up: trying again in half an hour", {
          error: (error as Error).message,
        });
      }
      await sleep(EVERY_MS, undefined, { signal: stopping.signal, ref: false }).catch(() => {});
    }
  }

  return {
    state,
    start() {
      running = run();
    },
    async close() {
      stopping.abort();
      await running;
    },
  };
}
