import { describe, expect, it } from "vitest";
import type { Contribution, Explanation } from "../api/explain.ts";
import { explainInWords } from "./explain-words.ts";

const period = (cost: string, calls = 10): Explanation["now"] => ({
  calls,
  cost_nanousd: cost,
  unknown_cost_calls: 0,
  comparable_cost_nanousd: cost,
  comparable_baseline_nanousd: "0",
});
const row = (label: string, change: string, rest: Partial<Contribution> = {}): Contribution => ({
  by: "session",
  label,
  detail: null,
  silicon: null,
  session_id: label,
  agent_id: null,
  descendants: null,
  calls: 1,
  before_calls: 1,
  cost_nanousd: change,
  before_cost_nanousd: "0",
  change_nanousd: change,
  busy_ms: null,
  errors: 0,
  ...rest,
});
const explanation = (change: Partial<Explanation>): Explanation => ({
  from: "2026-11-21T00:00:00.000000000Z",
  to: "2026-11-21T01:00:00.000000000Z",
  by: "minute",
  before_from: "2026-11-20T23:00:00.000000000Z",
  now: period("3000000000"),
  before: period("1000000000"),
  baseline_model: null,
  sessions_by_silicon: [],
  bursts: [],
  contributions: [],
  ...change,
});
const say = (change: Partial<Explanation>) =>
  explainInWords(explanation(change)).map(({ parts }) => parts.map((part) => (typeof part === "string" ? part : part.strong)).join(""));

describe("in words", () => {
  it("one session is not said to be 100 % of the 1 sessions", () =>
    expect(say({ sessions_by_silicon: [{ silicon: "gpu", sessions: 1 }] })).toContain("The one session ran mostly on the GPU queue."));

  it("a rise, and who is behind it", () =>
    expect(say({ contributions: [row("scout", "1500000000")] })).toEqual([
      "$3.00 over 10 model calls, $2.00 (200 %) more than in the period before.",
      "75 % of the rise came from scout.",
    ]));
  it("a part that is larger than the whole is an amount, not 150 %", () =>
    expect(say({ contributions: [row("scout", "3000000000")] })[1]).toBe("More than the whole rise, $3.00, came from scout."));
  it("a fall", () =>
    expect(
      say({ now: period("1000000000"), before: period("3000000000"), contributions: [row("rising", "5"), row("calmed", "-2000000000")] }),
    ).toEqual(["$1.00 over 10 model calls, $2.00 (67 %) less than in the period before.", "100 % of the fall is in calmed."]));
  it("a burst is told even where it is not behind the change", () =>
    expect(
      say({ bursts: [{ session_id: "s", agent_name: "fan", channel: "slack", sub_agents: 12, peak_per_minute: 12, seconds: 30.4 }] }).at(
        -1,
      ),
    ).toBe("fan ran away: one runaway agent that spawned 12 sub-agents within 30 s in one Slack thread."));
  it("a vendor that would have been cheaper is not called dearer", () => {
    const now = { ...period("3000000000"), comparable_baseline_nanousd: "1000000000" };
    expect(say({ now, baseline_model: "m" }).at(-1)).toBe(
      "A single vendor (m) would have charged $1.00 for these calls: it would have been 3× smaller.",
    );
  });
  it("nothing before, and nothing at all", () => {
    expect(say({ before: period("0", 0), contributions: [row("scout", "1500000000")] })).toEqual([
      "$3.00 over 10 model calls. In the period before there were no calls.",
      "50 % of it came from scout.",
    ]);
    expect(say({ now: period("0", 0), before: period("0", 0) })).toEqual([]);
  });
});
