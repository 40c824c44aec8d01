import { SILICONS } from "@signalbox/otel/conventions";
import type { Sql, SqlPart } from "../server/database.ts";
import { listed } from "./sql-parts.ts";

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

/** A part of a list for each kind of silicon. */
export const eachSilicon = (sql: Sql, part: (silicon: string, calls: SqlPart) => SqlPart): SqlPart =>
  listed(
    sql,
    SILICONS.map((silicon) => part(silicon, sql`${sql(`${silicon}_calls`)}`)),
  );

/**
 * Parts of a statement's WITH. `roots`: session_id and root_id of those that stand for another session, in the two periods at least. `belonging`: of these,
 * and of those that they stand for, the rows of sessions that overlap the two periods, with root_id, is_within (one of the periods) and is_now (the second
 * one). What any other session did there is a matter of its own row. `families`: what these did, by root_id and is_now.
 */
export function belongingBetween(sql: Sql, { beforeFrom, from, to }: TwoPeriods): SqlPart {
  const isTrace = (id: SqlPart) => sql`split_part(${id}, e'\\x1f', -1) like 't:%'`;
  const isNow = isNowOf(sql, { from });
  const isWithin = isWithinOne(sql, { beforeFrom, from, to });
  const rows = sql`
    select session_id, ${isNow} as is_now, ${isWithin} as is_within, calls, cost_nusd, silicon, ${eachSilicon(sql, (_, calls) => calls)} from sessions s
    where first_time < ${endOf(sql, to)} and last_time >= ${startOf(sql, beforeFrom)}`;
  return sql`
    roots as materialized (select session_id, root_id from roots_between(${startOf(sql, beforeFrom)}, ${endOf(sql, to)})),
    belonging as materialized (
      -- most are traces, which have an index
      select s.*, r.root_id from (${rows} and ${isTrace(sql`session_id`)} offset 0) s join roots r on r.session_id = s.session_id
      union all
      select s.*, coalesce(r.root_id, s.session_id) from (
        -- an array, so that they are found in the order of the index, which takes half as long as one by one
        ${rows} and session_id = any (array(
          select id from (select session_id as id from roots where not ${isTrace(sql`session_id`)} union select root_id from roots) r order by id collate "C"
        )) offset 0
      ) s left join roots r on r.session_id = s.session_id where r.session_id is null or not ${isTrace(sql`s.session_id`)}
    ),
    families as materialized (
      select root_id, is_now, sum_bigint(calls) as calls, sum_bigint(cost_nusd) as cost_nusd, ${eachSilicon(sql, (_, calls) => sql`sum_bigint(${calls}) as ${calls}`)}
      from (
        select root_id, is_now, calls, cost_nusd, ${eachSilicon(sql, (_, calls) => calls)} from belonging where is_within and calls > 0
        union all
        select s.root_id, h.* from belonging s cross join lateral (${hoursOfSession(sql, { beforeFrom, from, to })}) h where not s.is_within
      ) s group by root_id, is_now
    )`;
}

const isNowOf = (sql: Sql, { from }: Pick<TwoPeriods, "from">): SqlPart => sql`s.first_time >= ${startOf(sql, from)}`;
/** A session `s` lies within one of the periods. */
const isWithinOne = (sql: Sql, { beforeFrom, from, to }: TwoPeriods): SqlPart => sql`
  (s.last_time < ${startOf(sql, from)} and s.first_time >= ${startOf(sql, beforeFrom)} or ${isNowOf(sql, { from })} and s.last_time < ${endOf(sql, to)})`;

/** What the hours of a session `s` add up to in each period. */
const hoursOfSession = (sql: Sql, { beforeFrom, from, to }: TwoPeriods): SqlPart => sql`
  select hour >= ${startOf(sql, from)} as is_now, sum(calls)::bigint as calls, sum(cost_nusd)::bigint as cost_nusd,
    ${eachSilicon(sql, (silicon) => sql`coalesce(sum(calls) filter (where silicon = ${silicon}), 0)::bigint`)}
  from session_hour where session_id = s.session_id and hour >= ${startOf(sql, beforeFrom)} and hour < ${startOf(sql, to)} group by 1`;

/**
 * Which root sessions changed most between two periods that follow each other, [beforeFrom, from) and [from, to): rows of session_id, calls of both and
 * change (what the second cost beyond the first), in any order; the first `most` by the size of their change, then by calls, then by session_id, are among
 * them. A session that lies within one period is its own counters; of the others the hours are added up. Reads belongingBetween's parts.
 *
 * No change is larger than what a session cost in all its time, so sessions are read from the dearest down, by the index: as many of those within one
 * period as are asked for, and of those that a period's end cuts the ones that cost no less than the last of them.
 */
export function largestChanges(sql: Sql, periods: TwoPeriods, most: SqlPart): SqlPart {
  const overlaps = sql`s.first_time < ${endOf(sql, periods.to)} and s.last_time >= ${startOf(sql, periods.beforeFrom)}`;
  const isWithin = isWithinOne(sql, periods);
  const isAlone = sql`s.session_id not in (select session_id from belonging)`;
  return sql`
    with own as materialized (
      select s.session_id, s.calls, case when ${isNowOf(sql, periods)} then s.cost_nusd else -s.cost_nusd end as change
      from sessions s where ${isWithin} and s.calls > 0 and ${isAlone}
      order by s.cost_nusd desc, s.calls desc, s.session_id limit ${most}
    )
    select session_id, calls, change from own
    union all
    select session_id, sum_bigint(calls) as calls, sum_bigint(case when is_now then cost_nusd else -cost_nusd end) as change from (
      select root_id as session_id, is_now, calls, cost_nusd from families
      union all
      select s.session_id, h.is_now, h.calls, h.cost_nusd from (
        select session_id from sessions s
        where ${isNoLess(sql, sql`select case when count(*) = ${most} then min(abs(change)) else 0 end from own`)} and ${overlaps}
          -- in this order: hardly any is cut, and to look for one all that belong are put into a hash
          and case when ${isWithin} then false else ${isAlone} end
      ) s cross join lateral (${hoursOfSession(sql, periods)}) h
    ) parts group by session_id`;
}
