-- Alerting: rules, what they found, who is told, and which collector evaluates. All of it is small and unsharded: on Citus these
-- stay local tables of the coordinator.

set local search_path = signalbox;

-- Who does what only one may do. A holder renews it while it lives; another takes it when it has run out, with the next token.
-- Whoever writes as the holder locks the row and finds its own token there first: a holder that slept too long writes nothing.
create table leases (
  name text not null primary key,
  holder text not null,
  token bigint not null,
  expires_at timestamptz not null
);

create table alert_rules (
  rule_id text not null primary key,
  -- null: every project
  project text,
  name text not null,
  -- {kind, threshold, window_seconds, per, min_calls, agent}: see collector-processor/src/alerting/condition.ts
  condition jsonb not null,
  -- how long the condition must hold before it fires
  for_seconds integer not null,
  -- [{do: notify, channel_id} | {do: reroute | pause | kill}]
  actions jsonb not null,
  enabled boolean not null,
  -- until then nobody is notified; what the rule does to sessions it still does
  muted_until timestamptz,
  -- counts changes of what the rule looks for: what an earlier version found is not compared with
  version integer not null,
  created_at timestamptz not null,
  updated_at timestamptz not null
);

-- One row for each time that a rule fired for one subject.
create table alert_events (
  event_id text not null primary key,
  rule_id text not null,
  rule_version integer not null,
  rule_name text not null,
  project text,
  kind text not null,
  -- what it fired for: a session, an agent, a route, a pool, …
  subject text not null,
  session_id text,
  value double precision not null,
  threshold double precision not null,
  message text not null,
  -- when the condition began to hold, by the spans' clock, plus for_seconds
  started_at timestamptz not null,
  fired_at timestamptz not null,
  -- when it ceases to hold as far as is known, which may be ahead; null: not before something changes
  ended_at timestamptz,
  resolved_at timestamptz,
  acknowledged_at timestamptz,
  muted boolean not null
);
create index alert_events_by_subject on alert_events (rule_id, subject, started_at);
create index alert_events_recent on alert_events (fired_at desc, event_id);
create index alert_events_open on alert_events (rule_id) where resolved_at is null;

-- Where notifications go. What is secret of it (all of it but a summary) is in channel_secrets, sealed.
create table channels (
  channel_id text not null primary key,
  name text not null,
  -- webhook | slack | telegram | pagerduty | email
  kind text not null,
  summary text not null,
  created_at timestamptz not null,
  updated_at timestamptz not null
);
create table channel_secrets (
  channel_id text not null primary key,
  -- AES-256-GCM under a key made from the admin token
  sealed bytea not null
);

-- The outbox: what is to be done about events, until it is done.
create table alert_deliveries (
  delivery_id text not null primary key,
  rule_id text not null,
  -- of one notification all the events that it tells of
  event_ids text[] not null,
  -- notify | reroute | pause | kill
  action text not null,
  channel_id text,
  -- fired | resolved
  occasion text not null,
  -- waiting | delivered | failed
  state text not null,
  attempts integer not null,
  next_attempt_at timestamptz not null,
  last_error text,
  -- what the scheduler answered to a reroute, pause or kill
  receipt jsonb,
  created_at timestamptz not null,
  delivered_at timestamptz
);
create index alert_deliveries_waiting on alert_deliveries (next_attempt_at) where state = 'waiting';
create index alert_deliveries_by_rule on alert_deliveries (rule_id, channel_id, created_at desc);
create index alert_deliveries_by_event on alert_deliveries using gin (event_ids);

do $$
begin
  revoke all on channel_secrets from signalbox_reader;
exception when undefined_object or insufficient_privilege then
  raise notice 'there is no role signalbox_reader: see that the login of the dashboard cannot read signalbox.channel_secrets';
end $$;
