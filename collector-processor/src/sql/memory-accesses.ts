import { Attribute, Operation } from "@signalbox/otel/conventions";
import { takeOutMemoryDays } from "./memory-days.ts";

/** What an index can hold beside a session's id. A longer path is cut when it comes. */
export const MAX_PATH_BYTES = 1024;
const path = `spans.attributes->>'${Attribute.memoryPath}'`;
const COUNTS = "count(*) filter (where not is_write) as reads, count(*) filter (where is_write) as writes";

/** Of spans, those that name the memory file that they read or wrote, and that are new; with what they add to a session's files. After their sessions. */
export const memoryAccessesOf = (spans: string) => `
with accesses as (
  insert into signalbox.memory_accesses (session_id, path, start_time, span_id, project, is_write)
  select spans.session_id, ${path}, spans.start_time, spans.span_id, spans.project,
    (spans.attributes->>'${Attribute.memoryOperation}') is not distinct from 'write'
  from ${spans}
  where spans.operation = '${Operation.memory}' and octet_length(${path}) <= ${MAX_PATH_BYTES}
  order by 1, 2, 5, 3, 4
  on conflict do nothing
  returning session_id, path, project, start_time, is_write
),
days as (${takeOutMemoryDays(`
  select start_time from accesses union all
  select first_time from accesses join signalbox.session_memory using (session_id, path, project)`)})
insert into signalbox.session_memory (session_id, path, project, reads, writes, first_time, last_read, last_write, agent_name)
select session_id, path, project, ${COUNTS}, min(start_time), max(start_time) filter (where not is_write), max(start_time) filter (where is_write),
  (select agent_name from signalbox.sessions where sessions.session_id = accesses.session_id)
from accesses group by session_id, path, project order by session_id, path, project
on conflict (session_id, path, project) do update set
  reads = session_memory.reads + excluded.reads, writes = session_memory.writes + excluded.writes,
  first_time = least(session_memory.first_time, excluded.first_time),
  last_read = greatest(session_memory.last_read, excluded.last_read),
  last_write = greatest(session_memory.last_write, excluded.last_write)`;

/** $1: a JSON array of session_id and start_time, microseconds since 1970, of spans that are stored. */
export const ADD_MEMORY_ACCESSES = memoryAccessesOf(`
  (select distinct session_id, timestamptz 'epoch' + start_time * interval '1 microsecond' as start_time
    from json_to_recordset($1::text::json) as place (session_id text, start_time bigint)) place
  join signalbox.spans using (session_id, start_time)`);

/**
 * Files of these sessions bear their agent's name, as sessions do: of several names the least. $1: a JSON array of session_id and agent_name, what was said
 * in this transaction. A file that is new bears it from the start.
 */
export const NAME_MEMORY = `
with named as (
  update signalbox.session_memory kept set agent_name = said.agent_name
  from json_to_recordset($1::text::json) as said (session_id text, agent_name text)
  where kept.session_id = said.session_id and (kept.agent_name is null or said.agent_name collate "C" < kept.agent_name collate "C")
  returning kept.first_time
)
${takeOutMemoryDays("select first_time from named")}`;

/**
 * Parts of a statement's WITH: takes away accesses, as `deleted` deletes them, and what they had added. It holds the rows of their files, and gives
 * them a first time that none has: MEND_MEMORY_TIMES is to follow in the same transaction.
 */
export const takeAwayAccesses = (deleted: string) => `
gone_accesses as (
  ${deleted}
  returning row.session_id, row.path, row.project, row.is_write
),
less_memory as (
  update signalbox.session_memory kept set reads = kept.reads - gone.reads, writes = kept.writes - gone.writes,
    first_time = 'infinity', last_read = null, last_write = null
  from (select session_id, path, project, ${COUNTS} from gone_accesses group by session_id, path, project) gone
  where kept.session_id = gone.session_id and kept.path = gone.path and kept.project = gone.project
),
less_days as (${takeOutMemoryDays("select first_time from gone_accesses join signalbox.session_memory using (session_id, path, project)")})`;

/** The first and last times of files that lost accesses are those of what is left; a file of which nothing is left goes. */
export const MEND_MEMORY_TIMES = [
  "delete from signalbox.session_memory where first_time = 'infinity' and reads = 0 and writes = 0",
  `with mended as (
    update signalbox.session_memory kept set first_time = remaining.first_time, last_read = remaining.last_read, last_write = remaining.last_write
    from signalbox.session_memory less cross join lateral (
      select min(start_time) as first_time, max(start_time) filter (where not is_write) as last_read, max(start_time) filter (where is_write) as last_write
      from signalbox.memory_accesses access
      where access.session_id = less.session_id and access.path = less.path and access.project = less.project having count(*) > 0
    ) remaining
    where less.first_time = 'infinity' and kept.session_id = less.session_id and kept.path = less.path and kept.project = less.project
    returning kept.first_time
  )
  ${takeOutMemoryDays("select first_time from mended")}`,
];
