import { expect, it } from "vitest";
import { runGatewayCases } from "./fuzz/gateway-cases.ts";

/** A slice of what tests/fuzz/gateway.ts runs by the hundred thousand, with budgets in memory; RESULTS.md has the last whole run. */
it("answers 1,500 spoiled requests and replies, and leaves nothing behind", { timeout: 120_000 }, async () => {
  const { answered } = await runGatewayCases({ cases: 1_500, seed: 7 });
  expect(answered[200]).toBeGreaterThan(300);
  expect(answered[400]).toBeGreaterThan(200);
});
