import type { Sql } from "../server/database.ts";
import { memoryOwner } from "./memory-owner.ts";

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
  const counts = sql`count(*) filter (where not is_write) as reads, count(*) filter (where is_write) as writes,
    max(start_time) filter (where not is_write) as last_read, max(start_time) filter (where is_write) as last_write`;
  const isSince = sql`greatest(m.last_read, m.last_write) >= ${from}::timestamptz`;
  return sql<MemoryFileRow[]>`
    with roots as materialized (select session_id, root_id from session_roots),
    related as materialized (select session_id from roots union select root_id from roots),
    -- of a file that a session used before, too, only what it did since
    used as not materialized (
      select m.session_id, m.path, m.project, m.reads, m.writes, case when m.reads > 0 then m.last_read end as last_read,
        case when m.writes > 0 then m.last_write end as last_write
      from session_memory m where ${isSince} and m.first_time >= ${from}::timestamptz and m.reads + m.writes > 0
      union all
      select m.session_id, m.path, m.project, a.* from session_memory m cross join lateral (
        select ${counts} from memory_accesses a
        where a.session_id = m.session_id and a.path = m.path and a.project = m.project and a.start_time >= ${from}::timestamptz having count(*) > 0
      ) a where ${isSince} and m.first_time < ${from}::timestamptz
    ),
    -- a session has one owner: counted by sessions first, files need no distinct ones. Most are their own root
    of_sessions as (
      select * from used where session_id not in (select session_id from related)
      union all
      select coalesce(r.root_id, u.session_id), u.path, u.project, sum(u.reads)::bigint, sum(u.writes)::bigint, max(u.last_read), max(u.last_write)
      from used u left join roots r on r.session_id = u.session_id where u.session_id in (select session_id from related) group by 1, 2, 3
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
