import type { Sql, SqlPart } from "../server/database.ts";
import type { ExplainRange } from "./explain-cost.ts";
import { relatedIds } from "./related-sessions.ts";
import { rootsOfCalls } from "./roots-of-calls.ts";
import { endOf, startOf } from "./sessions-between.ts";

/** How many root sessions made most of their calls on this silicon; '' is any other kind, or none that was said. */
export interface SessionSiliconRow {
  silicon: string;
  sessions: number;
}

const SILICONS = ["cpu", "gpu", "npu", "cloud"] as const;

/** Where did the sessions of a range run? A statement of its own, so that it is answered while those that cost most are sought. */
export function explainSilicons(sql: Sql, range: ExplainRange): Promise<SessionSiliconRow[]> {
  return sql<SessionSiliconRow[]>`
    ${range.source === "spans" ? fromSpans(sql, range) : fromHours(sql, range)}
    select silicon, count(*)::int as sessions from most group by silicon order by sessions desc, silicon`;
}

/** A statement's WITH, to `most`: a row of each root session. */
function fromSpans(sql: Sql, { from, to }: ExplainRange): SqlPart {
  return sql`
    with calls as materialized (
      select session_id, silicon from spans where start_time >= ${from}::timestamptz and start_time < ${to}::timestamptz and is_call
    ),
    roots as materialized (${rootsOfCalls(sql)}),
    most as (
      select ${mostOf(sql, sql`f`)} as silicon from (
        select count(*) as calls, ${listed(sql, (silicon) => sql`count(*) filter (where c.silicon = ${silicon}) as ${sql(`${silicon}_calls`)}`)}
        from calls c left join roots r on r.session_id = c.session_id group by coalesce(r.root_id, c.session_id)
      ) f
    )`;
}

function fromHours(sql: Sql, { from, to }: ExplainRange): SqlPart {
  const start = startOf(sql, from);
  const end = endOf(sql, to);
  const isWithin = sql`(s.first_time >= ${start} and s.last_time < ${end})`;
  const ofSilicons = listed(sql, (silicon) => sql`s.${sql(`${silicon}_calls`)}`);
  return sql`
    with roots as materialized (select session_id, root_id from session_roots),
    related as materialized (${relatedIds(sql)}),
    -- as changesBetween has them, of the one period
    rest as materialized (
      select s.session_id, ${isWithin} as is_whole, s.calls, ${ofSilicons}
      from sessions s where s.first_time < ${end} and s.last_time >= ${start} and (not ${isWithin} or s.session_id in (select session_id from related))
    ),
    parts as (
      select s.session_id, s.calls, ${ofSilicons} from rest s where s.is_whole
      union all
      select s.session_id, h.* from rest s cross join lateral (
        select sum(calls)::bigint as calls, ${listed(sql, (silicon) => sql`coalesce(sum(calls) filter (where silicon = ${silicon}), 0)::bigint`)}
        from session_hour where session_id = s.session_id and hour >= ${from}::timestamptz and hour < ${to}::timestamptz
      ) h where not s.is_whole
    ),
    most as (
      select ${mostOf(sql, sql`s`)} as silicon from sessions s where ${isWithin} and s.calls > 0 and s.session_id not in (select session_id from related)
      union all
      select ${mostOf(sql, sql`f`)} from (
        select sum_bigint(s.calls) as calls, ${listed(sql, (silicon) => sql`sum_bigint(s.${sql(`${silicon}_calls`)}) as ${sql(`${silicon}_calls`)}`)}
        from parts s left join roots r on r.session_id = s.session_id group by coalesce(r.root_id, s.session_id)
      ) f where f.calls > 0
    )`;
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
