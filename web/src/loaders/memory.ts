import type { MemoryListParameters, MemoryPage } from "../api/memory.ts";
import { encodeCursor } from "../model/cursor.ts";
import { rfc3339 } from "../model/time.ts";
import { listMemory } from "../queries/list-memory.ts";
import { resolveSession } from "../queries/resolve-session.ts";
import { read } from "../server/database.ts";
import { parseTimeCursor } from "./time-cursor.ts";

export async function loadMemory({ session, path, limit, cursor }: MemoryListParameters): Promise<MemoryPage> {
  const after = parseTimeCursor(cursor);
  const rows = await read(async (sql) => {
    const sessions = session === undefined ? undefined : (await resolveSession(sql, session)).members;
    return listMemory(sql, { sessions, path, limit, cursor: after });
  });
  const page = rows.slice(0, limit);
  const last = page.at(-1);
  return {
    data: page.map(({ start_time, start_nanos, ...access }) => ({ ...access, time: rfc3339(start_time, start_nanos) })),
    next: rows.length > page.length && last ? encodeCursor({ time: last.start_time, id: last.span_id }) : null,
  };
}
