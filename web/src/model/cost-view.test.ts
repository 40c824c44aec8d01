import { describe, expect, it } from "vitest";
import type { CostRow } from "../api/cost.ts";
import { axisSteps, MAX_SERIES, MONTH_MS, nameRow, toTimeSeries } from "./cost-view.ts";

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

it("names what was not routed", () =>
  expect(nameRow(row({ model: "m", pool: "", silicon: "" }), "model")).toMatchObject({ detail: "not routed", silicon: null }));

it("makes an axis that reaches the largest value in at most five steps", () => {
  for (const max of [0.00042, 0.92, 1, 7, 99, 12_345]) {
    const steps = axisSteps(max);
    expect(steps.at(-1)).toBeGreaterThanOrEqual(max);
    expect(steps.length).toBeLessThanOrEqual(6);
  }
});
