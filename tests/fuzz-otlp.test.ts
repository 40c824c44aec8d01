import { expect, it } from "vitest";
import { runCases, samples } from "./fuzz/otlp-cases.ts";

/** A slice of what tests/fuzz/otlp.ts runs by the million; RESULTS.md has the last whole run. */
it("reads 4,000 spoiled OTLP bodies as protobufjs does, or refuses them", { timeout: 120_000 }, async () => {
  const tally = await runCases(7, 0, 4_000, samples());
  expect(tally.cases).toBe(4_000);
  expect(tally.compared).toBeGreaterThan(500);
  expect(tally.refused).toBeGreaterThan(500);
});
