/** What the ledger asks of Postgres. Lists are passed as JSON: the driver would have to fetch types to know of arrays. */

import { NotifyChannel, PROJECT_SEPARATOR } from "@signalbox/otel/conventions";

/** Rows of usage that are not there yet. $1: [{scope, id, period}] */
export const MAKE_USAGE = `
insert into signalbox.budget_usage (scope, id, period)
select scope, id, period from jsonb_to_recordset($1::text::jsonb) as wanted(scope text, id text, period text)
order by scope, id, period
on conflict do nothing`;

/** Locked in the order of the key, so that schedulers wait for each other and never in a circle. $1: [{scope, id, period}] */
export const LOCK_USAGE = `
select usage.scope, usage.id, usage.period, spent_nusd, reserved_nusd, resumed_nusd
from signalbox.budget_usage as usage
join jsonb_to_recordset($1::text::jsonb) as wanted(scope text, id text, period text) using (scope, id, period)
order by usage.scope, usage.id, usage.period
for update of usage`;

/** $1: [decision id, …] */
export const READ_RESERVATIONS = `
select decision_id, scope, id, period, amount_nusd, settled_nusd
from signalbox.budget_reservations
where decision_id in (select jsonb_array_elements_text($1::text::jsonb))`;

/** $1: [{decision_id, scope, id, period, session_id, amount_nusd, settled_nusd}] $2: now */
export const WRITE_RESERVATIONS = `
insert into signalbox.budget_reservations
  (decision_id, scope, id, period, session_id, amount_nusd, settled_nusd, created_at, settled_at)
select decision_id, scope, id, period, session_id, amount_nusd, settled_nusd, $2::timestamptz,
  case when settled_nusd is null then null else $2::timestamptz end
from jsonb_to_recordset($1::text::jsonb) as r(
  decision_id text, scope text, id text, period text, session_id text, amount_nusd bigint, settled_nusd bigint)
on conflict (decision_id, scope, id, period) do update
  set settled_nusd = excluded.settled_nusd, settled_at = excluded.settled_at`;

/** Of rows that this transaction has locked. $1: [{scope, id, period, spent_nusd, reserved_nusd, resumed_nusd}] */
export const WRITE_USAGE = `
update signalbox.budget_usage as usage
set spent_nusd = now.spent_nusd, reserved_nusd = now.reserved_nusd, resumed_nusd = now.resumed_nusd
from jsonb_to_recordset($1::text::jsonb) as now(
  scope text, id text, period text, spent_nusd bigint, reserved_nusd bigint, resumed_nusd bigint)
where (usage.scope, usage.id, usage.period) = (now.scope, now.id, now.period)`;

/** $1: [{scope, id, period}] */
export const RESUME = `
insert into signalbox.budget_usage (scope, id, period)
select scope, id, period from jsonb_to_recordset($1::text::jsonb) as wanted(scope text, id text, period text)
order by scope, id, period
on conflict (scope, id, period) do update set resumed_nusd = budget_usage.spent_nusd
returning scope, id, period, spent_nusd, reserved_nusd, resumed_nusd`;

/**
 * Reservations that nobody settled for a while, with what the collector stored of their decisions: `cost_nusd` is null until the
 * decision's own span is there, and where the cost of any of its calls is unknown. $1: older than $2: at most
 */
export const READ_ORPHANS = `
select r.decision_id, r.scope, r.id, r.period, r.session_id, r.amount_nusd, r.created_at < $3::timestamptz as overdue,
  case when bool_or(s.operation = 'schedule') and not coalesce(bool_or(s.is_call and s.cost_nusd is null), false)
    then coalesce(sum(s.cost_nusd) filter (where s.is_call), 0) end as cost_nusd
from (
  select * from signalbox.budget_reservations
  where settled_nusd is null and created_at < $1::timestamptz order by created_at limit $2::int
) as r
left join signalbox.spans as s
  on s.session_id = any(array(
    -- of a project other than the collector's default one it is stored behind the project's name
    select r.session_id union all select session_id from signalbox.sessions
    where split_part(session_id, '${PROJECT_SEPARATOR}', -1) = r.session_id and strpos(session_id, '${PROJECT_SEPARATOR}') > 0
  )) and s.decision_id = r.decision_id
  and s.start_time between r.created_at - interval '1 hour' and r.created_at + interval '1 day'
group by r.decision_id, r.scope, r.id, r.period, r.session_id, r.amount_nusd, r.created_at`;

/** Settled rows serve only to make a repeated settlement harmless. $1: older than $2: at most */
export const FORGET_SETTLED = `
delete from signalbox.budget_reservations
where (decision_id, scope, id, period) in (
  select decision_id, scope, id, period from signalbox.budget_reservations
  where settled_nusd is not null and settled_at < $1::timestamptz limit $2::int)`;

export const READ_BUDGETS = `select scope, id, period, limit_nusd, ladder from signalbox.budgets`;

export const WRITE_BUDGET = `
with written as (
insert into signalbox.budgets (scope, id, period, limit_nusd, ladder, updated_at)
values ($1, $2, $3, $4::bigint, $5::text::jsonb, $6::timestamptz)
on conflict (scope, id, period) do update
  set limit_nusd = excluded.limit_nusd, ladder = excluded.ladder, updated_at = excluded.updated_at
returning scope, id)
select pg_notify('${NotifyChannel.budgets}', json_build_object('scope', scope, 'id', id)::text) from written`;

/** A page in the order of the key. $1, $2, $3: scope, id and period of the last row of the page before; $4: rows; $5: a scope, or '' */
export const LIST_USAGE = `
select scope, id, period, spent_nusd, reserved_nusd, resumed_nusd
from signalbox.budget_usage
where (scope, id, period) > ($1, $2, $3) and ($5 = '' or scope = $5)
order by scope, id, period
limit $4::int`;

/** Ids of sessions and agents that end so. $1: a separator and the plain id */
export const SAME_ID_OF_PROJECTS = `
select distinct id from signalbox.budget_usage where scope in ('session', 'agent') and right(id, length($1)) = $1`;

/** Counters are bigint, which the driver gives as text. */
export interface UsageRow {
  scope: string;
  id: string;
  period: string;
  spent_nusd: string;
  reserved_nusd: string;
  resumed_nusd: string;
}
