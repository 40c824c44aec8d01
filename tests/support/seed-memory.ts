import { createHash } from "node:crypto";
import postgres from "postgres";
import { memoryAccessesOf } from "../../collector-processor/src/sql/memory-accesses.ts";
import { RUNAWAY_SESSION } from "./seed-fleet.ts";

export interface SeededAccess {
  session: string;
  /** Default: the root agent. */
  agent?: string;
  path: string;
  operation: "read" | "write";
  diff?: string;
  lines?: string;
  /** Minutes before the newest span of the database. */
  minutesAgo: number;
}

/** Writes memory spans, with what writes changed, as the collector stores them. Answers their ids in the same order. */
export async function seedMemory(databaseUrl: string, accesses: readonly SeededAccess[]): Promise<string[]> {
  const sql = postgres(databaseUrl, { max: 1, onnotice: () => {}, connection: { search_path: "signalbox", TimeZone: "UTC" } });
  try {
    const ids: string[] = [];
    const [newest] = await sql<{ at: string }[]>`select max(start_time)::text as at from spans where operation <> 'memory'`;
    for (const [index, access] of accesses.entries()) {
      const { session, agent = session, path, operation, diff = null, lines = null, minutesAgo } = access;
      const id = createHash("sha256")
        .update(`memory ${index} ${JSON.stringify(access)}`)
        .digest("hex")
        .slice(0, 16);
      ids.push(id);
      const attributes = {
        "signalbox.memory.path": path,
        "signalbox.memory.operation": operation,
        ...(lines && { "signalbox.memory.lines": lines }),
      };
      const [row] = await sql<{ start_time: string }[]>`
        insert into spans (session_id, agent_id, project, agent_name, turn_id, trace_id, span_id, start_time, start_nanos, duration_ns, name, operation, attributes)
        select ${session}, ${agent}, 'default', (select agent_name from agents where session_id = ${session} and agent_id = ${agent}), 'turn-1',
          decode(${id.padStart(32, "0")}, 'hex'), decode(${id}, 'hex'), ${newest?.at ?? null}::timestamptz - make_interval(secs => ${minutesAgo * 60}), 7, 1000000,
          ${`memory ${operation}`}, 'memory', ${sql.json(attributes)}
        returning start_time::text`;
      if (diff === null) continue;
      const hash = createHash("sha256").update(diff).digest();
      const body = { role: "user", parts: [{ type: "text", content: diff }] };
      await sql`insert into messages (session_id, hash, body) values (${session}, ${hash}, ${sql.json(body)}) on conflict do nothing`;
      await sql`insert into span_messages (session_id, start_time, span_id, direction, hashes)
        values (${session}, ${row?.start_time ?? null}::timestamptz, decode(${id}, 'hex'), 'input', array[${hash}::bytea])`;
    }
    await sql.unsafe(memoryAccessesOf("spans"));
    return ids;
  } finally {
    await sql.end();
  }
}

export const TRAVEL_FILE = "/srv/agents/memory/travel.md";

/** Why the seeded fleet's runaway ran: a note that another session wrote an hour before. */
export const travelMemory = (writer: string): SeededAccess[] => [
  { session: RUNAWAY_SESSION, path: TRAVEL_FILE, operation: "read", minutesAgo: 300 },
  { session: writer, path: TRAVEL_FILE, operation: "write", diff: "- - Offer two options.\n+ - Compare everything.", minutesAgo: 240 },
  { session: RUNAWAY_SESSION, path: TRAVEL_FILE, operation: "read", lines: "1-40", minutesAgo: 0.1 },
  { session: writer, path: "MEMORY.md", operation: "write", diff: "+ - Three lines at most.", minutesAgo: 30 },
  { session: RUNAWAY_SESSION, path: "MEMORY.md", operation: "read", minutesAgo: 20 },
];
