import { expect, test } from "vitest";
import { parseConfig } from "./config.ts";
import { baselineOf, callCost, pricingOf } from "./cost.ts";

function pricing(pool: string, model: string) {
  const config = parseConfig(
    `pools: [{ name: p, silicon: cloud, engine: openai-compatible, base_url: "https://api.openai.com/v1", ${pool} models: [{ ${model} }] }]`,
    "file",
    {},
  );
  const [first] = config.pools;
  if (!first?.models[0]) throw new Error("no pool");
  return pricingOf(first, first.models[0], "openai");
}

test.each([
  [
    "a token price of the config",
    "",
    "id: x, input_usd_per_mtok: 1, output_usd_per_mtok: 2",
    { by: "tokens", price: { input: 1, output: 2 } },
  ],
  ["a token price beside an hourly one", "hourly_usd: 2,", "id: x, input_usd_per_mtok: 1", { by: "tokens" }],
  ["an hourly price alone", "hourly_usd: 2,", "id: gpt-4o-mini", { by: "time", hourlyUsd: 2 }],
  ["an hourly price that is asked for", "hourly_usd: 2, cost_by: time,", "id: x, input_usd_per_mtok: 1", { by: "time" }],
  ["the published price", "", "id: gpt-4o-mini", { by: "tokens", price: { input: 0.15 } }],
  ["nothing known", "", "id: who-knows", { by: "unknown" }],
])("%s decides how a pool charges", (_what, pool, model, expected) => {
  expect(pricing(pool, model)).toMatchObject(expected);
});

test("tokens are priced, time is measured, and unknown is not 0", () => {
  const usage = { input: 1_000, output: 100, cacheRead: 500 };
  const tokens = { by: "tokens", price: { input: 1, output: 4, cacheRead: 0.1 } } as const;
  expect(callCost(tokens, usage, 0, false)).toEqual({ nanousd: 500_000 + 50_000 + 400_000, source: "priced" });
  expect(callCost(tokens, usage, 0, true).source).toBe("estimated");
  expect(callCost(tokens, undefined, 0, true)).toEqual({ nanousd: undefined, source: "unknown" });
  expect(callCost({ by: "time", hourlyUsd: 3.6 }, undefined, 250, true)).toEqual({ nanousd: 250_000, source: "measured" });
  expect(callCost({ by: "unknown" }, usage, 1, false)).toEqual({ nanousd: undefined, source: "unknown" });
});

test("the baseline is the published price, or a pool's own", () => {
  const pools =
    'pools: [{ name: p, silicon: gpu, engine: openai-compatible, base_url: "http://x/v1", models: [{ id: q, input_usd_per_mtok: 7 }] }]';
  const baseline = (text: string) => baselineOf(parseConfig(`${pools}\n${text}`, "file", {}));
  expect(baseline("baseline: { model: claude-opus-4-6 }")?.price.input).toBe(5);
  expect(baseline("baseline: { model: q, pool: p }")?.price.input).toBe(7);
  expect(baseline("baseline: { model: nobody }")).toBeUndefined();
  expect(baseline("")).toBeUndefined();
});
