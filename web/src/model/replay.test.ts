import { describe, expect, it } from "vitest";
import type { Step } from "../api/step.ts";
import { advance, indexAt, nextOf, toReplay } from "./replay.ts";

const T0 = Date.parse("2026-11-21T10:00:00Z");
const step = (startMs: number, durationMs: number, extra: Partial<Step> = {}): Step => ({
  kind: "call",
  span_id: startMs.toString(16).padStart(16, "0"),
  agent_id: "root",
  agent_name: null,
  start_time: new Date(T0 + startMs).toISOString(),
  duration_ns: String(durationMs * 1e6),
  name: "chat m",
  tool_name: null,
  model: "m",
  pool: null,
  silicon: null,
  attempt: null,
  input_tokens: null,
  output_tokens: null,
  cost_nanousd: null,
  status: "ok",
  status_message: null,
  ...extra,
});

describe("a replay", () => {
  const replay = toReplay([
    step(0, 1000, { cost_nanousd: "5" }),
    step(500, 200, { agent_id: "a", cost_nanousd: "9007199254740993" }),
    step(1000, 1000, { agent_id: "b", status: "error", cost_nanousd: "9007199254740992" }),
    // an hour of nothing
    step(3_600_000, 2000, { agent_id: "a", status: "error" }),
  ]);

  it("knows what to jump to", () => {
    expect(replay.errors).toEqual([2, 3]);
    expect(replay.subAgents).toEqual([1, 2]);
    expect(replay.costliest).toEqual([1]);
    expect(nextOf(replay.errors, 2)).toBe(3);
    expect(nextOf(replay.errors, 3)).toBe(2);
    expect(nextOf([], 3)).toBeUndefined();
  });

  it("finds the step of a moment", () => {
    expect([-1, 0, 499, 500, 999, 1000, 3_599_999, 3_600_000, 9e9].map((ms) => indexAt(replay, T0 + ms))).toEqual([
      0, 0, 0, 1, 1, 2, 2, 3, 3,
    ]);
    expect(indexAt({ steps: [] }, 0)).toBe(-1);
  });

  it("plays active time as it was, and an idle hour in a moment", () => {
    expect(advance(replay, T0, 400, 1) - T0).toBeCloseTo(400, 1);
    expect(advance(replay, T0, 100, 4) - T0).toBeCloseTo(400, 1);
    expect(replay.lengthMs).toBeGreaterThan(4000);
    expect(replay.lengthMs).toBeLessThan(4500);
    let ms = T0;
    let frames = 0;
    for (; ms < replay.endMs && frames < 1000; frames++) ms = advance(replay, ms, 16, 1);
    expect(frames * 16).toBeCloseTo(replay.lengthMs, -2);
    expect(ms).toBe(replay.endMs);
  });

  it("of nothing, or of a moment, is at its end", () => {
    expect(advance(toReplay([]), 0, 16, 1)).toBe(0);
    const instant = toReplay([step(0, 0)]);
    expect(advance(instant, T0, 16, 1)).toBe(T0);
  });
});
