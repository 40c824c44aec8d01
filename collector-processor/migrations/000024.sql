-- Which sessions stand for another (000022), in half of the time, and of a range alone.

set local search_path = signalbox;

-- As before (000014), by time: those of a range are found without their rows.
drop index sessions_of_traces;
create index sessions_of_traces on sessions (last_time) include (first_time, session_id) where split_part(session_id, e'\x1f', -1) like 't:%';

-- Every id with rows in [since, upto) that stands for another session, with its root; of agents that named themselves, those without rows there, too.
-- In plpgsql, which keeps the plan: the other language makes one each time.
create function roots_between(since timestamptz, upto timestamptz) returns table (session_id text, root_id text)
language plpgsql stable parallel safe rows 200 cost 100000 set search_path = signalbox as $$
#variable_conflict use_column
begin
  return query
  with agents as materialized (
    select alias, session_id from session_aliases where split_part(alias, e'\x1f', -1) not like 't:%'
  )
  select n.alias, case
    -- of those that stand for another few stand for a third, and hardly any for a fourth: only then is the chain followed
    when second.alias is not null or split_part(coalesce(first.session_id, n.session_id), e'\x1f', -1) like 't:%' then root_of(n.session_id)
    else coalesce(first.session_id, n.session_id)
  end
  from (
    select alias, session_id from agents
    union all
    -- what the collector has not said is looked up
    select s.session_id, coalesce(a.session_id, (select session_id from session_aliases where alias = s.session_id))
    from sessions s left join (select alias, session_id from session_aliases where is_stored offset 0) a on a.alias = s.session_id
    where split_part(s.session_id, e'\x1f', -1) like 't:%' and s.last_time >= since and s.first_time < upto
  ) n
  left join agents first on first.alias = n.session_id
  left join agents second on second.alias = first.session_id
  where n.session_id is not null;
end $$;
do $$
begin
  grant execute on function roots_between(timestamptz, timestamptz) to signalbox_reader;
exception when undefined_object or insufficient_privilege then
  null; -- 000001 has said it
end $$;
create or replace view session_roots with (security_invoker = true) as select session_id, root_id from roots_between('-infinity', 'infinity');
drop function roots_of_aliases();
