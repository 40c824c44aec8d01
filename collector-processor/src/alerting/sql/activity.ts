import { micros, moment } from "./members.ts";

/**
 * When was anything heard from $1 to $2, in steps of $5 microseconds, and when last before? $3: a project, or ''. $4: the name of the
 * root agent, or ''.
 */
export const ACTIVITY = `
with heard as materialized (
  select session_id, first_time, last_time from signalbox.sessions
  where $3::text in ('', project) and $4::text in ('', agent_name)
),
before as (select max(last_time) as last_time from heard where last_time < ${moment("$1")})
select ${micros("last_time")} as start, ${micros("last_time")} as end from before where last_time is not null
union all
select ${micros("min(span.start_time)")}, ${micros("max(span.start_time + span.duration_ns / 1000 * interval '1 microsecond')")}
from heard join signalbox.spans span using (session_id)
where heard.last_time >= ${moment("$1")} and heard.first_time <= ${moment("$2")}
  and span.start_time >= ${moment("$1")} and span.start_time <= ${moment("$2")}
group by date_bin($5::bigint * interval '1 microsecond', span.start_time, timestamptz 'epoch')
order by start`;
