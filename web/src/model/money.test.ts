import { describe, expect, it } from "vitest";
import { formatMoney, formatUsd, saving, sumMoney } from "./money.ts";

describe("formatMoney", () => {
  it.each([
    ["12400000000", "$12.40"],
    ["1234567000000", "$1,234.57"],
    ["420000000", "$0.42"],
    ["42000000", "$0.042"],
    ["800000", "$0.00080"],
    ["997000", "$0.0010"],
    ["99700000", "$0.10"],
    ["4000000", "$0.0040"],
    ["1", "$0.000000001"],
    ["0", "$0.00"],
    ["-2500000000", "−$2.50"],
  ])("%s nano-USD reads %s", (nanousd, text) => expect(formatMoney({ nanousd })).toBe(text));

  it("says unknown, and marks a lower bound", () => {
    expect(formatMoney({ nanousd: null })).toBe("unknown");
    expect(formatMoney({ nanousd: "420000000", unknownCalls: 2 })).toBe("≥ $0.42");
  });
});

it("formatUsd keeps two significant digits below a dollar", () => expect(formatUsd(0.00081)).toBe("$0.00081"));

it("sums beyond what a number holds, and counts the unknown", () => {
  expect(sumMoney(["9007199254740993", "1", null])).toEqual({ nanousd: 9007199254740994n, unknown: 1 });
});

describe("saving", () => {
  it("is what the baseline costs beyond what was paid", () => expect(saving("1000", "250")).toEqual({ nanousd: 750n, fraction: 0.75 }));
  it("is negative where routing cost more", () => expect(saving("100", "150").fraction).toBe(-0.5));
  it("has no fraction without a baseline", () => expect(saving("0", "0").fraction).toBeNull());
});
