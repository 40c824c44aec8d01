import { NotifyChannel } from "@signalbox/otel/conventions";

/** A change, told to whoever shows it; answers the rows that were changed. `beside` is done with it. */
const told = (change: string, beside?: string) => `
with ${beside === undefined ? "" : `beside as (${beside}),\n`}changed as (${change} returning 1),
told as (select pg_notify('${NotifyChannel.alerts}', '{}') from changed limit 1)
select changed from changed left join told on true`;

/** $1: rule, $2: name, $3: project or '', $4: condition, $5: for_seconds, $6: actions, $7: enabled. */
export const CREATE_RULE = told(`
  insert into signalbox.alert_rules (rule_id, project, name, condition, for_seconds, actions, enabled, version, created_at, updated_at)
  values ($1, nullif($3, ''), $2, $4::text::jsonb, $5::integer, $6::text::jsonb, $7::text::boolean, 1, clock_timestamp(), clock_timestamp())`);
/** Another condition is another version: what the old one found ends with it. */
export const REPLACE_RULE = told(`
  update signalbox.alert_rules set project = nullif($3, ''), name = $2, condition = $4::text::jsonb, for_seconds = $5::integer,
    actions = $6::text::jsonb, enabled = $7::text::boolean, updated_at = clock_timestamp(),
    version = version + case when condition = $4::text::jsonb and for_seconds = $5::integer and project is not distinct from nullif($3, '')
      then 0 else 1 end
  where rule_id = $1`);
export const DELETE_RULE = told("delete from signalbox.alert_rules where rule_id = $1");
/** $2: for so many seconds; 0: no longer. */
export const MUTE_RULE = told(`
  update signalbox.alert_rules set updated_at = clock_timestamp(),
    muted_until = case $2::bigint when 0 then null else clock_timestamp() + $2::bigint * interval '1 second' end
  where rule_id = $1`);
export const ACKNOWLEDGE = told(
  "update signalbox.alert_events set acknowledged_at = coalesce(acknowledged_at, clock_timestamp()) where event_id = $1",
);

export const UNKNOWN_CHANNELS = `
select id from jsonb_array_elements_text($1::text::jsonb) as asked (id)
where not exists (select from signalbox.channels where channel_id = id) limit 1`;
/** $1: channel, $2: name, $3: kind, $4: summary, $5: its sealed target, hex. */
export const WRITE_CHANNEL = told(
  "insert into signalbox.channel_secrets (channel_id, sealed) values ($1, decode($5, 'hex'))",
  `insert into signalbox.channels (channel_id, name, kind, summary, created_at, updated_at)
  values ($1, $2, $3, $4, clock_timestamp(), clock_timestamp())`,
);
export const DELETE_CHANNEL = told(
  "delete from signalbox.channels where channel_id = $1",
  "delete from signalbox.channel_secrets where channel_id = $1",
);
export const READ_SECRET = `
select encode(secret.sealed, 'hex') as sealed, channel.name
from signalbox.channels channel join signalbox.channel_secrets secret using (channel_id) where channel_id = $1`;
