const UTC = (column: string) => `to_char(${column} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')`;

/** Claims at most $1 deliveries that are due for $2 milliseconds, with all that is needed to carry them out. */
export const CLAIM = `
with due as (
  select delivery_id from signalbox.alert_deliveries
  where state = 'waiting' and next_attempt_at <= clock_timestamp()
  order by next_attempt_at limit $1::integer
  for update skip locked
),
claimed as (
  update signalbox.alert_deliveries delivery set
    attempts = attempts + 1,
    next_attempt_at = clock_timestamp() + $2::bigint * interval '1 millisecond'
  from due where delivery.delivery_id = due.delivery_id
  returning delivery.*
)
select claimed.delivery_id, claimed.rule_id, claimed.action, claimed.occasion, claimed.attempts, encode(secret.sealed, 'hex') as sealed,
  channel.name as channel_name, coalesce(rule.name, alerts.rule_name, claimed.rule_id) as rule_name, alerts.list as alerts
from claimed
left join signalbox.channels channel using (channel_id)
left join signalbox.channel_secrets secret using (channel_id)
left join signalbox.alert_rules rule on rule.rule_id = claimed.rule_id
cross join lateral (
  select max(event.rule_name) as rule_name, coalesce(jsonb_agg(jsonb_build_object(
    'alert_id', event.event_id, 'kind', event.kind, 'subject', event.subject, 'session_id', event.session_id, 'value', event.value,
    'threshold', event.threshold, 'message', event.message, 'started_at', ${UTC("event.started_at")},
    'resolved_at', ${UTC("event.resolved_at")}, 'per', rule.condition->>'per'
  ) order by event.started_at), '[]') as list
  from signalbox.alert_events event where event.event_id = any(claimed.event_ids)
) alerts`;

/** $1: delivery, $2: the receipt as JSON, $3: the channel to NOTIFY. */
export const DELIVERED = `
with done as (
  update signalbox.alert_deliveries set state = 'delivered', delivered_at = clock_timestamp(), last_error = null,
    receipt = nullif($2::text::jsonb, 'null')
  where delivery_id = $1
)
select pg_notify($3, '{}')`;

/** $1: delivery, $2: why, $3: waiting or failed, $4: milliseconds until the next attempt, $5: the channel to NOTIFY. */
export const FAILED = `
with done as (
  update signalbox.alert_deliveries set state = $3, last_error = $2,
    next_attempt_at = clock_timestamp() + $4::bigint * interval '1 millisecond'
  where delivery_id = $1
)
select pg_notify($5, '{}')`;
