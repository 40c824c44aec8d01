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

-- What was begun since then, of each file: whole days where they are added up, and each session's by itself.
create function memory_since(since timestamptz)
returns table (file text, sessions bigint, reads bigint, writes bigint, last_read timestamptz, last_write timestamptz) language sql stable parallel safe as $$
  select d.* from signalbox.memory_days m
  cross join lateral (select file, sessions, reads, writes, last_read, last_write from signalbox.memory_day where day = m.day offset 0) d
  where m.day >= memory_since.since
  union all
  select s.* from (
    select lag(edge.day + interval '24 hours', 1, memory_since.since) over (order by edge.day) as begins, edge.day as ends
    from (select day from signalbox.memory_days where day >= memory_since.since union all select 'infinity') edge
  ) gap
  cross join lateral (
    select file, 1::bigint, reads, writes, case when reads > 0 then last_read end, case when writes > 0 then last_write end
    from signalbox.session_memory where first_time >= gap.begins and first_time < gap.ends and reads + writes > 0 offset 0
  ) s where gap.begins < gap.ends
$$;

-- as the other tables of telemetry: 000012 says why. memory_days tells of nobody
alter table memory_day enable row level security;
create policy everyone on memory_day using (true) with check (true);
do $$
begin
  grant select on memory_days, memory_day to signalbox_reader;
  grant execute on function memory_since(timestamptz) to signalbox_reader;
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
