import { describe, expect, it } from "vitest";
import type { CostRow } from "../api/cost.ts";
import { axisSteps, MAX_SERIES, MONTH_MS, nameRow, toTimeSeries, totalsOf } from "./cost-view.ts";

const row = (more: Partial<CostRow>) =>
  ({ calls: 1, input_tokens: 0, output_tokens: 0, cost_usd: 1, cost_nanousd: "1000000000", ...more }) as CostRow;
const range = { from: "2026-11-21T00:00:00.000000000Z", to: "2026-11-21T03:10:00.000000000Z", bucketMs: 3_600_000 };

describe("time series", () => {
  it("gives the same model on two pools two lines", () => {
    const bucket = "2026-11-21T01:00:00.000000000Z";
    const rows = [
      row({ model: "qwen", pool: "epyc-a", silicon: "cpu", bucket, cost_usd: 1 }),
      row({ model: "qwen", pool: "l40s", silicon: "gpu", bucket, cost_usd: 2 }),
    ];
    const { series, times } = toTimeSeries(rows, "model", "cost", range);
    expect(series.map((one) => [one.label, one.detail, one.values])).toEqual([
      ["qwen", "l40s", [0, 2, 0, 0]],
      ["qwen", "epyc-a", [0, 1, 0, 0]],
    ]);
    expect(times).toHaveLength(4);
  });

  it("fills empty buckets", () => expect(toTimeSeries([], "route", "cost", range).times).toHaveLength(4));

  it("puts the smallest groups together and loses nothing", () => {
    const rows = Array.from({ length: 20 }, (_, index) => row({ route: `r${index}`, bucket: range.from, cost_usd: index + 1 }));
    const { series } = toTimeSeries(rows, "route", "cost", range);
    expect(series).toHaveLength(MAX_SERIES);
    expect(series.at(-1)).toMatchObject({ isRest: true, label: "13 others" });
    expect(series.reduce((sum, one) => sum + one.total, 0)).toBe(210);
  });

  it("follows months, in any zone, with those that nothing happened in", () => {
    const berlin = ["2026-08-31T22:00:00.000000000Z", "2026-10-31T23:00:00.000000000Z"];
    const rows = berlin.map((bucket) => row({ route: "a", bucket }));
    const { times } = toTimeSeries(rows, "route", "cost", { from: "2026-05-21T00:00:00Z", to: "2026-11-21T03:00:00Z", bucketMs: MONTH_MS });
    expect(times.map((time) => new Date(time).toISOString().slice(0, 7))).toEqual([
      "2026-05",
      "2026-06",
      "2026-07",
      "2026-08",
      "2026-09",
      "2026-10",
    ]);
    expect(
      toTimeSeries([], "route", "cost", { from: "2025-11-21T00:00:00Z", to: "2026-11-21T03:00:00Z", bucketMs: MONTH_MS }).times,
    ).toEqual([]);
  });

  it("follows days that are not 24 hours long", () => {
    // Berlin, where the clocks went back on 25 October 2026
    const rows = ["2026-10-23T22:00:00.000000000Z", "2026-10-24T22:00:00.000000000Z", "2026-10-25T23:00:00.000000000Z"].map((bucket) =>
      row({ route: "r", bucket }),
    );
    const { times } = toTimeSeries(rows, "route", "cost", {
      from: "2026-10-23T22:00:00.000000000Z",
      to: "2026-10-26T12:00:00.000000000Z",
      bucketMs: 86_400_000,
    });
    expect(times).toHaveLength(3);
  });
});

it("adds rows over time up by group, and an unknown cost is no zero", () => {
  const whole = {
    errors: 1,
    cache_read_tokens: 2,
    cache_write_tokens: 3,
    reasoning_tokens: 4,
    unknown_cost_calls: 0,
    baseline_nanousd: "5",
    comparable_cost_nanousd: "6",
    comparable_baseline_nanousd: "7",
  };
  const unknown = { ...whole, cost_nanousd: null, cost_usd: null, unknown_cost_calls: 1 };
  const rows = [
    row({ ...whole, route: "a", bucket: range.from }),
    row({ ...unknown, route: "b", bucket: range.from }),
    row({ ...whole, route: "c", bucket: range.from, cost_nanousd: "9007199254740993", cost_usd: 9_007_199 }),
    row({ ...unknown, route: "a", bucket: range.to }),
    row({ ...unknown, route: "b", bucket: range.to }),
    row({ ...whole, route: "c", bucket: range.to, cost_nanousd: "2" }),
  ];
  const added = { errors: 2, cache_read_tokens: 4, cache_write_tokens: 6, reasoning_tokens: 8, baseline_nanousd: "10", baseline_usd: 1e-8 };
  expect(totalsOf(rows, "route")).toMatchObject([
    { route: "c", bucket: null, calls: 2, cost_nanousd: "9007199254740995", unknown_cost_calls: 0, ...added },
    { route: "a", bucket: null, calls: 2, cost_nanousd: "1000000000", cost_usd: 1, unknown_cost_calls: 1, ...added },
    { route: "b", bucket: null, calls: 2, cost_nanousd: null, cost_usd: null, unknown_cost_calls: 2, comparable_baseline_nanousd: "14" },
  ]);
});

it("names what was not routed", () =>
  expect(nameRow(row({ model: "m", pool: "", silicon: "" }), "model")).toMatchObject({ detail: "not routed", silicon: null }));

it("makes an axis that reaches the largest value in at most five steps", () => {
  for (const max of [0.00042, 0.92, 1, 7, 99, 12_345]) {
    const steps = axisSteps(max);
    expect(steps.at(-1)).toBeGreaterThanOrEqual(max);
    expect(steps.length).toBeLessThanOrEqual(6);
  }
});
