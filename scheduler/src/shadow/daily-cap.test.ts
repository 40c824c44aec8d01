import { expect, test } from "vitest";
import { createDailyCap } from "./daily-cap.ts";

const DAY_MS = 86_400_000;

test("the worst case is set aside first: calls at once never add up to more than the limit", () => {
  const cap = createDailyCap();
  const settlements = Array.from({ length: 10 }, () => cap.reserve(30, 100, 0)).filter((settle) => settle !== undefined);
  expect(settlements).toHaveLength(3);
  for (const settle of settlements) settle(10);
  expect(cap.reserve(70, 100, 0)).toBeDefined();
  expect(cap.reserve(1, 100, 0)).toBeUndefined();
});

test("another day begins at nothing, and what is still under way counts there", () => {
  const cap = createDailyCap();
  const settle = cap.reserve(60, 100, 0);
  cap.reserve(40, 100, 0)?.(40);
  expect(cap.reserve(50, 100, DAY_MS)).toBeUndefined();
  settle?.(60);
  expect(cap.reserve(40, 100, DAY_MS)).toBeDefined();
});
