import type { Agent } from "../api/agent.ts";
import type { AgentRow } from "../queries/list-agents.ts";
import { rfc3339 } from "./time.ts";
import { knownCost, nullableUsd, sums } from "./to-api.ts";
import { childrenOf, postOrder } from "./tree.ts";

interface Rollup {
  nanousd: bigint;
  unknownCalls: number;
  calls: number;
  descendants: number;
}

/**
 * The agents of a session with what each cost together with everything below it. An agent whose parent is not among them is
 * a root; a ring of parents (hostile or broken input) is cut where it closes.
 */
export function toAgents(rows: readonly AgentRow[], sessionId: string): Agent[] {
  const children = childrenOf(rows.map((row) => ({ id: row.agent_id, parent: row.parent_agent_id })));
  const byId = new Map(rows.map((row) => [row.agent_id, row]));
  const rollups = new Map<string, Rollup>();

  for (const id of postOrder(children)) {
    const row = byId.get(id);
    if (!row) continue;
    const total: Rollup = {
      nanousd: BigInt(row.cost_nusd),
      unknownCalls: Number(row.unknown_cost_calls),
      calls: Number(row.calls),
      descendants: 0,
    };
    for (const child of children.get(id) ?? []) {
      const below = rollups.get(child);
      if (!below) continue;
      total.nanousd += below.nanousd;
      total.unknownCalls += below.unknownCalls;
      total.calls += below.calls;
      total.descendants += below.descendants + 1;
    }
    rollups.set(id, total);
  }

  return rows.map((row) => {
    const rollup = rollups.get(row.agent_id) ?? { nanousd: 0n, unknownCalls: 0, calls: 0, descendants: 0 };
    const rollupCost = knownCost({ cost_nusd: String(rollup.nanousd), unknown_cost_calls: rollup.unknownCalls, calls: rollup.calls });
    return {
      session_id: sessionId,
      agent_id: row.agent_id,
      parent_agent_id: row.parent_agent_id,
      agent_name: row.agent_name,
      agent_kind: row.agent_kind,
      depth: row.depth,
      spawned_by_tool_call: row.spawned_by_tool_call,
      first_time: rfc3339(row.first_time),
      last_time: rfc3339(row.last_time),
      turns: Number(row.turns),
      tool_calls: Number(row.tool_calls),
      errors: Number(row.errors),
      ...sums(row),
      silicons: row.silicons.map((share) => ({
        silicon: share.silicon || null,
        calls: share.calls,
        cost_nanousd: knownCost(share),
        unknown_cost_calls: share.unknown_cost_calls,
      })),
      descendants: rollup.descendants,
      rollup_cost_nanousd: rollupCost,
      rollup_cost_usd: nullableUsd(rollupCost),
      rollup_unknown_cost_calls: rollup.unknownCalls,
    };
  });
}
