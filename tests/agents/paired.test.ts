import { expect, test } from "vitest";
import { inMilliseconds, median, pairedDifference } from "./paired.ts";

test("the interval leaves out what a binomial of one half leaves out in one of twenty cases", () => {
  const those = Array.from({ length: 15 }, () => 1);
  const these = those.map((value, pair) => value + pair / 1000);
  // of 15 fair coins three or fewer fall on one side in 3.5 % of cases, four or fewer in 11.8 %
  const difference = pairedDifference(these, those);
  expect([difference.median, difference.low, difference.high].map((value) => Math.round(value * 1000))).toEqual([7, 3, 11]);
  expect(inMilliseconds(difference)).toBe("+7 ms (+3 to +11)");
  expect(() => pairedDifference(these.slice(0, 5), those)).toThrow("too few");
});

test("pairs are compared, not heaps: what both have does not count", () => {
  const drift = [0, 10, 20, 30, 40, 50, 60, 70];
  expect(
    pairedDifference(
      drift.map((value) => value + 0.5),
      drift,
    ),
  ).toEqual({ median: 0.5, low: 0.5, high: 0.5 });
});

test("a median of an even count lies between the two in the middle", () => {
  expect([median([3, 1, 2]), median([4, 1, 2, 3])]).toEqual([2, 2.5]);
});
