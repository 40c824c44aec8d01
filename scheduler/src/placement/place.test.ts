import { MAX_DECISION_CANDIDATES } from "@signalbox/otel/conventions";
import { expect, test } from "vitest";
import type { Candidate, Demand, PoolSpeed } from "./candidate.ts";
import { place } from "./place.ts";

const SPEED: PoolSpeed = {
  fixedMs: 0,
  prefillTokensPerSecond: 1_000,
  decodeMsPerToken: 50,
  decodeMsPerTokenFull: 100,
  ttftRatio: 1,
  tpotRatio: 1,
  bytesPerToken: 4,
  serviceMs: 1_000,
};
const cpu: Candidate = {
  pool: "cpu",
  model: "m",
  silicon: "cpu",
  tier: 0,
  unavailable: undefined,
  slots: 4,
  active: 0,
  queued: 0,
  queueLimit: 4,
  contextTokens: 4_096,
  speed: SPEED,
  pricing: { by: "time", hourlyUsd: 0.36 },
};
const gpu: Candidate = {
  ...cpu,
  pool: "gpu",
  silicon: "gpu",
  tier: 1,
  speed: { ...SPEED, prefillTokensPerSecond: 10_000, decodeMsPerToken: 10, decodeMsPerTokenFull: 20 },
  pricing: { by: "time", hourlyUsd: 3.6 },
};
const demand: Demand = {
  promptBytes: 4_000,
  maxTokens: 100,
  expectedOutputTokens: 256,
  minTier: 0,
  sla: { class: "background", deadlineMs: 60_000 },
};
const choice = (candidates: Candidate[], asked: Demand) => candidates[place(candidates, asked).order[0] ?? -1]?.pool;

test("the cheapest that meets the class is chosen, and the estimate is told", () => {
  const placement = place([gpu, cpu], demand);
  expect(placement).toMatchObject({ order: [1, 0], feasible: true, reason: "cheapest of 2 that meet background (done ≤ 1 min)" });
  // 1,000 tokens at 1,000/s, then 100 at 50 ms: 6 s at 0.36 USD an hour.
  expect(placement.explained[1]).toEqual({
    pool: "cpu",
    model: "m",
    silicon: "cpu",
    ttft_ms: 1000,
    tpot_ms: 50,
    ttft_uncorrected_ms: 1000,
    tpot_uncorrected_ms: 50,
    cost_nanousd: 600_000,
    chosen: true,
  });
});

test("a class that the cheap one misses goes to the dear one", () => {
  expect(choice([cpu, gpu], { ...demand, sla: { class: "interactive", ttftMs: 500, tpotMs: 60 } })).toBe("gpu");
});

test("what real calls have shown moves the choice", () => {
  const slow = { ...gpu, speed: { ...gpu.speed, tpotRatio: 10 } };
  expect(choice([cpu, slow], { ...demand, sla: { class: "interactive", ttftMs: 2_000, tpotMs: 60 } })).toBe("cpu");
});

test("none feasible: the least late, and it is said", () => {
  const placement = place([cpu, gpu], { ...demand, sla: { class: "interactive", ttftMs: 1, tpotMs: 1 } });
  expect(placement).toMatchObject({ order: [1, 0], feasible: false });
  expect(placement.reason).toBe("none of 2 is predicted to meet interactive (first token ≤ 1 ms, per token ≤ 1 ms): the least harm");
});

test("a line before the slots counts into the first token", () => {
  const busy = { ...gpu, active: 4, queued: 3 };
  const [candidate] = place([busy], demand).explained;
  expect(candidate?.ttft_ms).toBe((4 / 4) * 1_000 + 100);
});

test("an unknown price is never the cheapest", () => {
  expect(choice([{ ...cpu, pool: "mystery", pricing: { by: "unknown" } }, gpu], demand)).toBe("gpu");
  expect(place([{ ...cpu, pricing: { by: "unknown" } }], demand).reason).toContain("prices unknown");
});

test.each<[string, Partial<Candidate>, Partial<Demand>, string]>([
  ["tier", {}, { minTier: 1 }, "tier 0 below 1"],
  ["silicon", {}, { silicon: ["gpu"] }, "silicon cpu not in the route"],
  ["pool", {}, { pools: ["other"] }, "pool not in the route"],
  ["model", {}, { models: ["other"] }, "model not in the route"],
  ["health", { unavailable: "unhealthy: gone" }, {}, "unhealthy: gone"],
  ["context", { contextTokens: 1_000 }, {}, "prompt of about 1000 tokens exceeds the context of 1000"],
  ["queue", { active: 4, queued: 4 }, {}, "queue full"],
])("a candidate is rejected by %s, with the reason", (_what, candidate, asked, rejected) => {
  const placement = place([{ ...cpu, ...candidate }], { ...demand, ...asked });
  expect(placement).toMatchObject({ order: [], overloaded: rejected === "queue full", reason: "no pool can take the request" });
  expect(placement.explained).toEqual([{ pool: "cpu", model: "m", silicon: "cpu", rejected }]);
});

test("the explanation is bounded, the choice always in it", () => {
  const crowd = Array.from({ length: 30 }, (_, index): Candidate => ({ ...gpu, pool: `gpu-${index}` }));
  const { explained } = place([...crowd, cpu], demand);
  expect(explained).toHaveLength(MAX_DECISION_CANDIDATES);
  expect(explained.filter((candidate) => candidate.chosen).map((candidate) => candidate.pool)).toEqual(["cpu"]);
});
