import { expect, test } from "vitest";
import type { Candidate, Demand } from "./candidate.ts";
import { createCorrection } from "./correction.ts";
import { estimate } from "./estimate.ts";
import { createOutputLengths } from "./output-lengths.ts";
import { place } from "./place.ts";
import { createPeakEwma } from "./replicas.ts";
import { residentsOf } from "./residents.ts";
import { unitOf, variantOf } from "./split.ts";

const pool: Candidate = {
  pool: "a",
  model: "m",
  silicon: "gpu",
  tier: 0,
  unavailable: undefined,
  slots: 32,
  active: 0,
  queued: 0,
  queueLimit: 32,
  contextTokens: undefined,
  speed: {
    fixedMs: 0,
    prefillTokensPerSecond: 10_000,
    decodeMsPerToken: 20,
    decodeMsPerTokenFull: 82,
    ttftRatio: 1,
    tpotRatio: 1,
    bytesPerToken: 4,
    serviceMs: 5_000,
  },
  pricing: { by: "time", hourlyUsd: 3.6 },
};
const interactive = { class: "interactive", ttftMs: 1_000, tpotMs: 40 } as const;
const background = { class: "background", deadlineMs: 600_000 } as const;
const demand = (sla: Demand["sla"], promptBytes = 4_000): Demand => ({
  promptBytes,
  maxTokens: undefined,
  expectedOutputTokens: 200,
  minTier: 0,
  sla,
});
const chosen = (candidates: Candidate[], asked: Demand) => candidates[place(candidates, asked).order[0] as number]?.pool;

test("a call that would slow interactive ones too much goes elsewhere, and the decision says why", () => {
  // 20 + 2 ms for each call beside it: the eleventh reaches 40, the twelfth 42.
  const busy = { ...pool, active: 11, residents: [{ sla: interactive, bearableTpotMs: 40 }] };
  const slow = { ...pool, pool: "slow", pricing: { by: "time" as const, hourlyUsd: 36 } };
  const placement = place([busy, slow], demand(background));
  expect(placement).toMatchObject({ order: [1, 0], feasible: true });
  expect(placement.explained[0]?.rejected).toBe("interactive calls there bear 40 ms per token");
  expect(chosen([{ ...busy, active: 10 }, slow], demand(background))).toBe("a");
});

test("nobody bears it: the least harm, and the choice is not told to be rejected", () => {
  const one = { ...pool, active: 31, residents: [{ sla: interactive, bearableTpotMs: 40 }] };
  const other = { ...pool, pool: "b", active: 20, residents: [{ sla: interactive, bearableTpotMs: 40 }] };
  const placement = place([one, other], demand(background));
  expect(placement).toMatchObject({ order: [1, 0], feasible: false });
  expect(placement.explained[1]).not.toHaveProperty("rejected");
});

test("sensitive calls gather where others are, and do not spoil a pool that runs a large batch", () => {
  const sensitive = { ...pool, pool: "sensitive", active: 5, residents: [{ sla: interactive, bearableTpotMs: 40 }] };
  const coarse = { ...pool, pool: "coarse", active: 5, residents: [{ sla: background, bearableTpotMs: 2_000 }] };
  expect(chosen([coarse, sensitive], demand(interactive))).toBe("sensitive");
  expect(chosen([sensitive, coarse], demand(background))).toBe("coarse");
});

test("a warm prefix keeps a session where it is, until the pool costs more than the prefill", () => {
  const warm = { ...pool, pool: "warm", warmPrefixTokens: 9_000 };
  const cold = { ...pool, pool: "cold" };
  expect(chosen([cold, warm], demand(background, 40_000))).toBe("warm");
  // The prompt is 1 s of prefill, the reply 4 s: leaving costs a fifth more.
  const cheaper = { ...cold, pricing: { by: "time" as const, hourlyUsd: 2.7 } };
  expect(chosen([cheaper, warm], demand(background, 40_000))).toBe("cold");
  expect(estimate(warm, demand(background, 40_000)).ttftMs).toBeCloseTo(100);
});

