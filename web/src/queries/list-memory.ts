import { Attribute, Operation } from "@signalbox/otel/conventions";
import type { Sql } from "../server/database.ts";

export interface MemoryRow {
  start_time: string;
  start_nanos: number;
  session_id: string;
  agent_id: string;
  span_id: string;
  path: string;
  operation: "read" | "write";
  lines: string | null;
  diff: string | null;
}

export interface MemoryFilterSql {
  /** The session's own id and its aliases. */
  sessions?: readonly string[] | undefined;
  path?: string | undefined;
  limit: number;
  cursor?: { time: string; id: string } | undefined;
}

/** Which memory files did agents read and write, newest first; with what a write changed, where content is kept. */
export function listMemory(sql: Sql, { sessions, path, limit, cursor }: MemoryFilterSql): Promise<MemoryRow[]> {
  return sql<MemoryRow[]>`
    with page as materialized (
      select s.* from spans s
      where s.operation = ${Operation.memory}
        ${sessions ? sql`and s.session_id = any(${[...sessions]})` : sql``}
        ${path === undefined ? sql`` : sql`and s.attributes->>${Attribute.memoryPath} = ${path}`}
        ${cursor ? sql`and (s.start_time, s.span_id) < (${cursor.time}::timestamptz, decode(${cursor.id}, 'hex'))` : sql``}
      order by s.start_time desc, s.span_id desc
      limit ${limit + 1}
    )
    select s.start_time, s.start_nanos, root_of(s.session_id) as session_id, s.agent_id, encode(s.span_id, 'hex') as span_id,
      s.attributes->>${Attribute.memoryPath} as path, s.attributes->>${Attribute.memoryOperation} as operation,
      s.attributes->>${Attribute.memoryLines} as lines, m.body->'parts'->0->>'content' as diff
    from page s
    left join span_messages c on c.session_id = s.session_id and c.start_time = s.start_time and c.span_id = s.span_id and c.direction = 'input'
    left join messages m on m.session_id = s.session_id and m.hash = c.hashes[1]
    order by s.start_time desc, s.span_id desc`;
}
