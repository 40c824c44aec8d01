import type { Sql, SqlPart } from "../server/database.ts";

/** Whole hours, or times within one, which then counts whole. */
export interface TwoPeriods {
  beforeFrom: string;
  from: string;
  to: string;
}

const SILICONS = ["cpu", "gpu", "npu", "cloud"] as const;

/**
 * What each root session did in two periods that follow each other, [beforeFrom, from) and [from, to): one row each of session_id, calls of both,
 * change (what the second cost beyond the first) and silicon (see mostOf). A session that lies within one period is its own counters; of the others
 * the hours are added up. Reads the query's own `roots`: session_id and root_id of those that stand for another session.
 */
export function changesBetween(sql: Sql, { beforeFrom, from, to }: TwoPeriods): SqlPart {
  // in brackets they are worked out once, not once a row
  const start = sql`(select ${from}::timestamptz)`;
  const end = sql`(select date_bin('1 hour', ${to}::timestamptz - interval '1 microsecond', '2000-01-01Z') + interval '1 hour')`;
  const isNow = sql`s.first_time >= ${start}`;
  const overlaps = sql`s.first_time < ${end} and s.last_time >= ${beforeFrom}::timestamptz`;
  const isWithin = sql`(s.last_time < ${start} and s.first_time >= ${beforeFrom}::timestamptz or ${isNow} and s.last_time < ${end})`;
  const ofSilicons = listed(sql, (silicon) => sql`s.${sql(`${silicon}_calls`)}`);
  return sql`
    with related as materialized (select session_id from roots union select root_id from roots),
    rest as materialized (
      select s.session_id, ${isWithin} as is_whole, ${isNow} as is_now, s.calls, s.cost_nusd, ${ofSilicons}
      from sessions s where ${overlaps} and (not ${isWithin} or s.session_id in (select session_id from related))
    )
    -- most sessions are one row that no other row belongs to: only the rest is added up
    select s.session_id, s.calls, case when ${isNow} then s.cost_nusd else -s.cost_nusd end as change, case when ${isNow} then ${mostOf(sql, sql`s`)} end as silicon
    from sessions s where ${isWithin} and s.calls > 0 and s.session_id not in (select session_id from related)
    union all
    ${foldChanges(
      sql,
      sql`
        select s.session_id, s.is_now, s.calls, s.cost_nusd, ${ofSilicons} from rest s where s.is_whole and s.calls > 0
        union all
        select s.session_id, h.* from rest s cross join lateral (
          select hour >= ${start} as is_now, sum(calls)::bigint as calls, sum(cost_nusd)::bigint as cost_nusd,
            ${listed(sql, (silicon) => sql`coalesce(sum(calls) filter (where silicon = ${silicon}), 0)::bigint`)}
          from session_hour where session_id = s.session_id and hour >= ${beforeFrom}::timestamptz and hour < ${to}::timestamptz group by 1
        ) h where not s.is_whole`,
    )}`;
}

/** Rows `parts` of session_id, is_now (the second period), calls, cost_nusd and calls by silicon, as changesBetween has them. Reads `roots`, too. */
export function foldChanges(sql: Sql, parts: SqlPart): SqlPart {
  const nowSum = (column: string) => sql`coalesce(sum_bigint(c.${sql(column)}) filter (where c.is_now), 0) as ${sql(column)}`;
  return sql`
    select session_id, all_calls, change, case when calls > 0 then ${mostOf(sql, sql`f`)} end from (
      select coalesce(r.root_id, c.session_id) as session_id, sum_bigint(c.calls) as all_calls,
        sum_bigint(case when c.is_now then c.cost_nusd else -c.cost_nusd end) as change, ${nowSum("calls")},
        ${listed(sql, (silicon) => nowSum(`${silicon}_calls`))}
      from (${parts}) c left join roots r on r.session_id = c.session_id group by 1
    ) f`;
}

/** The silicon that most calls of a row ran on; '' is any other kind, or none that was said. */
function mostOf(sql: Sql, row: SqlPart): SqlPart {
  const { cpu, gpu, npu, cloud } = Object.fromEntries(
    SILICONS.map((silicon) => [silicon, sql`${row}.${sql(`${silicon}_calls`)}`]),
  ) as Record<(typeof SILICONS)[number], SqlPart>;
  return sql`case greatest(${row}.calls - ${cpu} - ${gpu} - ${npu} - ${cloud}, ${cloud}, ${cpu}, ${gpu}, ${npu})
    when ${cloud} then 'cloud' when ${cpu} then 'cpu' when ${gpu} then 'gpu' when ${npu} then 'npu' else '' end`;
}

const listed = (sql: Sql, part: (silicon: string) => SqlPart): SqlPart => SILICONS.map(part).reduce((all, one) => sql`${all}, ${one}`);
