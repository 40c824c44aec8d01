-- What the Memory page and the lists of dearest sessions and agents counted by joining and by numerics.

set local search_path = signalbox;

-- What the session's agent calls itself, as sessions has it: files are counted by agent, and to look it up a session took half of the time.
alter table session_memory add column agent_name text;
update session_memory kept set agent_name = s.agent_name from sessions s where s.session_id = kept.session_id and s.agent_name is not null;
-- Of a file that was used before a time and since, only a part counts: these are few, and found from either end.
create index session_memory_begun on session_memory (first_time);

-- As sum(), of which the sum is a numeric that each group makes room for: where groups are many, that took as long as all the rest.
create aggregate sum_bigint (bigint) (sfunc = int8pl, stype = bigint, combinefunc = int8pl, parallel = safe);
do $$
begin
  grant execute on function sum_bigint(bigint) to signalbox_reader, signalbox_project;
exception when undefined_object or insufficient_privilege then
  null; -- 000001 and 000012 have said it
end $$;
