import { chmod, mkdir, open, rename, rm, stat } from "node:fs/promises";
import path from "node:path";
import { zstdCompressSync } from "node:zlib";
import { fileWriter, parquetWriteRows } from "hyparquet-writer";
import type { Connection } from "../exporters/postgres-connection.ts";
import { archivedProjects, fetchArchived, openArchived, SPAN_FIELDS } from "../sql/archive.ts";
import { asParameters, type Cutoffs } from "./limits.ts";
import type { SpanTable } from "./span-tables.ts";

export interface ArchiveOptions {
  dir: string;
  /** Spans that are too old; absent: all of the table. */
  old?: Cutoffs;
}

/** Rows that are held at once, and of one row group of a file. */
const GROUP_ROWS = 2_000;

/**
 * Writes the spans of one table to Parquet files, one a project: `<dir>/project=<name>/day=<2026-08-01>/spans.parquet`. No file that is
 * there is overwritten: the next is spans-2.parquet. Columns are those of the table; start_time is microseconds since 1970, ids are
 * hex, JSON is text. The caller has a transaction open, and may delete what was written when this resolves to the files: they are on disk.
 */
export async function archiveSpans(connection: Connection, table: SpanTable, { dir, old }: ArchiveOptions): Promise<string[]> {
  const parameters = old === undefined ? [] : asParameters(old);
  const files: string[] = [];
  try {
    for (const { project } of await connection.query<{ project: string }>(archivedProjects(table.name, old !== undefined), parameters)) {
      const folder = path.join(dir, `project=${encodeURIComponent(project)}`, `day=${table.day ?? "before-2025"}`);
      await mkdir(folder, { recursive: true, mode: 0o700 });
      await connection.query(openArchived(table.name, old !== undefined), [...parameters, project]);
      files.push(await writeFile(folder, rowsOf(connection)));
      await connection.run("close archived");
    }
  } catch (error) {
    await Promise.all(files.map((file) => rm(file, { force: true })));
    throw error;
  }
  return files;
}

type Row = Record<string, unknown>;

async function* rowsOf(connection: Connection): AsyncGenerator<Row> {
  for (;;) {
    const rows = await connection.query<Row>(fetchArchived(GROUP_ROWS));
    for (const row of rows) {
      for (const { name, type } of SPAN_FIELDS) if (type === "INT64" && row[name] !== null) row[name] = BigInt(row[name] as string);
      yield row;
    }
    if (rows.length < GROUP_ROWS) return;
  }
}

async function writeFile(folder: string, rows: AsyncGenerator<Row>): Promise<string> {
  const draft = path.join(folder, `writing-${process.pid}.parquet`);
  try {
    await parquetWriteRows({
      writer: fileWriter(draft),
      rows,
      columns: SPAN_FIELDS,
      rowGroupSize: GROUP_ROWS,
      codec: "ZSTD",
      compressors: { ZSTD: (bytes) => zstdCompressSync(bytes) },
      createdBy: "signalbox",
    });
    await chmod(draft, 0o600);
    await synced(draft);
    const file = await freeName(folder);
    await rename(draft, file);
    await synced(folder);
    return file;
  } finally {
    await rm(draft, { force: true });
  }
}

async function synced(file: string): Promise<void> {
  const handle = await open(file, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function freeName(folder: string): Promise<string> {
  for (let number = 1; ; number++) {
    const file = path.join(folder, number === 1 ? "spans.parquet" : `spans-${number}.parquet`);
    if (!(await stat(file).catch(() => null))) return file;
  }
}
