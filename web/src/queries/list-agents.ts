import type { Sql } from "../server/database.ts";

export interface AgentRow {
  agent_id: string;
  parent_agent_id: string | null;
  agent_name: string | null;
  agent_kind: string | null;
  depth: number | null;
  spawned_by_tool_call: string | null;
  first_time: string;
  last_time: string;
  turns: string;
  calls: string;
  tool_calls: string;
  errors: string;
  input_tokens: string;
  cache_read_tokens: string;
  cache_write_tokens: string;
  output_tokens: string;
  reasoning_tokens: string;
  cost_nusd: string;
  unknown_cost_calls: string;
  baseline_nusd: string;
  silicons: { silicon: string; calls: number; cost_nusd: string; unknown_cost_calls: number }[];
}

/** The agents of a session, each with the silicon that served its own calls. `members`: see resolveSession. */
export function listAgents(sql: Sql, members: string[]): Promise<AgentRow[]> {
  return sql<AgentRow[]>`
    with by_silicon as (
      select agent_id, silicon, sum(calls) as calls, sum(cost_nusd) as cost_nusd, sum(unknown_cost_calls) as unknown_cost_calls
      from session_hour where session_id = any(${members}) group by agent_id, silicon
    ),
    mix as (
      select agent_id, jsonb_agg(jsonb_build_object('silicon', silicon, 'calls', calls, 'cost_nusd', cost_nusd::text,
        'unknown_cost_calls', unknown_cost_calls) order by cost_nusd desc, calls desc) as silicons
      from by_silicon group by agent_id
    )
    select g.agent_id, min(g.parent_agent_id) as parent_agent_id, min(g.agent_name) as agent_name, min(g.agent_kind) as agent_kind, min(g.depth) as depth,
      min(g.spawned_by_tool_call) as spawned_by_tool_call, min(g.first_time) as first_time, max(g.last_time) as last_time,
      sum(g.turns) as turns, sum(g.calls) as calls, sum(g.tool_calls) as tool_calls, sum(g.errors) as errors,
      sum(g.input_tokens) as input_tokens, sum(g.cache_read_tokens) as cache_read_tokens, sum(g.cache_write_tokens) as cache_write_tokens,
      sum(g.output_tokens) as output_tokens, sum(g.reasoning_tokens) as reasoning_tokens, sum(g.cost_nusd) as cost_nusd,
      sum(g.unknown_cost_calls) as unknown_cost_calls, sum(g.baseline_nusd) as baseline_nusd, coalesce(min(m.silicons::text)::jsonb, '[]') as silicons
    from agents g left join mix m using (agent_id)
    where g.session_id = any(${members})
    group by g.agent_id
    order by first_time, g.agent_id`;
}
