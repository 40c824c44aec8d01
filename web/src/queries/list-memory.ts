import { Attribute, Operation } from "@signalbox/otel/conventions";
import type { Sql } from "../server/database.ts";
import { memoryOwner, memoryPath } from "./memory-owner.ts";

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

/** Which memory files did agents read and write, newest first? With what a write changed, where content is kept, and who wrote what was read. */
export function listMemory(sql: Sql, filter: MemoryFilterSql): Promise<MemoryRow[]> {
  const { sessions, agent, path, owner, project, until, limit, cursor } = filter;
  const accessOwner = memoryOwner(sql, memoryPath(sql));
  // most sessions are their own root: only the others are followed up. offset 0: once a row
  const root = sql`
    cross join lateral (
      select coalesce((select root_of(a.session_id) from session_aliases a where a.alias = s.session_id), s.session_id) as session_id offset 0
    ) o left join sessions r on r.session_id = o.session_id`;
  const isMemory = sql`s.operation = ${sql.unsafe(`'${Operation.memory}'`)}`;
  const operation = sql`s.attributes->>${sql.unsafe(`'${Attribute.memoryOperation}'`)}`;
  return sql<MemoryRow[]>`
    with page as materialized (
      select s.start_time, s.start_nanos, s.project, ${memoryPath(sql)} as path, ${accessOwner} as owner, ${operation} as operation,
        s.session_id as stored_session, o.session_id, r.agent_name as session_agent_name, coalesce(s.channel, r.channel) as channel, s.agent_id,
        s.agent_name, s.turn_id, s.span_id, s.attributes->>${Attribute.memoryLines} as lines
      from (
        -- in order before owners are looked up: a page needs few of them
        select * from spans s
        where ${isMemory}
          ${sessions ? sql`and s.session_id = any(${[...sessions]})` : sql``}
          ${agent === undefined ? sql`` : sql`and s.agent_id = ${agent}`}
          ${path === undefined ? sql`` : sql`and ${memoryPath(sql)} = ${path}`}
          ${project === undefined ? sql`` : sql`and s.project = ${project}`}
          ${until === undefined ? sql`` : sql`and s.start_time < ${until}::timestamptz`}
          ${cursor ? sql`and (s.start_time, s.span_id) < (${cursor.time}::timestamptz, decode(${cursor.id}, 'hex'))` : sql``}
        order by s.start_time desc, s.span_id desc offset 0
      ) s ${root}
      ${owner === undefined ? sql`` : sql`where ${accessOwner} = ${owner}`}
      order by s.start_time desc, s.span_id desc
      limit ${limit + 1}
    ),
    -- once a path, not once a read: agents whose files have one name share it
    writes as materialized (
      select w.*, f.path from (select path, max(start_time) as until from page where operation = 'read' group by path) f
      cross join lateral (
        select s.project, ${accessOwner} as owner, o.session_id, s.agent_id, s.start_time, s.span_id
        from (
          select * from spans s
          where ${isMemory} and ${operation} = 'write' and ${memoryPath(sql)} = f.path and s.start_time <= f.until
          order by s.start_time desc, s.span_id desc limit ${MOST_WRITES}
        ) s ${root}
      ) w
    )
    select p.start_time, p.start_nanos, p.project, p.path, p.owner, p.operation, p.session_id, p.session_agent_name, p.channel, p.agent_id,
      p.agent_name, p.turn_id, encode(p.span_id, 'hex') as span_id, p.lines, m.body->'parts'->0->>'content' as diff, w.written_by
    from page p
    left join span_messages c on c.session_id = p.stored_session and c.start_time = p.start_time and c.span_id = p.span_id and c.direction = 'input'
    left join messages m on m.session_id = p.stored_session and m.hash = c.hashes[1]
    left join lateral (
      select jsonb_build_object('session_id', w.session_id, 'agent_id', w.agent_id, 'span_id', encode(w.span_id, 'hex'),
        'time', w.start_time::text) as written_by
      from writes w
      where p.operation = 'read' and w.path = p.path and w.owner = p.owner and w.project = p.project
        and (w.start_time, w.span_id) < (p.start_time, p.span_id)
      order by w.start_time desc, w.span_id desc limit 1
    ) w on true
    order by p.start_time desc, p.span_id desc`;
}
