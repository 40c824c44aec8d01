import { ownPrices, parseOwnPrices } from "@signalbox/otel/prices";
import { expect, test } from "vitest";
import { parseConfig } from "../config.ts";
import { readArguments, UsageError } from "./arguments.ts";
import { attainmentChart } from "./chart.ts";
import { parseWindow } from "./decisions.ts";
import { readPolicy } from "./from-config.ts";
import { POLICIES } from "./policies.ts";
import { pastText, tableOf, toRun } from "./report.ts";
import { simulate } from "./simulate.ts";
import type { Arrival } from "./trace.ts";

const CONFIG = `
pools:
  - name: box
    silicon: cpu
    engine: openai-compatible
    base_url: http://127.0.0.1:1/v1
    models: [{ id: small, tier: 0 }]
    slots: 4
    hourly_usd: 0.36
    rates: { prefill_tokens_per_second: 1000, decode_tokens_per_second: 20 }
  - name: api
    silicon: cloud
    engine: openai-compatible
    base_url: http://127.0.0.1:2/v1
    models: [{ id: large, tier: 2, input_usd_per_mtok: 1, output_usd_per_mtok: 5 }]
sla:
  interactive: { ttft_ms: 700, tpot_ms: 55, confidence: 0.95 }
tasks:
  coding: { min_tier: 2 }
routes:
  - name: heartbeats
    when: { task: [heartbeat] }
    use: { silicon: [cpu] }
`;
const OWN_PRICES = JSON.stringify({ prices: [{ model: "large", provider: "openai", input: 3, output: 9, set: "2026-11-21" }] });
const policy = readPolicy(parseConfig(CONFIG, "test.yaml", {}));
const arrival = (changes: Partial<Arrival> = {}): Arrival => ({
  atMs: 0,
  promptTokens: 1_000,
  outputTokens: 21,
  slaClass: "background",
  minTier: 0,
  ...changes,
});
const play = (given: Arrival[]) => simulate({ ...policy, arrivals: given, policy: POLICIES.signalbox(), seed: 1 });

test("pools, targets and queue limits are those of the config", () => {
  expect(policy.fleet.map(({ name, slots, queueLimit, tier }) => [name, slots, queueLimit, tier])).toEqual([
    ["box", 4, 16, 0],
    ["api", 8, 32, 2],
  ]);
  expect(policy.targets.interactive).toEqual({ class: "interactive", ttftMs: 700, tpotMs: 55, confidence: 0.95 });
  expect(policy.targets.background).toEqual({ class: "background", deadlineMs: 600_000 });
});

test("routes and tasks decide as they do on the live path", () => {
  const { jobs } = play([policy.routed(arrival(), "heartbeat"), policy.routed(arrival(), "coding"), policy.routed(arrival(), undefined)]);
  expect(jobs.map(({ pool }) => policy.fleet[pool]?.name)).toEqual(["box", "api", "box"]);
});

test("cost: busy time at the hourly rate, idle time beside it, tokens at their price", () => {
  const outcome = play([arrival(), policy.routed(arrival({ atMs: 10_000 }), "coding")]);
  const { cost, pools } = toRun("signalbox", policy.targets, outcome);
  // 1,000 tokens at 1,000/s in one pass, 20 steps of 50 ms: 2 s of 10 at 100,000 nano-USD a second; 1,000 tokens at 1 USD and 21 at 5.
  expect(pools[0]?.busy).toBeCloseTo(0.2);
  expect(cost.used).toBeCloseTo(2 * 100_000 + 1_105_000, 0);
  expect(cost.allocated).toBeCloseTo(10 * 100_000 + 1_105_000, 0);
});

test("a model without a price in the config has the user's own one, of the provider that its address tells", () => {
  const unpriced = CONFIG.replace(", input_usd_per_mtok: 1, output_usd_per_mtok: 5", "").replace("127.0.0.1:2/v1", "api.openai.com/v1");
  const prices = ownPrices(parseOwnPrices(OWN_PRICES, "prices.json"), "prices.json");
  const { fleet } = readPolicy(parseConfig(unpriced, "test.yaml", {}), { prices });
  expect(fleet[1]?.pricing).toMatchObject({ by: "tokens", price: { input: 3, output: 9 } });
});

