import { plainId } from "@signalbox/otel/conventions";
import type { Contribution, Period } from "../api/explain.ts";
import type { LineageRow, SessionLabelRow } from "../queries/explain-agents.ts";
import type { ExplainCostRow } from "../queries/explain-cost.ts";
import type { ExplainToolRow } from "../queries/explain-tools.ts";
import { childrenOf, postOrder } from "./tree.ts";

/** Rows of SQL -> what an explanation is made of. */

const MOST = 12;

export function toPeriods(rows: readonly ExplainCostRow[]): { now: Period; before: Period } {
  const total = rows.find((row) => row.by === "total");
  return {
    now: {
      calls: Number(total?.calls ?? 0),
      cost_nanousd: total?.cost_nusd ?? "0",
      unknown_cost_calls: Number(total?.unknown ?? 0),
      comparable_cost_nanousd: total?.comparable_cost_nusd ?? "0",
      comparable_baseline_nanousd: total?.comparable_baseline_nusd ?? "0",
    },
    before: {
      calls: Number(total?.before_calls ?? 0),
      cost_nanousd: total?.before_cost_nusd ?? "0",
      unknown_cost_calls: Number(total?.before_unknown ?? 0),
      comparable_cost_nanousd: total?.before_comparable_cost_nusd ?? "0",
      comparable_baseline_nanousd: total?.before_comparable_baseline_nusd ?? "0",
    },
  };
}

interface Sum {
  calls: number;
  beforeCalls: number;
  errors: number;
  cost: bigint;
  beforeCost: bigint;
}
const sumOf = (row: ExplainCostRow): Sum => ({
  calls: Number(row.calls),
  beforeCalls: Number(row.before_calls),
  errors: Number(row.errors),
  cost: BigInt(row.cost_nusd),
  beforeCost: BigInt(row.before_cost_nusd),
});

type Named = Pick<Contribution, "by" | "label"> & Partial<Contribution>;
const contribution = (sum: Sum, named: Named): Contribution => ({
  detail: null,
  silicon: null,
  session_id: null,
  agent_id: null,
  descendants: null,
  busy_ms: null,
  calls: sum.calls,
  before_calls: sum.beforeCalls,
  errors: sum.errors,
  cost_nanousd: String(sum.cost),
  before_cost_nanousd: String(sum.beforeCost),
  change_nanousd: String(sum.cost - sum.beforeCost),
  ...named,
});

export function toContributions(
  rows: readonly ExplainCostRow[],
  lineage: readonly LineageRow[],
  labels: readonly SessionLabelRow[],
  tools: readonly ExplainToolRow[],
): Contribution[] {
  const sessions = new Map(labels.map((row) => [row.session_id, row]));
  const names = new Map(lineage.map((row) => [`${row.session_id}\n${row.agent_id}`, row.agent_name]));
  const agents = rows.filter((row) => row.by === "agent");
  const named = rows.flatMap((row): Contribution[] => {
    const sum = sumOf(row);
    const session = sessions.get(row.session_id ?? "");
    switch (row.by) {
      case "session":
        return [
          contribution(sum, {
            by: "session",
            label: session?.agent_name ?? plainId(row.session_id ?? ""),
            detail: session?.channel ?? null,
            session_id: row.session_id,
          }),
        ];
      case "route":
        return [contribution(sum, { by: "route", label: row.route ?? "" })];
      case "model":
        return [contribution(sum, { by: "model", label: row.model ?? "", detail: row.pool || null, silicon: row.silicon || null })];
      default:
        return [];
    }
  });
  const each = agents.map((row) =>
    contribution(sumOf(row), {
      by: "agent",
      label: names.get(`${row.session_id}\n${row.agent_id}`) ?? plainId(row.agent_id ?? ""),
      detail: sessions.get(row.session_id ?? "")?.channel ?? null,
      session_id: row.session_id,
      agent_id: row.agent_id,
    }),
  );
  return [...named, ...largest(each), ...largest(trees(agents, lineage, sessions)), ...tools.map(toTool)];
}

const toTool = (row: ExplainToolRow): Contribution => ({
  ...contribution(
    { calls: Number(row.calls), beforeCalls: Number(row.before_calls), errors: Number(row.errors), cost: 0n, beforeCost: 0n },
    { by: "tool", label: row.tool_name },
  ),
  cost_nanousd: null,
  before_cost_nanousd: null,
  change_nanousd: null,
  busy_ms: Number(row.busy_ns) / 1e6,
});

const size = (change: string | null) => {
  const value = BigInt(change ?? 0);
  return value < 0n ? -value : value;
};
const largest = (all: readonly Contribution[]) =>
  [...all].sort((left, right) => Number(size(right.change_nanousd) - size(left.change_nanousd)) || right.calls - left.calls).slice(0, MOST);

/** Every agent that spawned others, with all below it added up. */
function trees(
  agents: readonly ExplainCostRow[],
  lineage: readonly LineageRow[],
  sessions: ReadonlyMap<string, SessionLabelRow>,
): Contribution[] {
  const costs = new Map(agents.map((row) => [`${row.session_id}\n${row.agent_id}`, sumOf(row)]));
  return [...Map.groupBy(lineage, (row) => row.session_id)].flatMap(([session, members]) => {
    const children = childrenOf(members.map((row) => ({ id: row.agent_id, parent: row.parent_agent_id })));
    const nameOf = new Map(members.map((row) => [row.agent_id, row.agent_name]));
    const sums = new Map<string, Sum & { descendants: number }>();
    for (const id of postOrder(children)) {
      const own = costs.get(`${session}\n${id}`) ?? { calls: 0, beforeCalls: 0, errors: 0, cost: 0n, beforeCost: 0n };
      const total = { ...own, descendants: 0 };
      for (const child of children.get(id) ?? []) {
        const below = sums.get(child);
        if (!below) continue;
        total.calls += below.calls;
        total.beforeCalls += below.beforeCalls;
        total.errors += below.errors;
        total.cost += below.cost;
        total.beforeCost += below.beforeCost;
        total.descendants += below.descendants + 1;
      }
      sums.set(id, total);
    }
    return [...sums]
      .filter(([, sum]) => sum.descendants > 0 && sum.calls + sum.beforeCalls > 0)
      .map(([id, sum]) =>
        contribution(sum, {
          by: "tree",
          label: nameOf.get(id) ?? id,
          detail: sessions.get(session)?.channel ?? null,
          session_id: session,
          agent_id: id,
          descendants: sum.descendants,
        }),
      );
  });
}
