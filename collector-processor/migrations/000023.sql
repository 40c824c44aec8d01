-- What the scheduler's placement has learned of pools, and how long replies are expected to be: it survives a restart. Numbers, and the names of pools,
-- routes and tasks; a row is of a pool as it is configured, and some 20 KB. Written by schedulers alone: of two with the same pool the one that saw a call later.

set local search_path = signalbox;

create table learned (
  -- A digest of what makes a pool that pool, or 'output-lengths'
  subject text primary key,
  -- Its name; null: not of one pool
  pool text,
  -- Of the state's shape: another version's is not read
  version integer not null,
  -- When the last call ended that it was learned from
  learned_at timestamptz not null,
  state text not null
);

do $$
begin
  revoke all on learned from signalbox_reader;
exception when undefined_object or insufficient_privilege then
  raise notice 'there is no role signalbox_reader: the login of the dashboard needs nothing of signalbox.learned';
end $$;