test("a warm prefix is charged as a cache read where tokens have a price", () => {
  const priced = { ...pool, pricing: { by: "tokens" as const, price: { input: 10, output: 0, cacheRead: 1 } } };
  expect(estimate({ ...priced, warmPrefixTokens: 900 }, demand(background)).costNanousd).toBe(900 * 1_000 + 100 * 10_000);
});

test("prompts that came before delay the first token", () => {
  expect(estimate({ ...pool, active: 1, pendingPrefillTokens: 5_000 }, demand(interactive)).ttftMs).toBeCloseTo(500 + 20 + 100);
});

test("a line is waited in as long as bad luck makes it, where a confidence can be kept; and it makes a pool dearer", () => {
  const line = { ...pool, active: 32, queued: 0 };
  const wait = (one: Candidate, confidence: number) => estimate(one, demand({ ...background, confidence })).ttftMs - 100;
  // One end of 32 calls of 5 s is awaited: 156 ms on average, and that of an exponential distribution 4.6 times as long in one of 100.
  expect(wait(line, 0.99)).toBeCloseTo(156.25);
  const learned = { ...line, correction: createCorrection() };
  expect(wait(learned, 0.99) / 156.25).toBeGreaterThan(4.6);
  expect(wait(learned, 0.99) / 156.25).toBeLessThan(6.5);
  expect(wait(learned, 0.9) / 156.25).toBeCloseTo(2.5, 0);
  const dear = { ...line, pool: "dear", queued: 0, pricing: { by: "time" as const, hourlyUsd: 10.8 } };
  // Three times the price: two calls in line are not worth it, three are.
  expect(chosen([{ ...line, queued: 1 }, dear], demand(background))).toBe("a");
  expect(chosen([{ ...line, queued: 3 }, dear], demand(background))).toBe("dear");
});

test("confidence picks the quantile", () => {
  const correction = createCorrection({ prior: 0 });
  for (let ratio = 1; ratio <= 10; ratio++) correction.observe("tpot", "interactive", ratio / 5);
  const at = (confidence: number) => estimate({ ...pool, correction }, demand({ ...interactive, confidence })).tpotMs;
  expect([at(0.5), at(0.9), at(0.99)]).toEqual([20, 36, 40]);
});

test("a budget that is nearly spent leaves the cheapest silicon, met or not", () => {
  const cpu: Candidate = {
    ...pool,
    pool: "cpu",
    silicon: "cpu",
    pricing: { by: "time", hourlyUsd: 0.1 },
    speed: { ...pool.speed, decodeMsPerToken: 400 },
  };
  expect(chosen([pool, cpu], demand(interactive))).toBe("a");
  const placement = place([pool, cpu], { ...demand(interactive), cheapestSilicon: true });
  expect(placement).toMatchObject({ order: [1], feasible: false });
  expect(placement.explained[0]?.rejected).toBe("gpu costs more, and the budget is nearly spent");
});

test("between replicas the less loaded of two is taken, and nothing random is asked elsewhere", () => {
  const replica = (name: string, peakLatencyMs: number): Candidate => ({ ...pool, pool: name, replicaOf: "api", peakLatencyMs });
  const draws = [0, 0];
  const random = () => draws.shift() ?? expect.unreachable();
  const list = [replica("slow", 900), replica("fast", 300)];
  expect(list[place(list, demand(background), { random }).order[0] as number]?.pool).toBe("fast");
  expect(draws).toEqual([]);
  place([pool, { ...pool, pool: "b" }], demand(background), { random });
});

