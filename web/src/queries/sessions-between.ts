import type { Sql, SqlPart } from "../server/database.ts";

/** Whole hours, or times within one, which then counts whole. */
export interface TwoPeriods {
  beforeFrom: string;
  from: string;
  to: string;
}

/**
 * What each session did in two periods that follow each other, [beforeFrom, from) and [from, to): rows of session_id, is_now (the second), calls,
 * cost_nusd and calls by silicon. A session that lies within one is its own counters; only of the others are the hours added up.
 * Not folded: see session_roots.
 */
export function sessionsBetween(sql: Sql, { beforeFrom, from, to }: TwoPeriods): SqlPart {
  const end = sql`date_bin('1 hour', ${to}::timestamptz - interval '1 microsecond', '2000-01-01Z') + interval '1 hour'`;
  const isWithin = sql`(s.first_time >= ${from}::timestamptz and s.last_time < ${end} or s.first_time >= ${beforeFrom}::timestamptz and s.last_time < ${from}::timestamptz)`;
  const callsOf = (silicon: string) => sql`coalesce(sum(calls) filter (where silicon = ${silicon}), 0)::bigint`;
  return sql`
    select s.session_id, s.first_time >= ${from}::timestamptz as is_now, s.calls, s.cost_nusd, s.cpu_calls, s.gpu_calls, s.npu_calls, s.cloud_calls
    from sessions s where ${isWithin} and s.calls > 0
    union all
    select s.session_id, h.* from sessions s cross join lateral (
      select hour >= ${from}::timestamptz as is_now, sum(calls)::bigint as calls, sum(cost_nusd)::bigint as cost_nusd,
        ${callsOf("cpu")}, ${callsOf("gpu")}, ${callsOf("npu")}, ${callsOf("cloud")}
      from session_hour where session_id = s.session_id and hour >= ${beforeFrom}::timestamptz and hour < ${to}::timestamptz group by 1
    ) h
    where s.first_time < ${end} and s.last_time >= ${beforeFrom}::timestamptz and not ${isWithin}`;
}
