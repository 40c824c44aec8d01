-- What lists and explanations worked out of all sessions, each time: which cost most, where each ran, what it is found by, and which stand for another.

set local search_path = signalbox;

-- The silicon that most calls of a session ran on; '' is any other kind, or none that was said; null without calls.
alter table sessions
add column silicon text generated always as (
  case when calls > 0 then
    case greatest(calls - cpu_calls - gpu_calls - npu_calls - cloud_calls, cloud_calls, cpu_calls, gpu_calls, npu_calls)
      when cloud_calls then 'cloud' when cpu_calls then 'cpu' when gpu_calls then 'gpu' when npu_calls then 'npu' else ''
    end
  end
) stored,
-- What a session is searched by, with the letters of English in lower case: to put this together took four fifths of a search in vain. Without a locale,
-- which would take longer than all else that is written of a session.
add column words text generated always as (
  lower((session_id || coalesce(' ' || agent_name, '') || coalesce(' ' || agent_kind, '') || coalesce(' ' || channel, '') || coalesce(' ' || user_id, '')
    || coalesce(' ' || last_error, '')) collate "C")
) stored;
-- As before (000001), with what sessions of a range are counted by: its rows need not be looked at.
drop index sessions_recent;
create index sessions_recent on sessions (project, last_time desc) include (first_time, session_id, silicon);
create index sessions_by_cost on sessions (cost_nusd);

-- Of a trace's alias: the trace has a row in sessions, as few have. A collector says so from time to time, and never takes it back: what it has not said
-- yet is looked up, and that of a session which is deleted goes with it or is of no matter.
alter table session_aliases add column is_stored boolean not null default false;
update session_aliases set is_stored = true
where alias = any (array(select session_id from sessions where split_part(session_id, e'\x1f', -1) like 't:%'));
create index session_aliases_stored on session_aliases (alias) include (session_id) where is_stored;
analyze session_aliases;

-- As before (000019), but that each trace with a row in sessions was looked up among the millions of aliases.
create or replace function roots_of_aliases() returns table (session_id text, root_id text) language sql stable parallel safe rows 200 cost 100000
set search_path = signalbox as $$
  with recursive agents as materialized (
    select alias, session_id from session_aliases where split_part(alias, e'\x1f', -1) not like 't:%'
  ),
  stored as materialized (select alias, session_id from session_aliases where is_stored),
  named as materialized (
    select alias, session_id, session_id in (select alias from agents) or split_part(session_id, e'\x1f', -1) like 't:%' as may_stand_for_another from (
      select alias, session_id from agents
      union all
      select alias, session_id from stored
      union all
      select alias, session_id from session_aliases where alias = any (array(
        select s.session_id from sessions s where split_part(s.session_id, e'\x1f', -1) like 't:%' and s.session_id not in (select alias from stored)
      ))
    ) n
  ),
  up (session_id, root_id, place) as (
    select alias, session_id, 1 from named where may_stand_for_another
    union all
    select up.session_id, coalesce(a.session_id, t.session_id), up.place + 1 from up
    left join agents a on a.alias = up.root_id
    left join lateral (
      select session_id from session_aliases
      where a.alias is null and split_part(up.root_id, e'\x1f', -1) like 't:%' and alias = up.root_id offset 0
    ) t on true
    where up.place < 32 and coalesce(a.session_id, t.session_id) is not null
  )
  select alias, session_id from named where not may_stand_for_another
  union all
  (select distinct on (up.session_id collate "C") up.session_id, up.root_id from up order by up.session_id collate "C", up.place desc)
$$;
