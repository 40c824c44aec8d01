-- An id that is looked up among many that begin alike: by bytes. In the order of the database's own locale each step down an index took longer than all else
-- of it. A lookup says `collate "C"` to be answered by these.

set local search_path = signalbox;

-- What the agent of a session calls itself, without its row.
create index sessions_names on sessions (session_id collate "C") include (agent_name);
-- As before (000014), and what they stand for without their rows.
drop index session_aliases_of_agents;
create index session_aliases_of_agents on session_aliases (alias collate "C") include (session_id) where split_part(alias, e'\x1f', -1) not like 't:%';
