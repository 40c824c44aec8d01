import { describe, expect, it } from "vitest";
import { ConfigError, parseConfig } from "./config.ts";

const parse = (yaml: string, environment = {}) => parseConfig(yaml, "c.yaml", environment);

describe("parseConfig", () => {
  it("has defaults for everything", () => {
    const { limits, baseline, prices, keys } = parse("");
    expect(limits).toMatchObject({ max_body_bytes: 67_108_864, max_future_days: 2, content: true });
    expect(baseline(prices.rows)).toMatchObject({ input: 5, output: 25 });
    expect(keys).toEqual([]);
  });

  it("reads keys as text and from the environment, and the install's own token", () => {
    const yaml = "keys: [{ name: a, key: one }, { name: b, key_env: B_KEY, project: p }]";
    expect(parse(yaml, { B_KEY: "two", SIGNALBOX_TOKEN: "three" }).keys).toEqual([
      { name: "a", key: "one", project: null },
      { name: "b", key: "two", project: "p" },
      { name: "SIGNALBOX_TOKEN", key: "three", project: null },
    ]);
  });

  it("takes the baseline from a pool of the file", () => {
    const yaml = `
      baseline: { model: q, pool: l40s }
      pools: [{ name: l40s, silicon: gpu, models: [{ id: q, tier: 1, input_usd_per_mtok: 0.1, output_usd_per_mtok: 0.4 }] }]`;
    expect(parse(yaml).baseline([])).toEqual({ input: 0.1, output: 0.4 });
  });

  it("leaves the scheduler's parts alone", () => {
    expect(() => parse("routes: [{ name: x, use: { silicon: [cpu] } }]\nsla: { interactive: {} }")).not.toThrow();
  });

  it.each([
    ["a: [", /^c\.yaml: /],
    ["collector: { writers: 0 }", /^c\.yaml: collector\.writers: /],
    ["collector: { wirters: 2 }", /^c\.yaml: collector: .*wirters/],
    ["keys: [{ name: a }]", /^c\.yaml: keys\.0: needs exactly one of key and key_env/],
    ["keys: [{ name: a, key_env: NOPE }]", /^c\.yaml: keys: a: the environment variable NOPE is not set/],
    ["baseline: { model: no-such }", /^c\.yaml: baseline\.model: no-such has no price in the price table/],
    ["baseline: { model: q, pool: none }", /q has no price in pool none/],
  ])("refuses %j with the place", (yaml, message) => {
    expect(() => parse(yaml)).toThrow(ConfigError);
    expect(() => parse(yaml)).toThrow(message);
  });
});
