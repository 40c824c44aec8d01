-- Reads and writes of memory files, apart from the millions of other spans: the Memory page counts sessions a file, and looked into each day's
-- table and into each span's JSON for it. What was kept for that beside the spans goes.

set local search_path = signalbox;

-- One row a span of operation `memory` that names its file; as long as the span is there. In the order that sessions a file are counted in.
create table memory_accesses (
  session_id text not null,
  path text not null,
  start_time timestamptz not null,
  span_id bytea not null,
  project text not null,
  is_write boolean not null,
  primary key (session_id, path, project, start_time, span_id) include (is_write)
);
insert into memory_accesses
select session_id, attributes->>'signalbox.memory.path', start_time, span_id, project,
  (attributes->>'signalbox.memory.operation') is not distinct from 'write'
from spans where operation = 'memory' and octet_length(attributes->>'signalbox.memory.path') <= 1024;
-- The same, added up: one row a file that a session read or wrote. first_time and the last ones are of all that ever came.
create table session_memory (
  session_id text not null,
  path text not null,
  project text not null,
  reads bigint not null,
  writes bigint not null,
  first_time timestamptz not null,
  last_read timestamptz,
  last_write timestamptz,
  primary key (session_id, path, project)
);
insert into session_memory
select session_id, path, project, count(*) filter (where not is_write), count(*) filter (where is_write), min(start_time),
  max(start_time) filter (where not is_write), max(start_time) filter (where is_write)
from memory_accesses group by session_id, path, project;
create index session_memory_recent on session_memory (greatest(last_read, last_write));
create index memory_accesses_by_time on memory_accesses (start_time desc, span_id desc);
create index memory_accesses_by_path on memory_accesses (path, start_time desc, span_id desc) include (session_id, project, is_write);
drop index spans_memory, spans_memory_path, spans_memory_writes;

-- Few agents spawn others: the trees and their pace are looked for among these alone.
create index agents_spawned on agents (session_id, first_time) where parent_agent_id is not null and parent_agent_id <> agent_id;
-- From an agent's id, which several sessions may have, to its rows.
create index agents_by_id on agents (agent_id);

-- How few aliases are not a trace's, which the planner took for nearly all of them: room was made for so many, each time that roots were read.
create statistics session_aliases_kinds on (split_part(alias, e'\x1f', -1)) from session_aliases;
analyze session_aliases;

-- As before (000017), in less time: most name a root at once, and only the others are followed up and put in order.
create or replace function roots_of_aliases() returns table (session_id text, root_id text) language sql stable parallel safe rows 200 cost 100000
set search_path = signalbox as $$
  with recursive agents as materialized (
    select alias, session_id from session_aliases where split_part(alias, e'\x1f', -1) not like 't:%'
  ),
  named as materialized (
    select alias, session_id, session_id in (select alias from agents) or split_part(session_id, e'\x1f', -1) like 't:%' as may_stand_for_another from (
      select alias, session_id from agents
      union all
      select a.alias, a.session_id from sessions s
      cross join lateral (select alias, session_id from session_aliases where alias = s.session_id offset 0) a
      where split_part(s.session_id, e'\x1f', -1) like 't:%'
    ) n
  ),
  up (session_id, root_id, place) as (
    select alias, session_id, 1 from named where may_stand_for_another
    union all
    select up.session_id, a.session_id, up.place + 1 from up
    cross join lateral (select session_id from session_aliases where alias = up.root_id offset 0) a where up.place < 32
  )
  select alias, session_id from named where not may_stand_for_another
  union all
  (select distinct on (up.session_id collate "C") up.session_id, up.root_id from up order by up.session_id collate "C", up.place desc)
$$;

-- as the other tables of telemetry: 000012 says why
alter table memory_accesses enable row level security;
alter table session_memory enable row level security;
create policy everyone on memory_accesses using (true) with check (true);
create policy everyone on session_memory using (true) with check (true);
do $$
begin
  grant select on memory_accesses, session_memory to signalbox_reader;
exception when undefined_object or insufficient_privilege then
  null; -- 000001 has said it
end $$;
do $$
begin
  grant select on memory_accesses, session_memory to signalbox_project;
  create policy own_project on memory_accesses as restrictive for select to signalbox_project
    using (project = (select current_setting('signalbox.project')));
  create policy own_project on session_memory as restrictive for select to signalbox_project
    using (project = (select current_setting('signalbox.project')));
exception when undefined_object or insufficient_privilege then
  null; -- 000012 has said it
end $$;
