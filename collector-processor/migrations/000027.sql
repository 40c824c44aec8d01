-- The indexes of session_memory are read alone where its pages are known to be seen by all (000026): soon after they were written. A migration that writes
-- the table anew is followed by a vacuum once a fiftieth of it has changed.

set local search_path = signalbox;

alter table session_memory set (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_insert_scale_factor = 0.02);
