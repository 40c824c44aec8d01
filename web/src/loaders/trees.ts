import { type AgentTreePage, RUNAWAY_AGENTS, type TreeListParameters } from "../api/tree.ts";
import { encodeCursor } from "../model/cursor.ts";
import { rfc3339 } from "../model/time.ts";
import { controlState, knownCost, nullableUsd } from "../model/to-api.ts";
import { listTrees, type TreeRow } from "../queries/list-trees.ts";
import { read } from "../server/database.ts";
import { parseOffsetCursor } from "./offset-cursor.ts";

export async function loadTrees(parameters: TreeListParameters): Promise<AgentTreePage> {
  const offset = parseOffsetCursor(parameters.cursor);
  const rows = await read((sql) => listTrees(sql, parameters, offset));
  const page = rows.slice(0, parameters.limit);
  return { data: page.map(toTree), next: rows.length > page.length ? encodeCursor({ offset: offset + parameters.limit }) : null };
}

function toTree(row: TreeRow): AgentTreePage["data"][number] {
  const cost = knownCost(row);
  return {
    session_id: row.session_id,
    agent_name: row.agent_name,
    agent_kind: row.agent_kind,
    channel: row.channel,
    user_id: row.user_id,
    first_time: rfc3339(row.first_time),
    last_time: rfc3339(row.last_time),
    sub_agents: row.sub_agents,
    active_agents: row.active_agents,
    depth: row.depth,
    widest: row.widest,
    peak_per_minute: row.peak_per_minute,
    is_runaway: row.peak_per_minute > RUNAWAY_AGENTS,
    calls: Number(row.calls),
    cost_nanousd: cost,
    cost_usd: nullableUsd(cost),
    unknown_cost_calls: Number(row.unknown_cost_calls),
    sub_agent_cost_nanousd: knownCost({
      calls: row.sub_calls,
      cost_nusd: row.sub_cost_nusd,
      unknown_cost_calls: row.sub_unknown_cost_calls,
    }),
    control_state: controlState(row.control_state),
  };
}
