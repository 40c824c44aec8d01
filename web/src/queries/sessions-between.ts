import type { Sql, SqlPart } from "../server/database.ts";

/** Whole hours, or times within one, which then counts whole. */
export interface TwoPeriods {
  beforeFrom: string;
  from: string;
  to: string;
}

const MOST_BIGINT = "9223372036854775807";

/** In brackets a bound is worked out once, not once a row. */
export const startOf = (sql: Sql, from: string): SqlPart => sql`(select ${from}::timestamptz)`;
/** The end of the hour that `to` is in. */
export const endOf = (sql: Sql, to: string): SqlPart =>
  sql`(select date_bin('1 hour', ${to}::timestamptz - interval '1 microsecond', '2000-01-01Z') + interval '1 hour')`;

/** That a session cost as much as this, or more. Of two bounds the planner expects few rows, as they are, and takes the index. */
export const isNoLess = (sql: Sql, cost: SqlPart): SqlPart => sql`cost_nusd >= (${cost}) and cost_nusd <= (select ${MOST_BIGINT}::bigint)`;

/**
 * Parts of a statement's WITH. `roots`: session_id and root_id of those that stand for another session. `related`: the ids of these, and of those that
 * others stand for. `belonging`: the rows of sessions of these few that overlap the two periods. What any other session did is a matter of its own row.
 */
export function belongingBetween(sql: Sql, { beforeFrom, to }: TwoPeriods): SqlPart {
  return sql`
    roots as materialized (select session_id, root_id from session_roots),
    related as materialized (select session_id from roots union all select distinct root_id from roots),
    belonging as materialized (
      select session_id, first_time, last_time, calls, cost_nusd, cpu_calls, gpu_calls, npu_calls, cloud_calls from sessions
      -- an array, so that they are found in the order of the index, which takes half as long as one by one
      where session_id = any (array(select session_id from related)) and first_time < ${endOf(sql, to)} and last_time >= ${startOf(sql, beforeFrom)}
    )`;
}

/**
 * Which root sessions changed most between two periods that follow each other, [beforeFrom, from) and [from, to): rows of session_id, calls of both and
 * change (what the second cost beyond the first), in any order; the first `most` by the size of their change, then by calls, then by session_id, are among
 * them. A session that lies within one period is its own counters; of the others the hours are added up. Reads belongingBetween's parts.
 *
 * No change is larger than what a session cost in all its time, so sessions are read from the dearest down, by the index: as many of those within one
 * period as are asked for, and of those that a period's end cuts the ones that cost no less than the last of them.
 */
export function largestChanges(sql: Sql, { beforeFrom, from, to }: TwoPeriods, most: number): SqlPart {
  const start = startOf(sql, from);
  const end = endOf(sql, to);
  const isNow = sql`s.first_time >= ${start}`;
  const overlaps = sql`s.first_time < ${end} and s.last_time >= ${beforeFrom}::timestamptz`;
  const isWithin = sql`(s.last_time < ${start} and s.first_time >= ${beforeFrom}::timestamptz or ${isNow} and s.last_time < ${end})`;
  return sql`
    with own as materialized (
      select s.session_id, s.calls, case when ${isNow} then s.cost_nusd else -s.cost_nusd end as change
      from sessions s where ${isWithin} and s.calls > 0 and s.session_id not in (select session_id from related)
      order by s.cost_nusd desc, s.calls desc, s.session_id limit ${most}
    ),
    cut as (
      select s.session_id from sessions s
      where ${isNoLess(sql, sql`select case when count(*) = ${most} then min(abs(change)) else 0 end from own`)} and ${overlaps} and not ${isWithin} and s.session_id not in (select session_id from related)
      union all
      select s.session_id from belonging s where not ${isWithin}
    )
    select session_id, calls, change from own
    union all
    ${foldChanges(
      sql,
      sql`
        select s.session_id, ${isNow} as is_now, s.calls, s.cost_nusd from belonging s where ${isWithin} and s.calls > 0
        union all
        select s.session_id, h.* from cut s cross join lateral (
          select hour >= ${start} as is_now, sum(calls)::bigint as calls, sum(cost_nusd)::bigint as cost_nusd
          from session_hour where session_id = s.session_id and hour >= ${beforeFrom}::timestamptz and hour < ${to}::timestamptz group by 1
        ) h`,
    )}`;
}

/** Rows `parts` of session_id, is_now (the second period), calls and cost_nusd, as largestChanges has them. Reads `roots`, too. */
export const foldChanges = (sql: Sql, parts: SqlPart): SqlPart => sql`
  select coalesce(r.root_id, c.session_id) as session_id, sum_bigint(c.calls) as calls,
    sum_bigint(case when c.is_now then c.cost_nusd else -c.cost_nusd end) as change
  from (${parts}) c left join roots r on r.session_id = c.session_id group by 1`;