test("prices change with the hour and with how full a pool is: for placement, and in what is paid", () => {
  const prices = `    hourly_usd: 0.36
    prices:
      - { when: { time: { from: "22:00", to: "06:00", timezone: UTC } }, multiply: 0.5 }
      - { when: { utilisation_above: 0.4 }, multiply: 3 }`;
  const changing = readPolicy(parseConfig(CONFIG.replace("    hourly_usd: 0.36", prices), "test.yaml", {}));
  const at = (hour: number, given: Arrival[]) =>
    simulate({ ...changing, arrivals: given, policy: POLICIES.signalbox(), seed: 1, startsAt: Date.UTC(2026, 0, 5, hour) });
  const alone = [arrival(), arrival({ atMs: 10_000 })];
  expect(at(12, alone).cost.allocated).toBeCloseTo(10 * 100_000, 0);
  expect(at(23, alone).cost).toMatchObject({ allocated: 10 * 50_000, used: 2 * 50_000 });
  // One call's prompt takes 1 s; then two of four slots are taken: 2.1 s of work at three times the price.
  const crowd = [arrival(), arrival(), arrival({ atMs: 10_000 })];
  const { cost } = at(12, crowd);
  expect(cost.used).toBeCloseTo(100_000 + 2.1 * 300_000, 0);
  expect(cost.allocated).toBeCloseTo(10 * 300_000, 0);
});

test("a session is played with its variant, each as often as its weight says", () => {
  const variants = `    variants:
      - { name: box, weight: 3, use: { pools: [box] } }
      - { name: api, weight: 1, use: { pools: [api] } }`;
  const split = readPolicy(parseConfig(`${CONFIG}${variants}\n`, "test.yaml", {}));
  const poolsOf = (session: string) => split.routed(arrival({ session }), "heartbeat").use?.pools;
  const drawn = Array.from({ length: 400 }, (_, index) => poolsOf(`session-${index}`)?.[0]);
  expect(drawn.filter((pool) => pool === "box").length).toBeGreaterThan(260);
  expect(drawn.filter((pool) => pool === "api").length).toBeGreaterThan(60);
  expect(poolsOf("session-7")).toEqual(poolsOf("session-7"));
  // What the variant does not say, the route does.
  expect(split.routed(arrival({ session: "a" }), "heartbeat").use?.silicon).toEqual(["cpu"]);
});

test("the table says each class, the chart is one SVG, and names are escaped", () => {
  const outcome = play(
    Array.from({ length: 20 }, (_, index) => arrival({ atMs: index * 5_000, slaClass: index % 2 ? "interactive" : "background" })),
  );
  const run = toRun("signalbox", policy.targets, outcome);
  expect(tableOf([run])).toMatch(/signalbox\s+0\.200\s+interactive\s+\d/);
  const y = { value: 0.9, low: 0.8, high: 1 };
  const svg = attainmentChart("a < b", [
    {
      name: `"x" & y`,
      points: [
        { x: 1, y },
        { x: 2, y },
      ],
    },
  ]);
  expect(svg).toMatch(/^<svg [\s\S]*<\/svg>\n$/);
  expect(svg).toContain("a &#60; b");
  expect(svg).not.toMatch(/NaN|Infinity/);
});

test("what happened is told with what is unknown", () => {
  expect(pastText({ slaMet: { standard: { met: 3, of: 4 } }, costNanousd: 2e9, unknownCosts: 1 }, 5)).toBe(
    "  What happened: 5 decisions, on target: standard 75.0 % of 4; cost USD 2.0000, and 1 of unknown cost",
  );
});

test.each([
  [[], "say what to play"],
  [["--trace", "t.csv", "--from-decisions", "last-7d"], "say what to play"],
  [["--trace", "t.csv"], "say with which pools"],
  [["--trace", "t.csv", "--policy", "c.yaml", "--rate", "2,x"], '--rate is "x"; expected a number'],
  [["--trace", "t.csv", "--policy", "c.yaml", "--compare", "magic"], '--compare names "magic"; there are: signalbox,'],
  [["--trace", "t.csv", "--policy", "c.yaml", "--interactive", "0.7"], "together more than 1"],
  [["--no-such"], "--no-such"],
])("arguments %j are refused in one line", (args, message) => {
  expect(() => readArguments(args)).toThrow(UsageError);
  expect(() => readArguments(args)).toThrow(message);
});

test("windows of decisions", () => {
  expect(parseWindow("last-7d")).toEqual({ hours: 168 });
  expect(parseWindow("last-24h")).toEqual({ hours: 24 });
  for (const wrong of ["7d", "last-0d", "last-7y", "last-d"]) expect(() => parseWindow(wrong)).toThrow(`--from-decisions is "${wrong}"`);
});
