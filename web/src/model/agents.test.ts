import { expect, it } from "vitest";
import type { AgentRow } from "../queries/list-agents.ts";
import { toAgents } from "./agents.ts";

const agent = (agent_id: string, parent_agent_id: string | null, cost: string, unknown = "0", calls = "1") =>
  ({
    agent_id,
    parent_agent_id,
    agent_name: agent_id,
    agent_kind: null,
    depth: null,
    spawned_by_tool_call: null,
    first_time: "2026-11-21 00:00:00+00",
    last_time: "2026-11-21 00:00:01+00",
    turns: "1",
    calls,
    tool_calls: "0",
    errors: "0",
    input_tokens: "0",
    cache_read_tokens: "0",
    cache_write_tokens: "0",
    output_tokens: "0",
    reasoning_tokens: "0",
    cost_nusd: cost,
    unknown_cost_calls: unknown,
    baseline_nusd: "0",
    silicons: [],
  }) satisfies AgentRow;

it("rolls cost up through every level, and carries what is unknown", () => {
  const [root, child, grandchild] = toAgents(
    [agent("root", null, "100"), agent("child", "root", "20"), agent("grandchild", "child", "0", "1")],
    "root",
  );
  expect(root).toMatchObject({ cost_nanousd: "100", rollup_cost_nanousd: "120", rollup_unknown_cost_calls: 1, descendants: 2 });
  expect(child).toMatchObject({ cost_nanousd: "20", rollup_cost_nanousd: "20", descendants: 1 });
  expect(grandchild).toMatchObject({ cost_nanousd: null, cost_usd: null, rollup_cost_nanousd: null });
});

it("knows that an agent without calls cost nothing", () => {
  expect(toAgents([agent("root", null, "0", "0", "0")], "root")[0]).toMatchObject({ cost_nanousd: "0", rollup_cost_nanousd: "0" });
});
