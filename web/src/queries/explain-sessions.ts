import type { Sql, SqlPart } from "../server/database.ts";
import { countedOfCall, type ExplainCostRow, type ExplainRange, MOST, periodSums, ranked } from "./explain-cost.ts";
import { rootsOfCalls } from "./roots-of-calls.ts";
import { changesBetween, foldChanges } from "./sessions-between.ts";

/**
 * Which sessions and agents cost more or less in a range than in the one before it? The agents are all those of the sessions that changed most, so that
 * their trees can be added up.
 */
export function explainSessions(sql: Sql, range: ExplainRange): Promise<ExplainCostRow[]> {
  const { calls, changes, roots, ofSessions } = range.source === "spans" ? fromSpans(sql, range) : fromHours(sql, range);
  return sql<ExplainCostRow[]>`
    with ${calls} roots as materialized (${roots}),
    top as materialized (
      select session_id from (${changes}) changes (session_id, calls, change) order by abs(change) desc, calls desc, session_id limit ${MOST}
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
    select * from ranked where by = 'agent' or place <= ${MOST} order by by, place`;
}

interface Sources {
  /** Parts of the statement's WITH that the others read. */
  calls: SqlPart;
  /** Rows as changesBetween has them. */
  changes: SqlPart;
  /** Of those sessions that stand for another one, at least: session_id, root_id. */
  roots: SqlPart;
  /** Rows of what is counted by session, agent and is_now, of these ids under the name of their root. What compares is of the total alone. */
  ofSessions(members: SqlPart): SqlPart;
}

function fromSpans(sql: Sql, { beforeFrom, from, to }: ExplainRange): Sources {
  return {
    calls: sql`
      calls as materialized (
        select c.session_id, c.agent_id, c.start_time >= ${from}::timestamptz as is_now, ${countedOfCall(sql)}
        from spans c where c.start_time >= ${beforeFrom}::timestamptz and c.start_time < ${to}::timestamptz and c.is_call
      ),`,
    changes: foldChanges(sql, sql`select session_id, is_now, calls, cost_nusd from calls`),
    roots: rootsOfCalls(sql),
    ofSessions: (members) => sql`
      select m.root_id as session_id, c.agent_id, c.is_now, c.calls, c.errors, c.cost_nusd, c.unknown, 0 as comparable_cost_nusd, 0 as comparable_baseline_nusd
      from (${members}) m join calls c on c.session_id = m.session_id`,
  };
}

function fromHours(sql: Sql, { beforeFrom, from, to }: ExplainRange): Sources {
  return {
    calls: sql``,
    changes: changesBetween(sql, { beforeFrom, from, to }),
    roots: sql`select session_id, root_id from session_roots`,
    ofSessions: (members) => sql`
      select m.root_id as session_id, c.agent_id, c.hour >= ${from}::timestamptz as is_now, c.calls, c.errors, c.cost_nusd, c.unknown_cost_calls as unknown,
        0 as comparable_cost_nusd, 0 as comparable_baseline_nusd
      from (${members}) m cross join lateral (
        select * from session_hour c where c.session_id = m.session_id and c.hour >= ${beforeFrom}::timestamptz and c.hour < ${to}::timestamptz offset 0
      ) c`,
  };
}
