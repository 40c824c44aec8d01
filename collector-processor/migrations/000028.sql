-- What the files of sessions add up to, day by day: what the Memory page counted of each session in each range.

set local search_path = signalbox;

-- Of session_memory, by the day of first_time (UTC's) and file. A day counts from here while memory_days has it: whoever changes a row of that day takes it
-- out again, in the same transaction, and the collector adds it up anew (as 000019).
create table memory_days (day timestamptz not null primary key);
create table memory_day (
  day timestamptz not null,
  file text collate "C" not null,
  project text not null,
  sessions bigint not null,
  reads bigint not null,
  writes bigint not null,
  last_read timestamptz,
  last_write timestamptz,
  primary key (day, file)
);

-- as the other tables of telemetry: 000012 says why. memory_days tells of nobody
alter table memory_day enable row level security;
create policy everyone on memory_day using (true) with check (true);
do $$
begin
  grant select on memory_days, memory_day to signalbox_reader;
exception when undefined_object or insufficient_privilege then
  null; -- 000001 has said it
end $$;
do $$
begin
  grant select on memory_days, memory_day to signalbox_project;
  create policy own_project on memory_day as restrictive for select to signalbox_project
    using (project = (select current_setting('signalbox.project')));
exception when undefined_object or insufficient_privilege then
  null; -- 000012 has said it
end $$;
