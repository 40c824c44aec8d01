import { RUNAWAY_AGENTS } from "../api/tree.ts";
import type { Sql } from "../server/database.ts";

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
    with recent as materialized (
      select s.* from sessions s
      where s.last_time > now() - interval '24 hours' and not exists (select from session_aliases a where a.alias = s.session_id)
    ),
    spawns as (
      select g.session_id, count(*) over (partition by g.session_id order by g.first_time range between interval '60 seconds' preceding and current row) as in_minute, g.first_time
      from agents g join recent using (session_id)
      where g.parent_agent_id is not null and g.parent_agent_id <> g.agent_id
    ),
    runaways as (
      select 'runaway' as kind, session_id, coalesce(r.agent_name, session_id) as label, s.peak as count, null::bigint as of, r.channel as detail, s.last as time
      from (select session_id, max(in_minute) as peak, max(first_time) as last from spawns group by session_id having max(in_minute) > ${RUNAWAY_AGENTS}) s
      join recent r using (session_id)
      -- a rule that says the same is enough
      where not exists (select from alert_events e where e.session_id = s.session_id and e.kind = 'sub_agents' and e.resolved_at is null)
      order by s.peak desc limit ${EACH}
    ),
    failing as (
      select 'errors' as kind, session_id, coalesce(agent_name, session_id) as label, errors as count, null::bigint as of, last_error as detail, last_error_time as time
      from recent where errors > 0 and last_error_time > now() - interval '24 hours' order by last_error_time desc limit ${EACH}
    ),
    hours as materialized (select * from route_hour where hour > now() - interval '25 hours'),
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
