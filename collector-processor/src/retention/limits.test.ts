import { expect, it } from "vitest";
import { cutoffOf, cutoffs, DAY_MS, retentionLimits } from "./limits.ts";
import { retentionSchema } from "./retention-config.ts";

const NOW = Date.parse("2026-11-21T10:30:00Z");
const limits = (yaml: object) => retentionLimits({ ...retentionSchema.parse(yaml), payload_days: 7 });

it("keeps everything but bodies of calls for ever unless it is told", () => {
  expect(limits({}).others).toEqual({ content: Infinity, payloads: 7, spans: Infinity, rollups: Infinity, sessions: Infinity });
  expect(cutoffs(limits({}), "spans", NOW)).toEqual({ others: -Infinity, projects: new Map(), latest: -Infinity });
});

it("keeps content no longer than its spans, and sessions as long as spans or rollups", () => {
  const { others } = limits({ content_days: 60, span_days: 30, rollup_days: 10 });
  expect(others).toEqual({ content: 30, payloads: 7, spans: 30, rollups: 10, sessions: 30 });
});

it("lets a project differ in one kind, and spans go by whole days", () => {
  const kept = limits({ span_days: 30, projects: { acme: { span_days: 3 }, "*/x": { span_days: "forever", payload_days: 1 } } });
  expect(kept.projects.get("acme")).toMatchObject({ spans: 3, payloads: 3, rollups: Infinity });
  const spans = cutoffs(kept, "spans", NOW);
  expect(cutoffOf(spans, "acme")).toBe(Date.parse("2026-11-18"));
  expect(cutoffOf(spans, "*/x")).toBe(-Infinity);
  expect(cutoffOf(spans, "any")).toBe(Date.parse("2026-10-22"));
  expect(spans.latest).toBe(Date.parse("2026-11-18"));
  expect(cutoffOf(cutoffs(kept, "payloads", NOW), "*/x")).toBe(NOW - DAY_MS);
});
