import { Attribute } from "@signalbox/otel/conventions";
import type { Sql } from "../server/database.ts";
import { fileKey, memoryOwner } from "./memory-owner.ts";
import { isTrace, written } from "./sql-parts.ts";

export interface MemoryRow {
  start_time: string;
  start_nanos: number;
  project: string;
  path: string;
  owner: string;
  operation: "read" | "write";
  session_id: string;
  session_agent_name: string | null;
  channel: string | null;
  agent_id: string;
  agent_name: string | null;
  turn_id: string | null;
  span_id: string;
  lines: string | null;
  diff: string | null;
  written_by: { session_id: string; agent_id: string; span_id: string; time: string } | null;
}

export interface MemoryFilterSql {
  /** The session's own id and its aliases. */
  sessions?: readonly string[] | undefined;
  agent?: string | undefined;
  path?: string | undefined;
  owner?: string | undefined;
  project?: string | undefined;
  until?: string | undefined;
  limit: number;
  cursor?: { time: string; id: string } | undefined;
}

/** Of a read the write before it is looked for among so many writes of the path, the latest. */
const MOST_WRITES = 1_000;

/** Of a file of one agent: so many sessions at most are told apart before they are looked at. */
const FEW = 2_000;

/** Which memory files did agents read and write, newest first? With what a write changed, where content is kept, and who wrote what was read. */
export function listMemory(sql: Sql, filter: MemoryFilterSql): Promise<MemoryRow[]> {
  const { sessions, agent, path, owner, project, until, limit, cursor } = filter;
  const accessOwner = memoryOwner(sql, sql`m.path`);
  // most sessions are their own root: only the others are followed up, and of these few stand for a third. offset 0: once a row
  const root = sql`
    left join lateral (
      select session_id from session_aliases a where a.alias collate "C" = m.session_id and not ${isTrace(sql, sql`a.alias`)} offset 0
    ) a on true
    cross join lateral (
      select case
        when a.session_id is null and not ${isTrace(sql, sql`m.session_id`)} then m.session_id
        when exists (select from session_aliases b where b.alias = coalesce(a.session_id, m.session_id)) then root_of(m.session_id)
        else coalesce(a.session_id, m.session_id) end as session_id offset 0
    ) o
    left join lateral (select agent_name from sessions s where s.session_id collate "C" = o.session_id offset 0) r on true`;
  // most accesses of a path may be other agents': which sessions used this agent's own file is known without their names
  const isOfAgent = path !== undefined && project !== undefined && owner !== undefined && owner !== "";
  const ofFile = sql`session_memory where file = ${fileKey(project ?? "", path ?? "", owner ?? "")}`;
  const mayBeOwn = isOfAgent
    ? sql`and (a.session_id is not null or ${isTrace(sql, sql`m.session_id`)} or case when (select are from few) then m.session_id in (select session_id from ${ofFile}) else true end)`
    : sql``;
  const spanOf = (access: string) => {
    const at = sql(access);
    return sql`spans s on s.session_id = ${at}.session_id and s.start_time = ${at}.start_time and s.span_id = ${at}.span_id`;
  };
  const inFile = sql`partition by project collate "C", path collate "C", owner collate "C"`;
  const inOrder = sql`start_time, span_id, written nulls first, stored_session collate "C"`;
  return sql<MemoryRow[]>`
    with few as materialized (select ${isOfAgent ? sql`(select count(*) <= ${written(sql, FEW)} from (select from ${ofFile} limit ${written(sql, FEW + 1)}) f)` : sql`false`} as are),
    page as materialized (
      select m.session_id as stored_session, m.start_time, m.span_id, m.project, m.path, m.is_write, ${accessOwner} as owner, o.session_id,
        r.agent_name as session_agent_name
      from (
        -- in order before owners are looked up: a page needs few of them
        select m.* from memory_accesses m ${agent === undefined ? sql`` : sql`join ${spanOf("m")} and s.agent_id = ${agent}`}
        where true
          ${sessions ? sql`and m.session_id = any(${[...sessions]})` : sql``}
          ${path === undefined ? sql`` : sql`and m.path = ${path}`}
          ${project === undefined ? sql`` : sql`and m.project = ${project}`}
          ${until === undefined ? sql`` : sql`and m.start_time < ${until}::timestamptz`}
          ${cursor ? sql`and (m.start_time, m.span_id) < (${cursor.time}::timestamptz, decode(${cursor.id}, 'hex'))` : sql``}
        order by m.start_time desc, m.span_id desc offset 0
      ) m ${root}
      where true ${mayBeOwn}
      -- coalesce: the planner takes it for half of all, and so reads on in order until the page is full; an equation looked so rare that all were sorted
      ${owner === undefined ? sql`` : sql`and coalesce(${accessOwner} = ${owner}, false)`}
      order by m.start_time desc, m.span_id desc
      limit ${written(sql, limit + 1)}
    ),
    -- once a path, not once a read: agents whose files have one name share it
    of_paths as materialized (
      select w.*, f.path from (select path, max(start_time) as until from page where not is_write group by path) f
      cross join lateral (
        select m.project, ${accessOwner} as owner, o.session_id, m.stored_session, m.start_time, m.span_id
        from (
          select m.*, m.session_id as stored_session from memory_accesses m where m.is_write and m.path = f.path and m.start_time <= f.until
          order by m.start_time desc, m.span_id desc limit ${written(sql, MOST_WRITES)}
        ) m ${root} where true ${mayBeOwn}
      ) w
    ),
    writes as (select * from of_paths where (project, path, owner) in (select project, path, owner from page where not is_write)),
    -- one pass over both in the order of time, not a look at all writes for each read: what follows a write has as many before it as the write itself
    placed as (
      select *, count(written) over (${inFile} order by ${inOrder} rows unbounded preceding) as before
      from (
        select *, null::bytea as written from page
        union all
        select stored_session, start_time, span_id, project, path, true, owner, session_id, null, span_id from writes
      ) a
    ),
    sources as (
      select *, first_value(session_id) over w as writer_session, first_value(stored_session) over w as writer_stored,
        first_value(start_time) over w as writer_time, case when not is_write then first_value(written) over w end as writer_span
      from placed window w as (${inFile}, before order by ${inOrder})
    )
    select p.start_time, s.start_nanos, p.project, p.path, p.owner, case when p.is_write then 'write' else 'read' end as operation, p.session_id,
      p.session_agent_name, coalesce(s.channel, (select channel from sessions where session_id = p.session_id)) as channel, s.agent_id, s.agent_name, s.turn_id, encode(p.span_id, 'hex') as span_id,
      s.attributes->>${Attribute.memoryLines} as lines, m.body->'parts'->0->>'content' as diff,
      case when p.writer_span is not null then jsonb_build_object('session_id', p.writer_session, 'agent_id', b.agent_id,
        'span_id', encode(p.writer_span, 'hex'), 'time', p.writer_time::text) end as written_by
    from (select * from sources where written is null offset 0) p
    join spans s on s.session_id = p.stored_session and s.start_time = p.start_time and s.span_id = p.span_id
    left join spans b on p.writer_span is not null and b.session_id = p.writer_stored and b.start_time = p.writer_time and b.span_id = p.writer_span
    left join span_messages c on c.session_id = p.stored_session and c.start_time = p.start_time and c.span_id = p.span_id and c.direction = 'input'
    left join messages m on m.session_id = p.stored_session and m.hash = c.hashes[1]
    order by p.start_time desc, p.span_id desc`;
}
