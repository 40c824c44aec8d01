import { rm } from "node:fs/promises";
import { type Connection, ConnectionLost } from "../exporters/postgres-connection.ts";
import { countSpans, deleteSpans, FORGET_IMPORTED, looksOld, SPAN_TABLES } from "../sql/retention.ts";
import { archiveSpans } from "./archive-spans.ts";
import type { Expired } from "./expire.ts";
import { asParameters, type Cutoffs, DAY_MS } from "./limits.ts";

/** Days of before share one table, which stays. */
const FIRST_DAY = Date.UTC(2025, 0, 1);
const DAY_TABLE = /^spans_(\d{4})(\d{2})(\d{2})$/;
/** Dropping a day needs all of spans for itself for a moment. Who reads or writes waits no longer than this. */
const BEGIN_TO_DROP = "begin; set local lock_timeout = '2s'";

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

interface DropOptions {
  archiveDir: string | undefined;
  goOn(): Promise<boolean>;
}

type SpansGone = Pick<Expired, "spans" | "days" | "files">;

/** Takes the tables of days away of which no project keeps a span, and of others the spans of projects that keep none so long. */
export async function dropOldSpans(connection: Connection, old: Cutoffs, { archiveDir, goOn }: DropOptions): Promise<SpansGone> {
  const gone: SpansGone = { spans: 0, days: [], files: [] };
  for (const table of await spanTables(connection)) {
    if (table.to > old.latest || !(await goOn())) break;
    const state = await lookAt(connection, table, old);
    if (!state.old && (state.kept || table.day === null)) continue;
    const isDropped = !state.kept && table.day !== null;
    const { spans, files } = await takeAway(connection, table, old, isDropped, archiveDir);
    gone.spans += spans;
    gone.files.push(...files);
    if (isDropped && table.day !== null) gone.days.push(table.day);
  }
  return gone;
}

export async function countOldSpans(connection: Connection, old: Cutoffs): Promise<SpansGone> {
  const gone: SpansGone = { spans: 0, days: [], files: [] };
  for (const table of await spanTables(connection)) {
    if (table.to > old.latest) break;
    const [counted] = await connection.query<{ rows: number }>(countSpans(table.name), asParameters(old));
    gone.spans += counted?.rows ?? 0;
    if (table.day !== null && !(await lookAt(connection, table, old)).kept) gone.days.push(table.day);
  }
  return gone;
}

async function lookAt(connection: Connection, table: SpanTable, old: Cutoffs): Promise<{ old: boolean; kept: boolean }> {
  const [state] = await connection.query<{ old: boolean; kept: boolean }>(looksOld(table.name), asParameters(old));
  return state ?? { old: false, kept: true };
}

/** One transaction: nobody adds to the table between its archive and its end. */
async function takeAway(connection: Connection, table: SpanTable, old: Cutoffs, isDropped: boolean, archiveDir: string | undefined) {
  const parameters = asParameters(old);
  let files: string[] = [];
  await connection.run(BEGIN_TO_DROP);
  try {
    await connection.run(`lock table ${table.name} in share row exclusive mode`);
    if (archiveDir !== undefined) files = await archiveSpans(connection, table, { dir: archiveDir, old });
    // one that was written while this waited for the lock stays
    const isStillWhole = isDropped && !(await lookAt(connection, table, old)).kept;
    const statement = isStillWhole ? countSpans(table.name) : deleteSpans(table.name);
    const [counted] = await connection.query<{ rows: number }>(statement, parameters);
    if (isStillWhole) {
      await connection.run(`drop table ${table.name}`);
      await connection.query(FORGET_IMPORTED, [new Date(table.from).toISOString(), new Date(table.to).toISOString()]);
    }
    await connection.run("commit");
    return { spans: counted?.rows ?? 0, files };
  } catch (error) {
    // where the connection was lost while committing, the spans may be gone, and the files are all there is
    if (!(error instanceof ConnectionLost)) {
      await connection.run("rollback");
      await Promise.all(files.map((file) => rm(file, { force: true })));
    }
    throw error;
  }
}
