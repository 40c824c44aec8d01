import { describe, expect, it } from "vitest";
import type { Agent } from "../api/agent.ts";
import { barsPath, toAgentLanes, visibleLanes } from "./lanes.ts";
import type { ReplayStep } from "./replay.ts";

const agent = (agent_id: string, parent_agent_id: string | null, own: string, rollup: string, descendants: number) =>
  ({
    agent_id,
    parent_agent_id,
    agent_name: agent_id,
    descendants,
    cost_nanousd: own,
    rollup_cost_nanousd: rollup,
    unknown_cost_calls: 0,
    rollup_unknown_cost_calls: 0,
  }) as Agent;
const steps = (...agents: string[]) => agents.map((agent_id) => ({ step: { agent_id } }) as ReplayStep);

describe("lanes", () => {
  const agents = [agent("root", null, "1", "111", 2), agent("a", "root", "10", "110", 1), agent("b", "a", "100", "100", 0)];
  const lanes = toAgentLanes(agents, steps("root", "a", "b", "a", "", "stranger"));

  it("each agent has its own steps, and what nobody named is the root's", () => {
    expect(visibleLanes(lanes, () => false).map(({ id, steps, nanousd, level }) => [id, level, steps, nanousd])).toEqual([
      ["root", 0, [0, 4, 5], "1"],
      ["a", 1, [1, 3], "10"],
      ["b", 2, [2], "100"],
    ]);
  });

  it("a folded agent stands for all below it, with what they cost together", () => {
    expect(visibleLanes(lanes, (_, level) => level > 0).map(({ id, steps, nanousd, isFolded }) => [id, steps, nanousd, isFolded])).toEqual([
      ["root", [0, 4, 5], "1", false],
      ["a", [1, 2, 3], "110", true],
    ]);
  });
});

describe("bars", () => {
  it("are at least two pixels wide, and no pixel is drawn twice", () => {
    expect(
      barsPath(
        [
          { from: 0, to: 0.5 },
          { from: 0.1, to: 0.2 },
          { from: 0.9, to: 0.9 },
        ],
        100,
        1,
        8,
      ),
    ).toBe("M0 1h50v8H0zM90 1h2v8H90z");
  });
  it("outside the window are not drawn", () => {
    expect(
      barsPath(
        [
          { from: -2, to: -1 },
          { from: -0.5, to: 0.5 },
          { from: 1.5, to: 2 },
        ],
        10,
        0,
        1,
      ),
    ).toBe("M0 0h5v1H0z");
  });
});
