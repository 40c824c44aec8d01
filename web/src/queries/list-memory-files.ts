import type { Sql } from "../server/database.ts";
import { memoryOwner } from "./memory-owner.ts";
import { related } from "./related-sessions.ts";

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
  return sql<MemoryFileRow[]>`
    with roots as materialized (select session_id, root_id from session_roots),
    -- of a file that a session used before, too, only what it did since
    used as not materialized (
      select m.session_id, m.path, m.project, m.agent_name, m.reads, m.writes, case when m.reads > 0 then m.last_read end as last_read,
        case when m.writes > 0 then m.last_write end as last_write
      from session_memory m where m.first_time >= ${from}::timestamptz and m.reads + m.writes > 0
      union all
      select m.session_id, m.path, m.project, m.agent_name, a.* from session_memory m cross join lateral (
        select ${counts} from memory_accesses a
        where a.session_id = m.session_id and a.path = m.path and a.project = m.project and a.start_time >= ${from}::timestamptz having count(*) > 0
      ) a where m.first_time < ${from}::timestamptz and greatest(m.last_read, m.last_write) >= ${from}::timestamptz
    ),
    -- most sessions are a matter of their own: they are counted by agent. Where others belong to one, root by root. Before the path's form says whose file
    -- it is: of few rows, not of each session's
    of_roots as (
      select u.project, u.path, r.root_id, case when r.root_id is null then u.agent_name end as agent_name, sum_bigint(u.reads) as reads,
        sum_bigint(u.writes) as writes, case when r.root_id is null then count(*) else 1 end as sessions, max(u.last_read) as last_read,
        max(u.last_write) as last_write
      from used u left join (${related(sql)}) r on r.session_id = u.session_id group by u.path, r.root_id, 4, u.project
    ),
    names as (select session_id, agent_name from sessions where session_id = any (array(select root_id from roots))),
    of_agents as (
      select f.project, f.path, coalesce(f.agent_name, n.agent_name) as agent_name, f.reads, f.writes, f.sessions, f.last_read, f.last_write
      from of_roots f left join names n on n.session_id = f.root_id
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
