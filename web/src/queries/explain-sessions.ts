import type { Sql, SqlPart } from "../server/database.ts";
import { countedOfCall, type ExplainCostRow, type ExplainRange, MOST, periodSums, ranked } from "./explain-cost.ts";
import { type SessionSiliconRow, siliconsBetween, siliconsOfCalls } from "./explain-silicons.ts";
import { endOfMinute } from "./minutes.ts";
import { rootsOfCalls } from "./roots-of-calls.ts";
import { belongingBetween, largestChanges, startOf } from "./sessions-between.ts";
import { written } from "./sql-parts.ts";

/** Rows by session and agent; that of the largest change says how many sessions ran mostly where, the most first. */
export type ExplainSessionRow = ExplainCostRow & { sessions_by_silicon: SessionSiliconRow[] | null };

/**
 * Which sessions and agents cost more or less in a range than in the one before it, and where did the range's sessions run? The agents are all those of
 * the sessions that changed most, so that their trees can be added up.
 */
export function explainSessions(sql: Sql, range: ExplainRange): Promise<ExplainSessionRow[]> {
  const { sources, changes, ofSessions } = range.source === "hours" ? fromHours(sql, range) : fromSpans(sql, range);
  return sql<ExplainSessionRow[]>`
    with ${sources},
    top as materialized (
      select session_id from (${changes}) changes (session_id, calls, change) order by abs(change) desc, calls desc, session_id limit ${written(sql, MOST)}
    ),
    of_top as materialized (${ofSessions(sql`
      select session_id, session_id as root_id from top union all select session_id, root_id from roots where root_id in (select session_id from top)`)}),
    ${ranked(
      sql,
      sql`
      select case grouping(agent_id) when 1 then 'session' else 'agent' end as by, session_id, agent_id, null as route, null as pool, null as silicon,
        null as model, ${periodSums(sql)}
      from of_top group by grouping sets ((session_id), (session_id, agent_id))`,
    )}
    select *, case when by = 'session' and place = 1 then (select json_agg(s order by sessions desc, silicon) from silicons s) end as sessions_by_silicon
    from ranked where by = 'agent' or place <= ${written(sql, MOST)} order by by, place`;
}

interface Sources {
  /** Parts of the statement's WITH: `silicons`, and what the others read, of which `roots` has session_id and root_id of what stands for another session. */
  sources: SqlPart;
  /** Rows as largestChanges has them. */
  changes: SqlPart;
  /** Rows of what is counted by session, agent and is_now, of these ids under the name of their root. What compares is of the total alone. */
  ofSessions(members: SqlPart): SqlPart;
}

function fromSpans(sql: Sql, { beforeFrom, from, to }: ExplainRange): Sources {
  return {
    sources: sql`
      calls as materialized (
        select c.session_id, c.agent_id, c.silicon, c.start_time >= ${from}::timestamptz as is_now, ${countedOfCall(sql)}
        from spans c where c.start_time >= ${beforeFrom}::timestamptz and c.start_time < ${endOfMinute(sql, to)} and c.is_call
      ),
      roots as materialized (${rootsOfCalls(sql)}),
      ${siliconsOfCalls(sql)}`,
    changes: sql`
      select coalesce(r.root_id, c.session_id), sum_bigint(c.calls), sum_bigint(case when c.is_now then c.cost_nusd else -c.cost_nusd end)
      from calls c left join roots r on r.session_id = c.session_id group by 1`,
    ofSessions: (members) => sql`
      select m.root_id as session_id, c.agent_id, c.is_now, c.calls, c.errors, c.cost_nusd, c.unknown, 0 as comparable_cost_nusd, 0 as comparable_baseline_nusd
      from (${members}) m join calls c on c.session_id = m.session_id`,
  };
}

function fromHours(sql: Sql, range: ExplainRange): Sources {
  const start = startOf(sql, range.from);
  return {
    sources: sql`${belongingBetween(sql, range)}, ${siliconsBetween(sql, range)}`,
    changes: largestChanges(sql, range, written(sql, MOST)),
    ofSessions: (members) => sql`
      select m.root_id as session_id, c.agent_id, c.hour >= ${start} as is_now, c.calls, c.errors, c.cost_nusd, c.unknown_cost_calls as unknown,
        0 as comparable_cost_nusd, 0 as comparable_baseline_nusd
      from (${members}) m cross join lateral (
        select * from session_hour c where c.session_id = m.session_id and c.hour >= ${startOf(sql, range.beforeFrom)} and c.hour < ${startOf(sql, range.to)} offset 0
      ) c`,
  };
}
