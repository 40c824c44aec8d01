import { describe, expect, it } from "vitest";
import { breakEvenUtilisation, toPools } from "./pools.ts";

const HOUR = 3_600_000;

describe("break-even utilisation", () => {
  it("is where the hourly rate equals the baseline's charge for what busy slots serve", () => {
    // two busy slot-hours would have cost $8: $4 a slot-hour, 8 slots earn $32 an hour at most, the pool costs $1.60
    expect(breakEvenUtilisation(1.6, 8, 2 * HOUR, 8_000_000_000n)).toBeCloseTo(0.05);
  });
  it("is over 1 where the pool never pays", () => expect(breakEvenUtilisation(10, 1, HOUR, 1_000_000_000n)).toBe(10));
  it.each([
    [null, 8, HOUR, 1n],
    [1, null, HOUR, 1n],
    [1, 8, 0, 1n],
    [1, 8, HOUR, 0n],
  ] as const)("is not known for %s %s %s %s", (usd, slots, busy, baseline) =>
    expect(breakEvenUtilisation(usd, slots, busy, baseline)).toBeNull(),
  );
});

it("pools of the record alone are shown without a state", () => {
  const usage = {
    pool: "old",
    silicon: "cpu",
    hardware: "",
    calls: "3",
    errors: "0",
    busy_ms: 10,
    cost_nusd: "5",
    unknown_cost_calls: "0",
    baseline_nusd: "50",
    comparable_cost_nusd: "5",
    comparable_baseline_nusd: "50",
    sla: [],
  };
  expect(toPools([], [usage], [], HOUR)[0]).toMatchObject({ pool: "old", now: null, utilisation: null, calls: 3, hardware: null });
});
