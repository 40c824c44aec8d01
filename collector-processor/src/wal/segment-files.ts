import { open, readdir, readFile } from "node:fs/promises";
import path from "node:path";
import { olderRecordAt, type Position, recordAt } from "./frame.ts";

const NAME = /^(\d{16})\.wal$/;
const SPARE = /^\d{16}\.spare$/;
const digits = (start: number) => String(start).padStart(16, "0");

/** A file of records, named by the position that the first starts at. */
export interface Segment {
  start: number;
  /** Of its last record; the file may be longer. */
  end: number;
  file: string;
  /** How its records are read. */
  recordAt: typeof recordAt;
}

export const emptySegment = (dir: string, start: number): Segment => {
  return { start, end: start, file: path.join(dir, `${digits(start)}.wal`), recordAt };
};
/** What a segment's file is called when its records are done with, and it is there to be written anew. */
export const spareFile = (dir: string, { start }: Segment): string => path.join(dir, `${digits(start)}.spare`);

/** The segments of a folder in order, not yet looked into, and its spare files. */
export async function findFiles(dir: string): Promise<{ segments: Segment[]; spares: string[] }> {
  const names = await readdir(dir);
  const starts = names.flatMap((name) => NAME.exec(name)?.[1] ?? []).map(Number);
  return {
    segments: starts.sort((a, b) => a - b).map((start) => emptySegment(dir, start)),
    spares: names.filter((name) => SPARE.test(name)).map((name) => path.join(dir, name)),
  };
}

/**
 * Finds a segment's whole records, and its end with them; `tornBytes`: of one behind them that is not whole. One segment at a time is in
 * memory: a backlog may exceed it.
 */
export async function scan(segment: Segment): Promise<{ records: Position[]; tornBytes: number }> {
  // at once, for tens of thousands of small reads take a busy machine minutes
  const bytes = await readFile(segment.file);
  const records: Position[] = [];
  if (recordAt(bytes, 0, segment.start) === null && olderRecordAt(bytes, 0)?.isWhole) segment.recordAt = olderRecordAt;
  for (let at = 0; ; at = segment.end - segment.start) {
    const record = segment.recordAt(bytes, at, segment.start + at);
    if (record === null) return { records, tornBytes: 0 };
    if (!record.isWhole) return { records, tornBytes: record.end - at };
    const end = segment.start + record.end;
    records.push({ start: segment.end, end });
    segment.end = end;
  }
}

/** A new name is only there after a crash when its folder was synced. Windows cannot, and need not. */
export async function syncDirectory(dir: string): Promise<void> {
  if (process.platform === "win32") return;
  const handle = await open(dir, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
