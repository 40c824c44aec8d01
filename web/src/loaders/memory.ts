import type { MemoryFileListParameters, MemoryFilePage, MemoryListParameters, MemoryPage } from "../api/memory.ts";
import { encodeCursor } from "../model/cursor.ts";
import { rfc3339 } from "../model/time.ts";
import { listMemory } from "../queries/list-memory.ts";
import { listMemoryFiles } from "../queries/list-memory-files.ts";
import { resolveRange } from "../queries/resolve-range.ts";
import { resolveSession } from "../queries/resolve-session.ts";
import { read } from "../server/database.ts";
import { parseOffsetCursor } from "./offset-cursor.ts";
import { parseTimeCursor } from "./time-cursor.ts";

export async function loadMemory({ session, limit, cursor, until, ...filter }: MemoryListParameters): Promise<MemoryPage> {
  const after = parseTimeCursor(cursor);
  const rows = await read(async (sql) => {
    const sessions = session === undefined ? undefined : (await resolveSession(sql, session)).members;
    const before = until === undefined ? undefined : (await resolveRange(sql, until, undefined, "UTC")).from;
    return listMemory(sql, { ...filter, sessions, until: before, limit, cursor: after });
  });
  const page = rows.slice(0, limit);
  const last = page.at(-1);
  return {
    data: page.map(({ start_time, start_nanos, written_by, ...access }) => ({
      ...access,
      time: rfc3339(start_time, start_nanos),
      written_by: written_by && { ...written_by, time: rfc3339(written_by.time) },
    })),
    next: rows.length > page.length && last ? encodeCursor({ time: last.start_time, id: last.span_id }) : null,
  };
}

export async function loadMemoryFiles({ q, from, limit, cursor }: MemoryFileListParameters): Promise<MemoryFilePage> {
  const offset = parseOffsetCursor(cursor);
  const rows = await read(async (sql) => {
    const range = await resolveRange(sql, from, undefined, "UTC");
    return listMemoryFiles(sql, { q, from: range.from, limit, offset });
  });
  const orNull = (time: string | null) => time && rfc3339(time);
  return {
    data: rows.slice(0, limit).map(({ last_time, last_read, last_write, ...file }) => ({
      ...file,
      last_time: rfc3339(last_time),
      last_read: orNull(last_read),
      last_write: orNull(last_write),
    })),
    next: rows.length > limit ? encodeCursor({ offset: offset + limit }) : null,
  };
}
