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
    with roots as materialized (select session_id, root_id from session_roots),
    accesses as (
      select s.project, ${memoryPath(sql)} collate "C" as path, (s.attributes->>${sql.unsafe(`'${Attribute.memoryOperation}'`)}) is not distinct from 'write' as is_write, s.start_time,
        coalesce(a.root_id, s.session_id) collate "C" as session_id
      from spans s left join roots a on a.session_id = s.session_id
      where s.operation = ${sql.unsafe(`'${Operation.memory}'`)} and s.start_time >= ${from}::timestamptz
    ),
    -- a session has one owner: counted by sessions first, files need no distinct ones. What differs most comes first: sorted by it, and as bytes,
    -- it takes two thirds of the time
    of_sessions as (
      select project, path, session_id, count(*) filter (where not is_write) as reads, count(*) filter (where is_write) as writes,
        max(start_time) filter (where not is_write) as last_read, max(start_time) filter (where is_write) as last_write
      from accesses where path is not null group by session_id, path, project
    ),
    -- before the path's form says whose file it is: of few rows, not of each session's
    of_agents as (
      select s.project, s.path, r.agent_name, sum(reads) as reads, sum(writes) as writes, count(*) as sessions, max(last_read) as last_read,
        max(last_write) as last_write
      from of_sessions s left join sessions r on r.session_id = s.session_id group by s.path, r.agent_name, s.project
    ),
    owned as (select r.*, ${memoryOwner(sql, sql`r.path`)} as owner from of_agents r)
    select project, path, owner, sum(reads)::int as reads, sum(writes)::int as writes, sum(sessions)::int as sessions,
      greatest(max(last_read), max(last_write)) as last_time, max(last_read) as last_read, max(last_write) as last_write
    from owned
    where true ${q ? sql`and (strpos(lower(path), lower(${q})) > 0 or strpos(lower(owner), lower(${q})) > 0)` : sql``}
    group by owner, path, project
    order by last_time desc, path, owner, project
    limit ${limit + 1} offset ${offset}`;
}
