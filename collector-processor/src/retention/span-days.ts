import { rm } from "node:fs/promises";
import { type Connection, ConnectionLost } from "../exporters/postgres-connection.ts";
import { MEND_MEMORY_TIMES } from "../sql/memory-accesses.ts";
import { countSpans, DELETE_MEMORY_ACCESSES, deleteSpans, FORGET_IMPORTED, looksOld } from "../sql/retention.ts";
import { archiveSpans } from "./archive-spans.ts";
import { asParameters, type Cutoffs } from "./limits.ts";
import { type SpanTable, spanTables } from "./span-tables.ts";

/** Dropping a day needs all of spans for itself for a moment. Who reads or writes waits no longer than this. */
const BEGIN_TO_DROP = "begin; set local lock_timeout = '2s'";

interface DropOptions {
  archiveDir: string | undefined;
  goOn(): Promise<boolean>;
}

export interface SpansGone {
  spans: number;
  /** whole days of spans, as 2026-08-01 */
  days: string[];
  /** files that the spans were written to before */
  files: string[];
}

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
    const from = Number.isFinite(table.from) ? new Date(table.from).toISOString() : "-infinity";
    const to = new Date(table.to).toISOString();
    await connection.query(DELETE_MEMORY_ACCESSES, [...parameters, from, to]);
    for (const statement of MEND_MEMORY_TIMES) await connection.run(statement);
    if (isStillWhole) {
      await connection.run(`drop table ${table.name}`);
      await connection.query(FORGET_IMPORTED, [from, to]);
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
