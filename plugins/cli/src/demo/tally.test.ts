import { describe, expect, it } from "vitest";
import type { CostRow } from "../read-api.ts";
import { formatUsd, sumTallies, tallyByPool } from "./tally.ts";

const row = (session: string, pool: string, calls: number, cost: string | null, unknown = 0): CostRow => ({
  session,
  pool,
  silicon: "cpu",
  model: "m",
  calls,
  input_tokens: 10 * calls,
  output_tokens: calls,
  cost_nanousd: cost,
  unknown_cost_calls: unknown,
  comparable_cost_nanousd: cost ?? "0",
  comparable_baseline_nanousd: String(calls * 1000),
});

describe("tallyByPool", () => {
  it("counts what the play added, in its own sessions, by pool", () => {
    const before = [row("a", "p", 5, "50"), row("other", "p", 9, "9")];
    const after = [row("a", "p", 7, "90"), row("a", "q", 1, "5"), row("b", "p", 3, "30"), row("other", "p", 99, "99")];
    const tallies = tallyByPool(before, after, new Set(["a", "b"]));
    expect(tallies.map(({ pool, calls, cost }) => ({ pool, calls, cost }))).toEqual([
      { pool: "p", calls: 5, cost: 70n },
      { pool: "q", calls: 1, cost: 5n },
    ]);
    expect(sumTallies(tallies)).toMatchObject({ calls: 6, inputTokens: 60, cost: 75n, comparableBaseline: 6000n });
  });

  it("keeps calls of unknown cost apart", () => {
    expect(tallyByPool([], [row("a", "p", 2, null, 2)], new Set(["a"]))).toMatchObject([{ cost: 0n, unknownCostCalls: 2 }]);
  });

  it("adds nano-USD beyond what a double holds", () => {
    const huge = "9007199254740993";
    expect(sumTallies(tallyByPool([], [row("a", "p", 1, huge)], new Set(["a"]))).cost).toBe(9007199254740993n);
  });
});

it.each([
  [0n, "$0.00"],
  [1n, "$0.000000001"],
  [1_890_000n, "$0.00189"],
  [161_000_000n, "$0.161"],
  [12_345_678_901n, "$12.35"],
  [-500_000_000n, "-$0.500"],
])("formats %s nano-USD as %s", (nanousd, text) => expect(formatUsd(nanousd)).toBe(text));
