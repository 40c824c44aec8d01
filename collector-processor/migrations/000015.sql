-- Who pays: the name of the key that the gateway took a call with, and calls by payer.

set local search_path = signalbox;

-- null where the call came without a key, or never met the gateway
alter table spans add column key_name text;

alter table route_hour add column key_name text not null default '';
alter table route_hour drop constraint route_hour_pkey;
alter table route_hour add primary key (hour, slot, project, route, pool, silicon, hardware, provider, model, sla_class, task, channel, agent_kind, user_id, key_name);

-- route_hour by who pays: for months, and for users and keys that are many.
create table payer_hour (
  slot smallint not null,
  hour timestamptz not null,
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
  duration_ns bigint not null,
  -- of the calls that have both a known cost and a baseline
  comparable_cost_nusd bigint not null,
  comparable_baseline_nusd bigint not null,
  primary key (hour, slot, project, key_name, user_id, channel, agent_kind)
);
insert into payer_hour
select slot, hour, project, key_name, user_id, channel, agent_kind, sum(calls), sum(errors), sum(input_tokens), sum(cache_read_tokens),
  sum(cache_write_tokens), sum(output_tokens), sum(reasoning_tokens), sum(cost_nusd), sum(unknown_cost_calls), sum(baseline_nusd), sum(duration_ns),
  -- as far as hours can tell
  coalesce(sum(cost_nusd) filter (where baseline_nusd > 0 and unknown_cost_calls = 0), 0),
  coalesce(sum(baseline_nusd) filter (where baseline_nusd > 0 and unknown_cost_calls = 0), 0)
from route_hour group by slot, hour, project, key_name, user_id, channel, agent_kind;

-- Calls that name no agent, which has no row in agents then.
create index session_hour_unnamed on session_hour (hour) where agent_id = '';

-- What a read of a memory file found there was written by the latest write before it: reads are many more than writes.
create index spans_memory_writes on spans ((attributes->>'signalbox.memory.path'), start_time desc, span_id desc)
  where operation = 'memory' and attributes->>'signalbox.memory.operation' = 'write';

-- As before (000014), in one way only: from each id by the index. Planned freely, each use of it read all aliases of all traces.
create or replace view session_roots with (security_invoker = true) as
with recursive up (session_id, root_id, place) as (
  select named.alias, named.session_id, 1 from (
    select alias, session_id from session_aliases where split_part(alias, e'\x1f', -1) not like 't:%'
    union all
    select a.alias, a.session_id from sessions s
    cross join lateral (select alias, session_id from session_aliases where alias = s.session_id offset 0) a
    where split_part(s.session_id, e'\x1f', -1) like 't:%'
  ) named
  union all
  select up.session_id, a.session_id, up.place + 1 from up
  cross join lateral (select session_id from session_aliases where alias = up.root_id offset 0) a where up.place < 32
)
select distinct on (session_id collate "C") session_id, root_id from up order by session_id collate "C", place desc;

-- as the other rollups: 000012 says why
alter table payer_hour enable row level security;
create policy everyone on payer_hour using (true) with check (true);
do $$
begin
  grant select on payer_hour to signalbox_reader;
exception when undefined_object or insufficient_privilege then
  null; -- 000001 has said it
end $$;
do $$
begin
  grant select on payer_hour to signalbox_project;
  create policy own_project on payer_hour as restrictive for select to signalbox_project
    using (project = (select current_setting('signalbox.project')));
exception when undefined_object or insufficient_privilege then
  null; -- 000012 has said it
end $$;
