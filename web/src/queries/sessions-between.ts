import type { Sql, SqlPart } from "../server/database.ts";

export interface HoursBetween {
  /** Whole hours: of both, those that begin in [from, to). */
  from: string;
  to: string;
}

/**
 * What each session did between two hours: rows of session_id, calls, cost_nusd and calls by silicon, one an id that has rows. A session
 * that lies within is its own counters; only of those that reach out of it are the hours added up. Not folded: see session_roots.
 */
export function sessionsBetween(sql: Sql, { from, to }: HoursBetween): SqlPart {
  const end = sql`date_bin('1 hour', ${to}::timestamptz - interval '1 microsecond', '2000-01-01Z') + interval '1 hour'`;
  const isWithin = sql`s.first_time >= ${from}::timestamptz and s.last_time < ${end}`;
  const callsOf = (silicon: string) => sql`coalesce(sum(calls) filter (where silicon = ${silicon}), 0)::bigint`;
  return sql`
    select s.session_id, s.calls, s.cost_nusd, s.cpu_calls, s.gpu_calls, s.npu_calls, s.cloud_calls from sessions s where ${isWithin} and s.calls > 0
    union all
    select s.session_id, h.* from sessions s cross join lateral (
      select sum(calls)::bigint as calls, sum(cost_nusd)::bigint as cost_nusd, ${callsOf("cpu")}, ${callsOf("gpu")}, ${callsOf("npu")}, ${callsOf("cloud")}
      from session_hour where session_id = s.session_id and hour >= ${from}::timestamptz and hour < ${to}::timestamptz
    ) h
    where s.first_time < ${end} and s.last_time >= ${from}::timestamptz and not (${isWithin}) and h.calls > 0`;
}
