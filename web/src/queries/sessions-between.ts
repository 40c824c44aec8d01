import type { Sql, SqlPart } from "../server/database.ts";

/** Whole hours, or times within one, which then counts whole. */
export interface TwoPeriods {
  beforeFrom: string;
  from: string;
  to: string;
}

/**
 * What each session did in two periods that follow each other, [beforeFrom, from) and [from, to): rows of session_id, is_now (the second), calls,
 * cost_nusd and calls by silicon. A session that lies within one is its own counters, and that row the only one of it (is_whole); only of the
 * others are the hours added up. Not folded: see session_roots.
 */
export function sessionsBetween(sql: Sql, { beforeFrom, from, to }: TwoPeriods): SqlPart {
  const end = sql`date_bin('1 hour', ${to}::timestamptz - interval '1 microsecond', '2000-01-01Z') + interval '1 hour'`;
  const isWithin = sql`(s.first_time >= ${from}::timestamptz and s.last_time < ${end} or s.first_time >= ${beforeFrom}::timestamptz and s.last_time < ${from}::timestamptz)`;
  const callsOf = (silicon: string) => sql`coalesce(sum(calls) filter (where silicon = ${silicon}), 0)::bigint`;
  return sql`
    select s.session_id, true as is_whole, s.first_time >= ${from}::timestamptz as is_now, s.calls, s.cost_nusd, s.cpu_calls, s.gpu_calls, s.npu_calls, s.cloud_calls
    from sessions s where ${isWithin} and s.calls > 0
    union all
    select s.session_id, false, h.* from sessions s cross join lateral (
      select hour >= ${from}::timestamptz as is_now, sum(calls)::bigint as calls, sum(cost_nusd)::bigint as cost_nusd,
        ${callsOf("cpu")}, ${callsOf("gpu")}, ${callsOf("npu")}, ${callsOf("cloud")}
      from session_hour where session_id = s.session_id and hour >= ${beforeFrom}::timestamptz and hour < ${to}::timestamptz group by 1
    ) h
    where s.first_time < ${end} and s.last_time >= ${beforeFrom}::timestamptz and not ${isWithin}`;
}

/**
 * Those rows (`sessions`) by root session, one each: session_id; calls, and change, what the second period cost beyond the first; now_calls and the
 * calls by silicon, of the second. Reads the query's own `roots`: session_id and root_id of those that stand for another session.
 */
export function addRoots(sql: Sql, sessions: SqlPart): SqlPart {
  const sum = (column: string) => sql`sum(c.${sql(column)})::bigint`;
  const nowSum = (column: string) => sql`coalesce(sum(c.${sql(column)}) filter (where c.is_now), 0)::bigint`;
  return sql`
    with parts as materialized (${sessions}),
    related as materialized (select session_id from roots union select root_id from roots)
    -- most sessions are one row that no other row belongs to: only the rest is added up
    select session_id, calls, case when is_now then cost_nusd else -cost_nusd end as change, case when is_now then calls else 0 end as now_calls,
      cpu_calls, gpu_calls, npu_calls, cloud_calls
    from parts where is_whole and session_id not in (select session_id from related)
    union all
    select coalesce(r.root_id, c.session_id), ${sum("calls")}, sum(case when c.is_now then c.cost_nusd else -c.cost_nusd end)::bigint, ${nowSum("calls")},
      ${nowSum("cpu_calls")}, ${nowSum("gpu_calls")}, ${nowSum("npu_calls")}, ${nowSum("cloud_calls")}
    from parts c left join roots r on r.session_id = c.session_id
    where not c.is_whole or c.session_id in (select session_id from related)
    group by 1`;
}
