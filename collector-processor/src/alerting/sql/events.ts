import { moment } from "./members.ts";

/** $3: JSON of what was found, times in microseconds. */
const FOUND = `found as (
  select event_id, subject, session_id, value, message, ${moment("started_at")} as started_at, ${moment("ended_at")} as ended_at
  from jsonb_to_recordset($3::text::jsonb) as row (event_id text, subject text, session_id text, value double precision, message text,
    started_at bigint, ended_at bigint)
)`;
/** Two times of firing that meet are one alert: late spans move its edges, and must not raise it again. */
const MEETS = `event.rule_id = $1 and event.rule_version = $2::integer and event.subject = found.subject
  and event.session_id is not distinct from found.session_id
  and event.started_at <= coalesce(found.ended_at, 'infinity') and coalesce(event.ended_at, 'infinity') >= found.started_at`;

/** $1, $2: rule and version. $4: now. */
export const UPDATE_FIRING = `
with ${FOUND}
update signalbox.alert_events event set
  ended_at = found.ended_at,
  value = greatest(event.value, found.value),
  message = case when found.value > event.value then found.message else event.message end,
  resolved_at = case when found.ended_at is null or found.ended_at > ${moment("$4")} then null else event.resolved_at end
from found
where ${MEETS} and (event.ended_at is distinct from found.ended_at or found.value > event.value)
  -- an open end that was set when its session was over stays
  and (event.resolved_at is null or event.ended_at is null or found.ended_at is not null)`;

/** $1, $2: rule and version. $4: now, $5: what was over before is not told. $6 to $10: name, project or '', kind, threshold, muted. */
export const INSERT_FIRED = `
with ${FOUND}
insert into signalbox.alert_events (event_id, rule_id, rule_version, rule_name, project, kind, subject, session_id, value, threshold,
  message, started_at, fired_at, ended_at, muted)
select event_id, $1, $2::integer, $6, nullif($7, ''), $8, subject, session_id, value, $9::double precision, message, started_at,
  ${moment("$4")}, ended_at, $10::text::boolean
from found
where coalesce(ended_at, 'infinity') >= ${moment("$5")}
  and not exists (select from signalbox.alert_events event where ${MEETS})
returning event_id, subject, session_id`;

/** Ends what is open ($1, $2: rule and version) and is not among the subjects $4 (JSON), at $3. */
export const END_OPEN = `
update signalbox.alert_events set ended_at = ${moment("$3")}
where rule_id = $1 and rule_version = $2::integer and ended_at is null
  and subject not in (select jsonb_array_elements_text($4::text::jsonb))`;

/** What stays until something changes ends with its session, $2 seconds after its last span; and with its rule. $1: now. */
export const END_STALE = `
update signalbox.alert_events event set ended_at = ${moment("$1")}
where event.ended_at is null and event.resolved_at is null and (
  not exists (
    select from signalbox.alert_rules rule where rule.rule_id = event.rule_id and rule.version = event.rule_version and rule.enabled
  )
  or event.kind = 'session_cost' and exists (
    select from signalbox.sessions session where session.session_id = event.session_id
      and session.last_time < ${moment("$1")} - $2::bigint * interval '1 second'
  )
)`;

/** Marks what is over at $1. @returns by rule and channel, what was told there; channel_id null where nobody was told */
export const RESOLVE = `
with over as (
  update signalbox.alert_events set resolved_at = ${moment("$1")} where resolved_at is null and ended_at <= ${moment("$1")}
  returning event_id, rule_id
)
select over.rule_id, told.channel_id, jsonb_agg(distinct over.event_id) as event_ids
from over left join signalbox.alert_deliveries told
  on told.event_ids && array[over.event_id] and told.action = 'notify' and told.occasion = 'fired'
group by over.rule_id, told.channel_id`;

/**
 * One notification, $1, of rule $2 about the events $3 (JSON) to channel $4; $5: fired or resolved. The first goes at once; what follows
 * on the same channel within $6 seconds waits, and goes as one.
 */
export const QUEUE_NOTICE = `
with told as (
  select array(select jsonb_array_elements_text($3::text::jsonb)) as event_ids
),
joined as (
  update signalbox.alert_deliveries waiting set event_ids = waiting.event_ids || told.event_ids
  from told
  where waiting.delivery_id = (
    select delivery_id from signalbox.alert_deliveries
    where rule_id = $2 and channel_id = $4 and occasion = $5 and action = 'notify' and state = 'waiting' and attempts = 0
      and cardinality(event_ids) < 100
    order by created_at desc limit 1 for update
  )
  returning waiting.delivery_id
)
insert into signalbox.alert_deliveries (delivery_id, rule_id, event_ids, action, channel_id, occasion, state, attempts, next_attempt_at,
  created_at)
select $1, $2, told.event_ids, 'notify', $4, $5, 'waiting', 0,
  greatest(clock_timestamp(), (
    select max(created_at) + $6::bigint * interval '1 second' from signalbox.alert_deliveries
    where rule_id = $2 and channel_id = $4 and occasion = $5
  )), clock_timestamp()
from told where not exists (select from joined)`;

/** $1: the delivery's id, $2: rule, $3: event, $4: reroute, pause or kill. */
export const QUEUE_STOP = `
insert into signalbox.alert_deliveries (delivery_id, rule_id, event_ids, action, occasion, state, attempts, next_attempt_at, created_at)
values ($1, $2, array[$3::text], $4, 'fired', 'waiting', 0, clock_timestamp(), clock_timestamp())`;

/** Forgets what was over, and done, $2 days before $1. */
export const PURGE = `
with events as (
  delete from signalbox.alert_events where resolved_at < ${moment("$1")} - $2::bigint * interval '1 day'
)
delete from signalbox.alert_deliveries where state <> 'waiting' and created_at < ${moment("$1")} - $2::bigint * interval '1 day'`;
