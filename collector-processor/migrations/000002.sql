-- What the scheduler keeps: stopped sessions, budgets and what was spent on them. All of it is small and unsharded: on Citus
-- these stay local tables of the coordinator. Money is integer nano-USD (nusd).

set local search_path = signalbox;

-- One row for a session or an agent that was killed, paused or resumed. A stop holds for all descendants.
create table session_controls (
  id text not null primary key,
  -- killed | paused | active
  state text not null,
  -- in words, shown to the agent; '' where none was given
  reason text not null,
  -- api | budget
  source text not null,
  changed_at timestamptz not null
);
create index session_controls_stopped on session_controls (changed_at) where state <> 'active';

-- Limits set through the control API; those of the config file are not here. id '*' is every id of the scope.
create table budgets (
  -- session | agent | key | user | project | global
  scope text not null,
  id text not null,
  -- day | month | none
  period text not null,
  limit_nusd bigint not null,
  -- [{at, do}]: at is a share of the limit, do is warn | reroute | pause | kill
  ladder jsonb not null,
  updated_at timestamptz not null,
  primary key (scope, id, period)
);

-- What one id has spent in one period, and what calls in flight may still spend. Rows are locked in the order of their key.
create table budget_usage (
  scope text not null,
  id text not null,
  -- none, or the day or month in UTC: 2026-11-21, 2026-11
  period text not null,
  spent_nusd bigint not null default 0,
  reserved_nusd bigint not null default 0,
  -- rungs of the ladder at or below this much spent were lifted by a resume
  resumed_nusd bigint not null default 0,
  primary key (scope, id, period)
);

-- The worst case of one decision, on one budget. Unsettled rows add up to reserved_nusd, settled ones are part of spent_nusd:
-- settling twice changes nothing. A scheduler that died leaves its rows unsettled, so the cap holds; see scheduler/src/admission/budgets/orphans.ts
-- in the scheduler for how they end.
create table budget_reservations (
  decision_id text not null,
  scope text not null,
  id text not null,
  period text not null,
  -- where the decision's spans are found
  session_id text not null,
  amount_nusd bigint not null,
  settled_nusd bigint,
  created_at timestamptz not null,
  settled_at timestamptz,
  primary key (decision_id, scope, id, period)
);
create index budget_reservations_open on budget_reservations (created_at) where settled_nusd is null;
create index budget_reservations_settled on budget_reservations (settled_at) where settled_nusd is not null;