test("a conversation stays with the replica that is warm for it", () => {
  const replica = (name: string, more: Partial<Candidate>): Candidate => ({ ...pool, pool: name, replicaOf: "api", ...more });
  const list = [replica("idle", { peakLatencyMs: 1 }), replica("warm", { peakLatencyMs: 900, warmPrefixTokens: 900 })];
  const { order, explained } = place(list, demand(background), { random: () => expect.unreachable() });
  expect(order).toEqual([1, 0]);
  expect(explained[1]).toMatchObject({ chosen: true, warm_prefix_tokens: 900 });
});

test("what was seen long ago is no longer held against a pool", () => {
  let now = 0;
  const correction = createCorrection({ prior: 2, window: 4, forgetting: { afterMs: 1_000, now: () => now } });
  const worst = () => correction.ratio("ttft", "interactive", 0.99);
  for (const ratio of [3, 4, 5, 6, 7]) {
    now += 100;
    correction.observe("ttft", "interactive", ratio);
  }
  expect([worst(), correction.ratio("ttft", "interactive", 0.01)]).toEqual([7, 4]);
  now = 1_450;
  expect(worst()).toBe(7);
  now = 1_501;
  expect([worst(), correction.ratio("ttft", "interactive", 0.01)]).toEqual([1, 1]);
  correction.observe("ttft", "interactive", 2);
  expect(worst()).toBe(2);
});

test("a session's unit is its own and spread evenly", () => {
  const units = Array.from({ length: 4_000 }, (_, index) => unitOf(`drafts\nsession-${index}`));
  expect(unitOf("drafts\nsession-7")).toBe(units[7]);
  const quarters = [0, 1, 2, 3].map((quarter) => units.filter((unit) => Math.floor(unit * 4) === quarter).length);
  for (const count of quarters) expect(Math.abs(count - 1_000)).toBeLessThan(120);
});

test("replies are as long as those of their route and task; of others, as all", () => {
  const lengths = createOutputLengths();
  expect(lengths.expected("default", undefined)).toBe(256);
  for (let count = 0; count < 200; count++) {
    lengths.observe("default", "heartbeat", 10);
    lengths.observe("default", "essay", 1_000);
  }
  expect(lengths.expected("default", "heartbeat")).toBeCloseTo(10, 0);
  expect(lengths.expected("default", "essay")).toBeCloseTo(1_000, 0);
  expect(lengths.expected("other", "essay")).toBeGreaterThan(400);
  for (let count = 0; count < 3_000; count++) lengths.observe("default", `made up ${count}`, 5);
  expect(lengths.expected("default", "made up 2999")).toBeCloseTo(lengths.expected("nowhere", undefined));
});

test("a peak counts at once and is forgotten slowly", () => {
  const ewma = createPeakEwma(1_000);
  ewma.observe(100, 0);
  ewma.observe(900, 10);
  expect(ewma.read(10)).toBe(900);
  expect(ewma.read(1_010)).toBeCloseTo(900 / Math.E);
  ewma.observe(100, 1_010);
  expect(ewma.read(1_010)).toBeCloseTo(100 + 800 / Math.E);
});

test("residents: the most sensitive of each class, a deadline by what is left of it", () => {
  const call = { sla: background, arrivedAt: 0, expectedTokensLeft: 100 };
  expect(residentsOf([call, { ...call, expectedTokensLeft: 200 }, { ...call, sla: interactive }], 500_000)).toEqual([
    { sla: background, bearableTpotMs: 500 },
    { sla: interactive, bearableTpotMs: 40 },
  ]);
  // Past its deadline it is lost whatever happens.
  expect(residentsOf([call], 600_000)).toEqual([]);
});

test("variants take the shares that their weights say", () => {
  const counts = [0, 0, 0];
  for (let at = 0; at < 1_000; at++) {
    const variant = variantOf([1, 0, 3], at / 1_000);
    counts[variant] = (counts[variant] ?? 0) + 1;
  }
  expect(counts).toEqual([250, 0, 750]);
  expect(variantOf([0, 0], 0.5)).toBe(0);
});
