-- The last hours by minute: what pages of the last hour add up, which in a busy fleet are too many calls to look at. Whoever changes an hour of places,
-- payers or tools changes its minute in the same statement. What began before `since` is not there, or only in part: the collector moves `since` on, and
-- deletes what is before it. A row is written many times within its minute and then no more: half of each page is left for that.

set local search_path = signalbox;

create table place_minute (
  slot smallint not null,
  minute timestamptz not null,
  project text not null,
  route text not null,
  pool text not null,
  silicon text not null,
  hardware text not null,
  provider text not null,
  model text not null,
  sla_class text not null,
  channel text not null,
  calls bigint not null,
  errors bigint not null,
  input_tokens bigint not null,
  cache_read_tokens bigint not null,
  cache_write_tokens bigint not null,
  output_tokens bigint not null,
  reasoning_tokens bigint not null,
  cost_nusd bigint not null,
  unknown_cost_calls bigint not null,
  baseline_nusd bigint not null,
  comparable_cost_nusd bigint not null,
  comparable_baseline_nusd bigint not null,
  primary key (minute, slot, project, route, pool, silicon, hardware, provider, model, sla_class, channel)
) with (fillfactor = 50);
create table payer_minute (
  slot smallint not null,
  minute timestamptz not null,
  project text not null,
  key_name text not null,
  user_id text not null,
  channel text not null,
  agent_kind text not null,
  calls bigint not null,
  errors bigint not null,
  input_tokens bigint not null,
  cache_read_tokens bigint not null,
  cache_write_tokens bigint not null,
  output_tokens bigint not null,
  reasoning_tokens bigint not null,
  cost_nusd bigint not null,
  unknown_cost_calls bigint not null,
  baseline_nusd bigint not null,
  comparable_cost_nusd bigint not null,
  comparable_baseline_nusd bigint not null,
  primary key (minute, slot, project, key_name, user_id, channel, agent_kind)
) with (fillfactor = 50);
create table tool_minute (
  slot smallint not null,
  minute timestamptz not null,
  project text not null,
  tool_name text not null,
  calls bigint not null,
  errors bigint not null,
  duration_ns bigint not null,
  primary key (minute, slot, project, tool_name)
) with (fillfactor = 50);

-- One row. Where no span is stored yet, all minutes will be there.
create table minutes_kept (since timestamptz not null);
insert into minutes_kept
select case when exists (select from spans) then date_bin('1 minute', now(), '2000-01-01Z') + interval '1 minute' else '-infinity' end;

-- What a clock that is ahead has had stored already. No writer has slot -1.
insert into place_minute
select -1, date_bin('1 minute', start_time, '2000-01-01Z'), project, coalesce(route, ''), coalesce(pool, ''), coalesce(silicon, ''), coalesce(hardware, ''), coalesce(provider, ''), coalesce(model, ''), coalesce(sla_class, ''), coalesce(channel, ''),
  count(*), count(*) filter (where status = 2), coalesce(sum(input_tokens), 0), coalesce(sum(cache_read_tokens), 0), coalesce(sum(cache_write_tokens), 0),
  coalesce(sum(output_tokens), 0), coalesce(sum(reasoning_tokens), 0), coalesce(sum(cost_nusd), 0), count(*) filter (where cost_nusd is null),
  coalesce(sum(baseline_nusd), 0), coalesce(sum(cost_nusd) filter (where baseline_nusd > 0), 0),
  coalesce(sum(baseline_nusd) filter (where baseline_nusd > 0 and cost_nusd is not null), 0)
from spans where is_call and start_time >= (select since from minutes_kept) group by 2, 3, 4, 5, 6, 7, 8, 9, 10, 11;
insert into payer_minute
select -1, date_bin('1 minute', start_time, '2000-01-01Z'), project, coalesce(key_name, ''), coalesce(user_id, ''), coalesce(channel, ''), coalesce(agent_kind, ''),
  count(*), count(*) filter (where status = 2), coalesce(sum(input_tokens), 0), coalesce(sum(cache_read_tokens), 0), coalesce(sum(cache_write_tokens), 0),
  coalesce(sum(output_tokens), 0), coalesce(sum(reasoning_tokens), 0), coalesce(sum(cost_nusd), 0), count(*) filter (where cost_nusd is null),
  coalesce(sum(baseline_nusd), 0), coalesce(sum(cost_nusd) filter (where baseline_nusd > 0), 0),
  coalesce(sum(baseline_nusd) filter (where baseline_nusd > 0 and cost_nusd is not null), 0)
from spans where is_call and start_time >= (select since from minutes_kept) group by 2, 3, 4, 5, 6, 7;
insert into tool_minute
select -1, date_bin('1 minute', start_time, '2000-01-01Z'), project, coalesce(tool_name, ''), count(*), count(*) filter (where status = 2), sum(duration_ns)
from spans where operation = 'execute_tool' and start_time >= (select since from minutes_kept) group by 2, 3, 4;

-- as the other rollups: 000012 says why. minutes_kept tells of nobody
alter table place_minute enable row level security;
alter table payer_minute enable row level security;
alter table tool_minute enable row level security;
create policy everyone on place_minute using (true) with check (true);
create policy everyone on payer_minute using (true) with check (true);
create policy everyone on tool_minute using (true) with check (true);
do $$
begin
  grant select on minutes_kept, place_minute, payer_minute, tool_minute to signalbox_reader;
exception when undefined_object or insufficient_privilege then
  null; -- 000001 has said it
end $$;
do $$
begin
  grant select on minutes_kept, place_minute, payer_minute, tool_minute to signalbox_project;
  create policy own_project on place_minute as restrictive for select to signalbox_project
    using (project = (select current_setting('signalbox.project')));
  create policy own_project on payer_minute as restrictive for select to signalbox_project
    using (project = (select current_setting('signalbox.project')));
  create policy own_project on tool_minute as restrictive for select to signalbox_project
    using (project = (select current_setting('signalbox.project')));
exception when undefined_object or insufficient_privilege then
  null; -- 000012 has said it
end $$;
