import { SILICONS } from "@signalbox/otel/conventions";
import type { Sql, SqlPart } from "../server/database.ts";
import type { ExplainRange } from "./explain-cost.ts";
import { projects } from "./projects.ts";
import { eachSilicon, endOf, startOf } from "./sessions-between.ts";

/** How many root sessions made most of their calls on this silicon; '' is any other kind, or none that was said. */
export interface SessionSiliconRow {
  silicon: string;
  sessions: number;
}

/** Where did the sessions of a range run? Parts of a statement's WITH, to `silicons`, rows of SessionSiliconRow. From the query's own `calls` and `roots`. */
export const siliconsOfCalls = (sql: Sql): SqlPart => sql`
  silicons as (
    select ${mostOf(sql, sql`f`)} as silicon, count(*)::int as sessions from (
      select count(*) as calls, ${eachSilicon(sql, (silicon, calls) => sql`count(*) filter (where c.silicon = ${silicon}) as ${calls}`)}
      from calls c left join roots r on r.session_id = c.session_id where c.is_now group by coalesce(r.root_id, c.session_id)
    ) f group by 1
  )`;

/**
 * The same from sessions and their hours. A session that lies within the range is counted by what it says itself, from an index; then those that belong
 * together are taken out and counted by root, and of those that an end of the range cuts the hours are added up. Reads belongingBetween's parts.
 */
export function siliconsBetween(sql: Sql, { from, to }: Pick<ExplainRange, "from" | "to">): SqlPart {
  const start = startOf(sql, from);
  const end = endOf(sql, to);
  const isWithin = sql`(s.first_time >= ${start} and s.last_time < ${end})`;
  const overlaps = sql`s.first_time < ${end} and s.last_time >= ${start}`;
  return sql`
    seen as materialized (
      select s.* from (${projects(sql)}) p cross join lateral (
        select s.silicon, case when not ${isWithin} then s.session_id end as cut_id, count(*) as sessions
        from sessions s where s.project = p.project and ${overlaps} group by 1, 2
      ) s
    ),
    cut_sessions as (
      select h.* from (select cut_id as session_id from seen where cut_id is not null and cut_id not in (select session_id from belonging)) s
      cross join lateral (
        select coalesce(sum(calls), 0)::bigint as calls,
          ${eachSilicon(sql, (silicon, calls) => sql`coalesce(sum(calls) filter (where silicon = ${silicon}), 0)::bigint as ${calls}`)}
        from session_hour where session_id = s.session_id and hour >= ${start} and hour < ${startOf(sql, to)}
      ) h
    ),
    most as (
      select silicon, sessions from seen where cut_id is null and silicon is not null
      union all
      select s.silicon, -count(*) from belonging s where s.is_within and s.is_now and s.silicon is not null group by s.silicon
      union all
      select ${mostOf(sql, sql`f`)}, 1 from (
        select calls, ${eachSilicon(sql, (_, calls) => calls)} from families where is_now
        union all
        select * from cut_sessions
      ) f where f.calls > 0
    ),
    silicons as (select silicon, sum(sessions)::int as sessions from most group by silicon having sum(sessions) > 0)`;
}

/** The silicon that most calls of a row ran on, as sessions.silicon has it; '' is any other kind, or none that was said. */
function mostOf(sql: Sql, row: SqlPart): SqlPart {
  const { cpu, gpu, npu, cloud } = Object.fromEntries(
    SILICONS.map((silicon) => [silicon, sql`${row}.${sql(`${silicon}_calls`)}`]),
  ) as Record<(typeof SILICONS)[number], SqlPart>;
  return sql`case greatest(${row}.calls - ${cpu} - ${gpu} - ${npu} - ${cloud}, ${cloud}, ${cpu}, ${gpu}, ${npu})
    when ${cloud} then 'cloud' when ${cpu} then 'cpu' when ${gpu} then 'gpu' when ${npu} then 'npu' else '' end`;
}
