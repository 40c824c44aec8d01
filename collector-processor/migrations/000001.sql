-- Telemetry, as the collector-processor stores it. Runs unchanged on Postgres 15+ and on Citus, where session_id is the
-- distribution column: it is in every primary key and never changes. So: no triggers, no serial ids, no foreign keys, no
-- unique constraint without session_id on a table that is distributed. Money is integer nano-USD (nusd); null means unknown.

create schema if not exists signalbox;
set local search_path = signalbox;

-- One row a span, insert-only. Typed columns for whatever a page filters or groups by; the rest in attributes.
-- Content (prompts, results) is never here: see messages.
create table spans (
  start_time timestamptz not null,
  -- nanoseconds below start_time's microsecond, 0..999
  start_nanos smallint not null default 0,
  -- OTLP's SpanKind 0..5 and StatusCode 0..2
  kind smallint not null default 0,
  status smallint not null default 0,
  tier smallint,
  duration_ns bigint not null,
  trace_id bytea not null,
  span_id bytea not null,
  parent_span_id bytea,
  -- the root session; 't:' || hex(trace_id) where the span names none (then session_aliases may join it to one)
  session_id text not null,
  project text not null,
  -- the agent inside the session; equals session_id for the root agent; '' where the span names none
  agent_id text not null default '',
  turn_id text,
  name text not null,
  -- invoke_agent | chat | embeddings | execute_tool | schedule | migrate | '' (anything else)
  operation text not null default '',
  -- true on exactly one span of a model call: the leaf that carries its tokens and its cost into the rollups
  is_call boolean not null default false,
  agent_kind text,
  agent_name text,
  channel text,
  user_id text,
  task text,
  tool_name text,
  tool_call_id text,
  route text,
  pool text,
  silicon text,
  hardware text,
  provider text,
  model text,
  request_model text,
  sla_class text,
  sla_met boolean,
  decision_id text,
  attempt smallint,
  -- input includes cached tokens, output includes reasoning
  input_tokens bigint,
  cache_read_tokens bigint,
  cache_write_tokens bigint,
  output_tokens bigint,
  reasoning_tokens bigint,
  cost_nusd bigint,
  -- reported | priced | measured | estimated | unknown; null on spans that cost nothing by themselves
  cost_source text,
  baseline_nusd bigint,
  -- milliseconds
  ttft_ms real,
  queue_ms real,
  prefill_ms real,
  decode_ms real,
  status_message text,
  service_name text,
  -- what is not in a column, normalised names and the emitter's own, content removed
  attributes jsonb not null default '{}',
  -- [{time, name, attributes}] and [{trace_id, span_id, attributes}]
  events jsonb,
  links jsonb,
  primary key (session_id, start_time, span_id)
) partition by range (start_time);

-- Days are partitions of their own, made when needed. Clocks that are years off, and examples from the specification, still
-- have a place.
create table spans_before_2025 partition of spans for values from (minvalue) to ('2025-01-01T00:00:00Z');

create index spans_by_time on spans (project, start_time desc);
create index spans_by_trace on spans (trace_id);
create index spans_decisions on spans (start_time desc) where operation = 'schedule';

-- A session is a root agent's conversation with all its sub-agents. Counters add what spans really inserted; first and last
-- are least and greatest: arrival order changes nothing.
create table sessions (
  session_id text not null primary key,
  project text not null,
  agent_kind text,
  agent_name text,
  channel text,
  user_id text,
  first_time timestamptz not null,
  last_time timestamptz not null,
  spans bigint not null default 0,
  turns bigint not null default 0,
  calls bigint not null default 0,
  tool_calls bigint not null default 0,
  errors bigint not null default 0,
  last_error_time timestamptz,
  last_error text,
  input_tokens bigint not null default 0,
  cache_read_tokens bigint not null default 0,
  cache_write_tokens bigint not null default 0,
  output_tokens bigint not null default 0,
  reasoning_tokens bigint not null default 0,
  cost_nusd bigint not null default 0,
  -- calls whose cost is unknown: cost_nusd is then a lower bound, and pages say so
  unknown_cost_calls bigint not null default 0,
  baseline_nusd bigint not null default 0
);
create index sessions_recent on sessions (project, last_time desc);

-- The agents of a session: the sub-agent tree is built from parent_agent_id in TypeScript.
create table agents (
  session_id text not null,
  agent_id text not null,
  project text not null,
  parent_agent_id text,
  agent_name text,
  agent_kind text,
  depth smallint,
  -- gen_ai.tool.call.id of the call that spawned it
  spawned_by_tool_call text,
  first_time timestamptz not null,
  last_time timestamptz not null,
  turns bigint not null default 0,
  calls bigint not null default 0,
  tool_calls bigint not null default 0,
  errors bigint not null default 0,
  input_tokens bigint not null default 0,
  cache_read_tokens bigint not null default 0,
  cache_write_tokens bigint not null default 0,
  output_tokens bigint not null default 0,
  reasoning_tokens bigint not null default 0,
  cost_nusd bigint not null default 0,
  unknown_cost_calls bigint not null default 0,
  baseline_nusd bigint not null default 0,
  primary key (session_id, agent_id)
);

-- Spans that name no session are stored under 't:' || hex(trace_id), always, so that order does not matter. When any span of
-- that trace names its session, this row joins the two for reading. Two sessions on one trace: the least id wins.
create table session_aliases (
  alias text not null primary key,
  session_id text not null
);
create index session_aliases_by_session on session_aliases (session_id);

-- Content by its hash: an agent resends its whole conversation each turn, and storage must grow with the conversation only.
create table messages (
  session_id text not null,
  -- sha-256 of the message's canonical JSON
  hash bytea not null,
  -- {role, parts} of the GenAI message schema
  body jsonb not null,
  primary key (session_id, hash)
);
create table span_messages (
  session_id text not null,
  start_time timestamptz not null,
  span_id bytea not null,
  -- system | input | output
  direction text not null,
  hashes bytea[] not null,
  primary key (session_id, start_time, span_id, direction)
);

-- Rollups of calls (spans.is_call) by hour. slot is the writer's, so that writers never wait for each other.
create table route_hour (
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
  task text not null,
  channel text not null,
  agent_kind text not null,
  user_id text not null,
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
  -- sums over calls, for means: nanoseconds; milliseconds, each rounded to 1/1024 so that the sum is exact in any order
  duration_ns bigint not null,
  busy_ms double precision not null,
  primary key (hour, slot, project, route, pool, silicon, hardware, provider, model, sla_class, task, channel, agent_kind, user_id)
);

create table session_hour (
  slot smallint not null,
  hour timestamptz not null,
  project text not null,
  session_id text not null,
  agent_id text not null,
  route text not null,
  pool text not null,
  silicon text not null,
  model text not null,
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
  primary key (session_id, hour, slot, agent_id, route, pool, silicon, model)
);
create index session_hour_by_hour on session_hour (project, hour);

-- The dashboard's role: it reads and can do nothing else. Left out where we may not create roles (an outside Postgres): then
-- the dashboard's own login must be read-only.
do $$
begin
  if not exists (select from pg_roles where rolname = 'signalbox_reader') then
    begin
      create role signalbox_reader nologin;
    exception when duplicate_object or unique_violation then
      null; -- another database of this server was migrated at the same moment
    end;
  end if;
  grant usage on schema signalbox to signalbox_reader;
  grant select on all tables in schema signalbox to signalbox_reader;
  alter default privileges in schema signalbox grant select on tables to signalbox_reader;
exception when insufficient_privilege then
  raise notice 'cannot create role signalbox_reader: give the dashboard a read-only login of your own';
end $$;
