-- Two projects may have sessions of one and the same id, and neither may write into the other's. So what is stored of a project other than
-- the collector's default one stands under `project`, 0x1f, id, as a stop of one project's session does: every key and every join has the
-- project in it. An id itself holds no 0x1f. Sessions that were stored before stay under their plain ids.

set local search_path = signalbox;

-- From an agent's id to what is stored under it, in any project.
create index sessions_by_plain_id on sessions (split_part(session_id, e'\x1f', -1)) where strpos(session_id, e'\x1f') > 0;

-- A trace without a session is `t:…` behind its project, too.
drop index session_aliases_of_agents;
drop index sessions_of_traces;
create index session_aliases_of_agents on session_aliases (alias) where split_part(alias, e'\x1f', -1) not like 't:%';
create index sessions_of_traces on sessions (session_id) where split_part(session_id, e'\x1f', -1) like 't:%';
create or replace view session_roots with (security_invoker = true) as
with recursive up (session_id, root_id, place) as (
  select named.alias, named.session_id, 1 from (
    select alias, session_id from session_aliases where split_part(alias, e'\x1f', -1) not like 't:%'
    union all
    select a.alias, a.session_id from sessions s join session_aliases a on a.alias = s.session_id
    where split_part(s.session_id, e'\x1f', -1) like 't:%'
  ) named
  union all
  select up.session_id, a.session_id, up.place + 1 from up join session_aliases a on a.alias = up.root_id where up.place < 32
)
select distinct on (session_id collate "C") session_id, root_id from up order by session_id collate "C", place desc;

do $$
begin
  drop policy own_project on session_controls;
  -- a stop of a plain id holds in every project, one of a project's id in that project
  create policy own_project on session_controls as restrictive for select to signalbox_project using (
    (strpos(id, e'\x1f') = 0 or starts_with(id, current_setting('signalbox.project') || e'\x1f'))
    and (exists (select from sessions s where s.session_id in
        (split_part(session_controls.id, e'\x1f', -1), current_setting('signalbox.project') || e'\x1f' || split_part(session_controls.id, e'\x1f', -1)))
      or exists (select from agents a where a.agent_id = split_part(session_controls.id, e'\x1f', -1))));
exception when undefined_object or insufficient_privilege then
  null; -- 000012 has said it
end $$;
