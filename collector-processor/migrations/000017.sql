-- As before (000015), read by a function. The planner cannot see how few aliases are not a trace's: of the view it expected twenty million rows, and
-- beside such a cost any plan of the rest looked as good as another. Of a function it knows what is said here; its own search path keeps it from being
-- written out into each query that uses it.

set local search_path = signalbox;

create function roots_of_aliases() returns table (session_id text, root_id text) language sql stable parallel safe rows 200 cost 100000
set search_path = signalbox as $$
  with recursive agents as materialized (
    select alias, session_id from session_aliases where split_part(alias, e'\x1f', -1) not like 't:%'
  ),
  up (session_id, root_id, place) as (
    select named.alias, named.session_id, 1 from (
      select alias, session_id from agents
      union all
      select a.alias, a.session_id from sessions s
      cross join lateral (select alias, session_id from session_aliases where alias = s.session_id offset 0) a
      where split_part(s.session_id, e'\x1f', -1) like 't:%'
    ) named
    union all
    select up.session_id, a.session_id, up.place + 1 from up
    cross join lateral (select session_id from session_aliases where alias = up.root_id offset 0) a
    -- few roots stand for another one in turn: most need not be looked up
    where up.place < 32 and (up.root_id in (select alias from agents) or split_part(up.root_id, e'\x1f', -1) like 't:%')
  )
  select distinct on (up.session_id collate "C") up.session_id, up.root_id from up order by up.session_id collate "C", up.place desc
$$;
create or replace view session_roots with (security_invoker = true) as select session_id, root_id from roots_of_aliases();

do $$
begin
  grant execute on function roots_of_aliases() to signalbox_reader;
exception when undefined_object or insufficient_privilege then
  null; -- 000001 has said it
end $$;
