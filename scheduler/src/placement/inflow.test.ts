import { expect, test } from "vitest";
import { createInflow } from "./inflow.ts";

test("a steady stream is read as it comes, and is forgotten once it ends", () => {
  const inflow = createInflow(1_000);
  expect(inflow.read(0)).toBe(0);
  for (let now = 0; now < 10_000; now += 10) inflow.bring(20, now);
  expect(inflow.read(10_000)).toBeCloseTo(2, 1);
  expect(inflow.read(11_000)).toBeCloseTo(2 / Math.E, 1);
  expect(inflow.read(60_000)).toBeCloseTo(0);
});
