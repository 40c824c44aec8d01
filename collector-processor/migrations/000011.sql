-- What pages add up over weeks, in fewer rows: calls by place, tools by hour, the silicon of a session; and one way to a session's root.

set local search_path = signalbox;

-- route_hour without who asked (task, agent kind, user): a twentieth of its rows where many ask. What a saving is computed from is counted call by
-- call: of an hour in which one call's cost is unknown, the others still compare.
create table place_hour (
  slot smallint not null,
  hour timestamptz not null,
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
  sla_met bigint not null,
  sla_missed bigint not null,
  input_tokens bigint not null,
  cache_read_tokens bigint not null,
  cache_write_tokens bigint not null,
  output_tokens bigint not null,
  reasoning_tokens bigint not null,
  cost_nusd bigint not null,
  unknown_cost_calls bigint not null,
  baseline_nusd bigint not null,
  duration_ns bigint not null,
  busy_ms double precision not null,
  -- of the calls that have both a known cost and a baseline
  comparable_cost_nusd bigint not null,
  comparable_baseline_nusd bigint not null,
  primary key (hour, slot, project, route, pool, silicon, hardware, provider, model, sla_class, channel)
);
insert into place_hour
select slot, hour, project, route, pool, silicon, hardware, provider, model, sla_class, channel, sum(calls), sum(errors), sum(sla_met), sum(sla_missed),
  sum(input_tokens), sum(cache_read_tokens), sum(cache_write_tokens), sum(output_tokens), sum(reasoning_tokens), sum(cost_nusd),
  sum(unknown_cost_calls), sum(baseline_nusd), sum(duration_ns), sum(busy_ms),
  -- as far as hours can tell
  coalesce(sum(cost_nusd) filter (where baseline_nusd > 0 and unknown_cost_calls = 0), 0),
  coalesce(sum(baseline_nusd) filter (where baseline_nusd > 0 and unknown_cost_calls = 0), 0)
from route_hour group by slot, hour, project, route, pool, silicon, hardware, provider, model, sla_class, channel;

-- Tool calls by hour.
create table tool_hour (
  slot smallint not null,
  hour timestamptz not null,
  project text not null,
  tool_name text not null,
  calls bigint not null,
  errors bigint not null,
  duration_ns bigint not null,
  primary key (hour, slot, project, tool_name)
);
-- no writer has slot -1
insert into tool_hour
select -1, date_bin('1 hour', start_time, '2000-01-01Z') as hour, project, coalesce(tool_name, ''), count(*), count(*) filter (where status = 2), sum(duration_ns)
from spans where operation = 'execute_tool' group by 2, 3, 4;

-- Calls of a session by silicon; what is left of calls is of another kind, or of none that was said.
alter table sessions
  add column cpu_calls bigint not null default 0,
  add column gpu_calls bigint not null default 0,
  add column npu_calls bigint not null default 0,
  add column cloud_calls bigint not null default 0;
update sessions s set cpu_calls = h.cpu, gpu_calls = h.gpu, npu_calls = h.npu, cloud_calls = h.cloud
from (
  select session_id, coalesce(sum(calls) filter (where silicon = 'cpu'), 0) as cpu, coalesce(sum(calls) filter (where silicon = 'gpu'), 0) as gpu,
    coalesce(sum(calls) filter (where silicon = 'npu'), 0) as npu, coalesce(sum(calls) filter (where silicon = 'cloud'), 0) as cloud
  from session_hour group by session_id
) h where h.session_id = s.session_id;

-- Calls of the last hours, for ranges whose bounds are no whole hours.
create index spans_calls on spans (start_time desc) where is_call;

-- Few ids that have rows stand for another session: traces without a session, and sub-agents that named themselves. Found by these, not
-- among the aliases of every trace.
create index session_aliases_of_agents on session_aliases (alias) where alias not like 't:%';
create index sessions_of_traces on sessions (session_id) where session_id like 't:%';

-- The root session of an id: the end of its chain of aliases; itself where it has none. For the rows of a page.
create function root_of(id text) returns text language sql stable as $$
  with recursive up (id, place) as (
    select root_of.id, 0
    union all
    select a.session_id, up.place + 1 from up join signalbox.session_aliases a on a.alias = up.id where up.place < 32
  )
  select up.id from up order by up.place desc limit 1
$$;

-- The ids of a session that have rows: its own, and those that stand for it at any depth. Every trace is an alias; few have rows.
create function members_of(root text) returns table (session_id text) language sql stable as $$
  with recursive named (id) as (
    select members_of.root
    union
    select a.alias from named cross join lateral (select alias from signalbox.session_aliases where session_aliases.session_id = named.id offset 0) a
  )
  select named.id from named cross join lateral (select from signalbox.sessions where sessions.session_id = named.id offset 0) stored
$$;

-- Every id with rows that stands for another session, with its root. For sums over many sessions.
create view session_roots as
with recursive up (session_id, root_id, place) as (
  select named.alias, named.session_id, 1 from (
    select alias, session_id from session_aliases where alias not like 't:%'
    union all
    select a.alias, a.session_id from sessions s join session_aliases a on a.alias = s.session_id where s.session_id like 't:%'
  ) named
  union all
  select up.session_id, a.session_id, up.place + 1 from up join session_aliases a on a.alias = up.root_id where up.place < 32
)
select distinct on (session_id collate "C") session_id, root_id from up order by session_id collate "C", place desc;

do $$
begin
  grant select on place_hour, tool_hour, session_roots to signalbox_reader;
  grant execute on function root_of(text), members_of(text) to signalbox_reader;
exception when undefined_object or insufficient_privilege then
  null; -- 000001 has said it
end $$;
