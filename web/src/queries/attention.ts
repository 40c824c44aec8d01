import { RUNAWAY_AGENTS } from "../api/tree.ts";
import type { Sql } from "../server/database.ts";
import { isKilled } from "./stop-of.ts";

export interface AttentionRow {
  kind: "alert" | "runaway" | "errors" | "unknown_cost" | "sla_missed";
  session_id: string | null;
  label: string;
  count: string;
  of: string | null;
  detail: string | null;
  time: string;
}

const EACH = 4;

/** What of the last 24 hours should a person look at? At most four of a kind, the worst first. */
export function attention(sql: Sql): Promise<AttentionRow[]> {
  return sql<AttentionRow[]>`
    with roots as materialized (select session_id, root_id from session_roots),
    recent as materialized (
      select coalesce(r.root_id, s.session_id) as root_id, s.errors, s.last_error, s.last_error_time
      from sessions s left join roots r on r.session_id = s.session_id
      where s.last_time > now() - interval '24 hours'
        -- who was killed needs nobody any more
        and not ${isKilled(sql, sql`s.project`, sql`coalesce(r.root_id, s.session_id)`)}
    ),
    spawned as materialized (
      select coalesce(r.root_id, g.session_id) as session_id, g.first_time
      from agents g left join roots r on r.session_id = g.session_id
      where g.first_time > now() - interval '24 hours' and g.parent_agent_id is not null and g.parent_agent_id <> g.agent_id
    ),
    -- few sessions spawn so many: only theirs are put in order
    counted as (
      select *, count(*) over (partition by session_id order by first_time range between interval '60 seconds' preceding and current row) as in_minute
      from spawned where session_id in (select session_id from spawned group by session_id having count(*) > ${RUNAWAY_AGENTS})
    ),
    runaways as (
      select 'runaway' as kind, c.session_id, coalesce(s.agent_name, c.session_id) as label, c.peak as count, null::bigint as of, s.channel as detail, c.last as time
      from (select session_id, max(in_minute) as peak, max(first_time) as last from counted group by session_id having max(in_minute) > ${RUNAWAY_AGENTS}) c
      left join sessions s on s.session_id = c.session_id
      -- a rule that says the same is enough
      where not exists (select from alert_events e where e.session_id = c.session_id and e.kind = 'sub_agents' and e.resolved_at is null)
        and not ${isKilled(sql, sql`s.project`, sql`c.session_id`)}
      order by c.peak desc limit ${EACH}
    ),
    failing as (
      select 'errors' as kind, f.root_id as session_id, coalesce(s.agent_name, f.root_id) as label, f.count, null::bigint as of, f.detail, f.time
      from (
        select root_id, sum(errors)::bigint as count, (array_agg(last_error order by last_error_time desc))[1] as detail, max(last_error_time) as time
        from recent where errors > 0 and last_error_time > now() - interval '24 hours' group by root_id order by time desc limit ${EACH}
      ) f left join sessions s on s.session_id = f.root_id
    ),
    hours as materialized (select * from place_hour where hour > now() - interval '25 hours'),
    unpriced as (
      select 'unknown_cost' as kind, null as session_id, model as label, sum(unknown_cost_calls)::bigint as count, sum(calls)::bigint as of, nullif(pool, '') as detail, max(hour) as time
      from hours group by model, pool having sum(unknown_cost_calls) > 0 order by count desc limit ${EACH}
    ),
    late as (
      select 'sla_missed' as kind, null as session_id, route as label, sum(sla_missed)::bigint as count, sum(sla_met + sla_missed)::bigint as of, nullif(sla_class, '') as detail, max(hour) as time
      from hours group by route, sla_class having sum(sla_missed) * 10 > sum(sla_met + sla_missed) order by count desc limit ${EACH}
    ),
    firing as (
      select 'alert' as kind, session_id, message as label, 1::bigint as count, null::bigint as of, rule_name as detail, fired_at as time
      from alert_events where resolved_at is null and acknowledged_at is null order by fired_at desc limit ${EACH}
    )
    select * from firing union all select * from runaways union all select * from failing union all select * from late union all select * from unpriced`;
}
