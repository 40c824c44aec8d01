import type { Connection } from "../exporters/postgres-connection.ts";
import { transaction } from "../exporters/transaction.ts";
import { LOCK_AS_IMPORT } from "../sql/imports.ts";
import {
  COUNT_CONTENT,
  COUNT_PAYLOADS,
  COUNT_ROLLUPS,
  COUNT_SESSIONS,
  DELETE_CONTENT,
  DELETE_PAYLOADS,
  DELETE_ROLLUPS,
  DELETE_SESSIONS,
  DELETE_UNSAID_MESSAGES,
  SESSIONS_WITH_OLD_CONTENT,
} from "../sql/retention.ts";
import { CHANGE_HOURS } from "../sql/rollup-days.ts";
import { asParameters, cutoffs, type Kind, type RetentionLimits } from "./limits.ts";
import { countOldSpans, dropOldSpans, type SpansGone } from "./span-days.ts";

/** Rows that went, or would go, of each kind; of content the spans' lists of messages. */
export type Expired = Record<Kind, number> & SpansGone;

export interface ExpireOptions {
  limits: RetentionLimits;
  /** milliseconds since 1970 */
  now: number;
  /** Old spans are written there first; absent: they are not. */
  archiveDir?: string | undefined;
  /** Asked between transactions: false ends it there. */
  goOn?(): Promise<boolean>;
}

/** Rows, and sessions, of one transaction: what others wait for is short. */
const ROWS = 2_000;
const SESSIONS = 50;

const nothing = (): Expired => ({ content: 0, payloads: 0, spans: 0, rollups: 0, sessions: 0, days: [], files: [] });

/**
 * Deletes what is too old; any number of processes may do it at once, and interrupted it may be run again. Rollups, sessions and agents
 * stay as they are when their spans go. @throws ConnectionLost, the driver's error, or the system's while archiving: then nothing that
 * was not archived is gone.
 */
export async function expire(connection: Connection, options: ExpireOptions): Promise<Expired> {
  const { limits, now, archiveDir, goOn = async () => true } = options;
  const expired = nothing();
  const old = (kind: Kind) => cutoffs(limits, kind, now);
  const rowsOf = async (statement: string, parameters: (string | number)[]) =>
    Number((await connection.query<{ rows: number }>(statement, parameters))[0]?.rows);

  async function inBatches(kind: Kind, statement: string): Promise<void> {
    const parameters = [...asParameters(old(kind)), ROWS];
    for (let rows = ROWS; rows === ROWS && (await goOn()); expired[kind] += rows) rows = await rowsOf(statement, parameters);
  }

  async function content(): Promise<void> {
    const parameters = asParameters(old("content"));
    for (let last = ""; await goOn(); ) {
      const found = await connection.query<{ session_id: string }>(SESSIONS_WITH_OLD_CONTENT, [...parameters, last, SESSIONS]);
      if (found.length === 0) return;
      const sessions = JSON.stringify(found.map((row) => row.session_id));
      expired.content += await transaction(connection, async () => {
        // a writer that says a message again finds it there, or waits and stores it
        await connection.run(LOCK_AS_IMPORT);
        const rows = await rowsOf(DELETE_CONTENT, [...parameters, sessions]);
        await connection.query(DELETE_UNSAID_MESSAGES, [sessions]);
        return rows;
      });
      last = found.at(-1)?.session_id as string;
    }
  }

  const isLimited = (kind: Kind) => Number.isFinite(old(kind).latest);
  if (isLimited("content")) await content();
  if (isLimited("payloads")) await inBatches("payloads", DELETE_PAYLOADS);
  if (isLimited("spans")) {
    const { spans, days, files } = await dropOldSpans(connection, old("spans"), { archiveDir, goOn });
    Object.assign(expired, { spans, days, files });
  }
  if (isLimited("rollups") && (await goOn())) {
    const parameters = asParameters(old("rollups"));
    for (const statement of DELETE_ROLLUPS) {
      expired.rollups += await transaction(connection, async () => {
        await connection.run(CHANGE_HOURS);
        return await rowsOf(statement, parameters);
      });
    }
  }
  if (isLimited("sessions")) await inBatches("sessions", DELETE_SESSIONS);
  return expired;
}

/** What `expire` would delete, and the days that it would look at; deletes nothing. */
export async function wouldExpire(connection: Connection, limits: RetentionLimits, now: number): Promise<Expired> {
  const expired = nothing();
  const counts = { content: COUNT_CONTENT, payloads: COUNT_PAYLOADS, rollups: COUNT_ROLLUPS, sessions: COUNT_SESSIONS } as const;
  for (const [kind, statement] of Object.entries(counts) as [keyof typeof counts, string][]) {
    const [row] = await connection.query<{ rows: number }>(statement, asParameters(cutoffs(limits, kind, now)));
    expired[kind] = row?.rows ?? 0;
  }
  Object.assign(expired, await countOldSpans(connection, cutoffs(limits, "spans", now)));
  return expired;
}
