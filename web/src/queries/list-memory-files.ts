import { Attribute, Operation } from "@signalbox/otel/conventions";
import type { Sql } from "../server/database.ts";
import { memoryOwner, memoryPath } from "./memory-owner.ts";

export interface MemoryFileRow {
  project: string;
  path: string;
  owner: string;
  reads: number;
  writes: number;
  sessions: number;
  last_time: string;
  last_read: string | null;
  last_write: string | null;
}

/** Which memory files were read or written since then, the latest first? */
export function listMemoryFiles(
  sql: Sql,
  { q, from, limit, offset }: { q: string | undefined; from: string; limit: number; offset: number },
): Promise<MemoryFileRow[]> {
  return sql<MemoryFileRow[]>`
    with accesses as (
      select s.project, ${memoryPath(sql)} as path, ${memoryOwner(sql)} as owner, s.attributes->>${Attribute.memoryOperation} = 'write' as is_write,
        s.start_time, coalesce(a.root_id, s.session_id) as session_id
      from spans s left join session_roots a on a.session_id = s.session_id left join sessions r on r.session_id = coalesce(a.root_id, s.session_id)
      where s.operation = ${sql.unsafe(`'${Operation.memory}'`)} and s.start_time >= ${from}::timestamptz
    )
    select project, path, owner, count(*) filter (where not is_write)::int as reads, count(*) filter (where is_write)::int as writes,
      count(distinct session_id)::int as sessions, max(start_time) as last_time, max(start_time) filter (where not is_write) as last_read,
      max(start_time) filter (where is_write) as last_write
    from accesses
    where path is not null ${q ? sql`and (strpos(lower(path), lower(${q})) > 0 or strpos(lower(owner), lower(${q})) > 0)` : sql``}
    group by project, path, owner
    order by last_time desc, path, owner, project
    limit ${limit + 1} offset ${offset}`;
}
