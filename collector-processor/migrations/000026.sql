-- What the Memory page adds files up by, in one text and in its order; and the few sessions that stand for another, without a look at all.

set local search_path = signalbox;

-- A file as an agent knows it: the lengths of project and path, each with 0x1f behind it, then project, path, and what the agent calls itself. By bytes (000025).
alter table session_memory add column file text collate "C" generated always as (
  length(project)::text || e'\x1f' || length(path)::text || e'\x1f' || project || path || coalesce(agent_name, '')
) stored;
create index session_memory_files on session_memory (file) include (first_time, last_read, last_write, reads, writes);
create index session_memory_of on session_memory (session_id collate "C", first_time) include (file, last_read, last_write, reads, writes);
-- Few traces without a session use files.
create index session_memory_of_traces on session_memory (session_id) where split_part(session_id, e'\x1f', -1) like 't:%';
-- Of files that were used before a time and since only a part counts: those that a session used for more than an hour, and those begun in the hour before.
drop index session_memory_recent;
create index session_memory_long on session_memory (greatest(last_read, last_write)) where greatest(last_read, last_write) - first_time > interval '1 hour';
