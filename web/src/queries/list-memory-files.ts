import type { Sql, SqlPart } from "../server/database.ts";
import { isShared } from "./memory-owner.ts";
import { related } from "./related-sessions.ts";
import { isTrace, written } from "./sql-parts.ts";

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

/**
 * Which memory files were read or written since then, the latest first?
 *
 * Most sessions are a matter of their own: all are added up by their own agent's file, from which those that belong together are taken away again and
 * counted root by root. A last time cannot be taken away: where it is that of a session whose root's agent has another file, it is looked up.
 */
export function listMemoryFiles(
  sql: Sql,
  { q, from, limit, offset }: { q: string | undefined; from: string; limit: number; offset: number },
): Promise<MemoryFileRow[]> {
  const counts = sql`count(*) filter (where not is_write) as reads, count(*) filter (where is_write) as writes,
    max(start_time) filter (where not is_write) as last_read, max(start_time) filter (where is_write) as last_write`;
  const sums = sql`sum_bigint(reads) as reads, sum_bigint(writes) as writes, max(last_read) as last_read, max(last_write) as last_write`;
  // in brackets, so that one plan is for all times, and kept
  const since = sql`(select ${from}::timestamptz)`;
  const begun = (when: SqlPart) => sql`
    select session_id, file, reads, writes, case when reads > 0 then last_read end as last_read, case when writes > 0 then last_write end as last_write
    from session_memory where ${when} and reads + writes > 0`;
  const begunSince = begun(sql`first_time >= ${since}`);
  return sql<MemoryFileRow[]>`
    -- of traces, which are many, those alone that used a file (migration 000026)
    with roots as materialized (
      select session_id, root_id from roots_between('infinity', '-infinity')
      union all
      select t.session_id, root_of(a.session_id) from (select distinct session_id from session_memory where ${isTrace(sql, sql`session_id`)}) t
      cross join lateral (select session_id from session_aliases where alias = t.session_id offset 0) a
    ),
    related as materialized (${related(sql)}),
    -- of files that a session used before, too, only what it did since: either for long, or since the hour before (migration 000026)
    cut as materialized (
      select m.session_id, m.file, a.* from (
        select *, greatest(last_read, last_write) as last_time from session_memory
        where greatest(last_read, last_write) - first_time > interval '1 hour' and greatest(last_read, last_write) >= ${since}
        union all
        select *, greatest(last_read, last_write) from session_memory
        where greatest(last_read, last_write) - first_time <= interval '1 hour' and first_time >= ${since} - interval '1 hour' and first_time < ${since}
      ) m
      cross join lateral (
        select ${counts} from memory_accesses a
        where a.session_id = m.session_id and a.path = m.path and a.project = m.project and a.start_time >= ${since} having count(*) > 0
      ) a where m.first_time < ${since} and m.last_time >= ${since}
    ),
    -- days that are over are added up (migration 000028); what lies between is read
    days as materialized (select day from memory_days where day >= ${since}),
    gaps as (
      select lag(day + interval '24 hours', 1, ${since}) over (order by day) as begins, day as ends from (select day from days union all select 'infinity') ends
    ),
    of_agents as materialized (
      select file, sum_bigint(sessions) as sessions, ${sums} from (
        select d.* from days cross join lateral (select file, sessions, reads, writes, last_read, last_write from memory_day where day = days.day offset 0) d
        union all
        select file, 1, reads, writes, last_read, last_write from gaps
        cross join lateral (${begun(sql`first_time >= begins and first_time < ends`)} offset 0) m where begins < ends
        union all
        select file, 1, reads, writes, last_read, last_write from cut
      ) f group by file
    ),
    -- offset 0: these few are found first, and then whom they belong to. An array, so that they are found in the order of the index
    of_related as materialized (
      select u.*, r.root_id from (
        ${begunSince} and session_id collate "C" = any (array(select session_id from related order by session_id collate "C"))
        union all
        select * from cut where session_id in (select session_id from related) offset 0
      ) u join related r on r.session_id = u.session_id
    ),
    -- place: one a path. Whose file a path's form says it is, is said of each file, not of each session's
    files as materialized (
      select *, dense_rank() over (order by project collate "C", path collate "C") as place, ${isShared(sql, sql`path`)} as is_shared from (
        select file, left(rest, in_project) collate "default" as project, substr(rest, in_project + 1, in_path) collate "default" as path,
          substr(rest, in_project + in_path + 1) collate "default" as agent_name
        from (
          select file, split_part(file, e'\\x1f', 1)::int as in_project, split_part(file, e'\\x1f', 2)::int as in_path,
            substr(file, length(split_part(file, e'\\x1f', 1)) + length(split_part(file, e'\\x1f', 2)) + 3) as rest
          from of_agents
        ) f
      ) f
    ),
    names as (
      select session_id, agent_name from sessions
      where session_id collate "C" = any (array(select distinct root_id collate "C" as root_id from of_related order by 1))
    ),
    of_roots as materialized (
      select u.*, f.place, case when f.is_shared then '' else coalesce(n.agent_name, '') end as owner,
        not f.is_shared and coalesce(n.agent_name, '') <> f.agent_name as is_elsewhere
      from of_related u join files f on f.file = u.file left join names n on n.session_id = u.root_id
    ),
    less as (
      select file, count(*) as sessions, sum_bigint(reads) as reads, sum_bigint(writes) as writes,
        max(last_read) filter (where is_elsewhere) as last_read, max(last_write) filter (where is_elsewhere) as last_write
      from of_roots group by file
    ),
    owned as (
      select f.place, case when f.is_shared then '' else f.agent_name end as owner, g.reads - coalesce(l.reads, 0) as reads,
        g.writes - coalesce(l.writes, 0) as writes, g.sessions - coalesce(l.sessions, 0) as sessions,
        case when o.is_known then o.last_read else g.last_read end as last_read, case when o.is_known then o.last_write else g.last_write end as last_write
      from of_agents g join files f on f.file = g.file left join less l on l.file = g.file
      left join lateral (
        select true as is_known, max(last_read) as last_read, max(last_write) as last_write from (${begunSince} union all select * from cut) u
        where file = g.file and session_id not in (select session_id from related) and (l.last_read = g.last_read or l.last_write = g.last_write)
        having l.last_read = g.last_read or l.last_write = g.last_write
      ) o on true
      where g.sessions > coalesce(l.sessions, 0)
      union all
      select place, owner, sum_bigint(reads), sum_bigint(writes), count(*), max(last_read), max(last_write)
      from (select place, owner, ${sums} from of_roots group by root_id, place, owner) r group by place, owner
    )
    select p.project, p.path, o.owner, o.reads, o.writes, o.sessions, o.last_time, o.last_read, o.last_write from (
      select place, owner, sum(reads)::int as reads, sum(writes)::int as writes, sum(sessions)::int as sessions,
        greatest(max(last_read), max(last_write)) as last_time, max(last_read) as last_read, max(last_write) as last_write
      from owned group by place, owner
    ) o join (select distinct on (place) place, project, path from files) p on p.place = o.place
    where true ${q ? sql`and (strpos(lower(path), lower(${q})) > 0 or strpos(lower(owner), lower(${q})) > 0)` : sql``}
    order by last_time desc, path, owner, project
    limit ${written(sql, limit + 1)} offset ${offset}`;
}
