import type { Sql, SqlPart } from "../server/database.ts";
import { relatedIds } from "./related-sessions.ts";

/** Whole hours, or times within one, which then counts whole. */
export interface TwoPeriods {
  beforeFrom: string;
  from: string;
  to: string;
}

/** In brackets a bound is worked out once, not once a row. */
export const startOf = (sql: Sql, from: string): SqlPart => sql`(select ${from}::timestamptz)`;
/** The end of the hour that `to` is in. */
export const endOf = (sql: Sql, to: string): SqlPart =>
  sql`(select date_bin('1 hour', ${to}::timestamptz - interval '1 microsecond', '2000-01-01Z') + interval '1 hour')`;

/**
 * What each root session did in two periods that follow each other, [beforeFrom, from) and [from, to): one row each of session_id, calls of both and
 * change (what the second cost beyond the first). A session that lies within one period is its own counters; of the others the hours are added up. Reads
 * the query's own `roots`: session_id and root_id of those that stand for another session.
 */
export function changesBetween(sql: Sql, { beforeFrom, from, to }: TwoPeriods): SqlPart {
  const start = startOf(sql, from);
  const end = endOf(sql, to);
  const isNow = sql`s.first_time >= ${start}`;
  const overlaps = sql`s.first_time < ${end} and s.last_time >= ${beforeFrom}::timestamptz`;
  const isWithin = sql`(s.last_time < ${start} and s.first_time >= ${beforeFrom}::timestamptz or ${isNow} and s.last_time < ${end})`;
  return sql`
    with related as materialized (${relatedIds(sql)}),
    rest as materialized (
      select s.session_id, ${isWithin} as is_whole, ${isNow} as is_now, s.calls, s.cost_nusd
      from sessions s where ${overlaps} and (not ${isWithin} or s.session_id in (select session_id from related))
    )
    -- most sessions are one row that no other row belongs to: only the rest is added up
    select s.session_id, s.calls, case when ${isNow} then s.cost_nusd else -s.cost_nusd end as change
    from sessions s where ${isWithin} and s.calls > 0 and s.session_id not in (select session_id from related)
    union all
    ${foldChanges(
      sql,
      sql`
        select s.session_id, s.is_now, s.calls, s.cost_nusd from rest s where s.is_whole and s.calls > 0
        union all
        select s.session_id, h.* from rest s cross join lateral (
          select hour >= ${start} as is_now, sum(calls)::bigint as calls, sum(cost_nusd)::bigint as cost_nusd
          from session_hour where session_id = s.session_id and hour >= ${beforeFrom}::timestamptz and hour < ${to}::timestamptz group by 1
        ) h where not s.is_whole`,
    )}`;
}

/** Rows `parts` of session_id, is_now (the second period), calls and cost_nusd, as changesBetween has them. Reads `roots`, too. */
export const foldChanges = (sql: Sql, parts: SqlPart): SqlPart => sql`
  select coalesce(r.root_id, c.session_id) as session_id, sum_bigint(c.calls) as calls,
    sum_bigint(case when c.is_now then c.cost_nusd else -c.cost_nusd end) as change
  from (${parts}) c left join roots r on r.session_id = c.session_id group by 1`;
