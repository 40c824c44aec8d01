import { ACTIVE_WINDOW_MS } from "../model/time.ts";
import type { Sql } from "../server/database.ts";

export interface SessionActivityRow {
  descendants: number;
  active_agents: number;
  calls: string;
  cost_nusd: string;
  unknown_cost_calls: string;
}

/** What is going on in a session: its agents, and the calls that ended within the last minute. `members`: see resolveSession. */
export async function sessionActivity(sql: Sql, members: string[]): Promise<SessionActivityRow> {
  const [row] = await sql<SessionActivityRow[]>`
    with who as (
      select count(distinct agent_id) filter (where parent_agent_id is not null and parent_agent_id <> agent_id)::int as descendants,
        count(distinct agent_id) filter (where last_time > now() - ${ACTIVE_WINDOW_MS} * interval '1 millisecond')::int as active_agents
      from agents where session_id = any(${members})
    ),
    minute as (
      -- a call belongs to the minute in which it ended: that is when its cost was known
      select count(*) as calls, coalesce(sum(cost_nusd), 0) as cost_nusd, count(*) filter (where cost_nusd is null) as unknown_cost_calls
      from spans where session_id = any(${members}) and is_call and start_time > now() - interval '1 hour'
        and start_time + duration_ns / 1000 * interval '1 microsecond' > now() - interval '60 seconds'
    )
    select * from who, minute`;
  if (!row) throw new Error("a query of counts gave no row");
  return row;
}
