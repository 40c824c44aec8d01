import { expect, test } from "vitest";
import { type Candidate, type Demand, dueInMs, type Residents, type SlaTarget } from "./candidate.ts";
import { createCorrection } from "./correction.ts";
import { estimate } from "./estimate.ts";
import { createOutputLengths } from "./output-lengths.ts";
import { place } from "./place.ts";
import { createPeakEwma } from "./replicas.ts";
import { createReplyLengths } from "./reply-lengths.ts";
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
/** Of a reply so long that a newcomer's prompt does not count. */
const bearing = (sla: SlaTarget, bearableTpotMs: number): Residents => ({ sla, bounds: [{ bearableTpotMs, tokensLeft: Infinity }] });
const chosen = (candidates: Candidate[], asked: Demand) => candidates[place(candidates, asked).order[0] as number]?.pool;

test("a call that would slow interactive ones too much goes elsewhere, and the decision says why", () => {
  // 20 + 2 ms for each call beside it: the eleventh reaches 40, the twelfth 42.
  const busy = { ...pool, active: 11, residents: [bearing(interactive, 40)] };
  const slow = { ...pool, pool: "slow", pricing: { by: "time" as const, hourlyUsd: 36 } };
  const placement = place([busy, slow], demand(background));
  expect(placement).toMatchObject({ order: [1, 0], feasible: true });
  expect(placement.explained[0]?.rejected).toBe("interactive calls there bear 40 ms per token");
  expect(chosen([{ ...busy, active: 10 }, slow], demand(background))).toBe("a");
});

test("nobody bears it: the least harm, and the choice is not told to be rejected", () => {
  const one = { ...pool, active: 31, residents: [bearing(interactive, 40)] };
  const other = { ...pool, pool: "b", active: 20, residents: [bearing(interactive, 40)] };
  const placement = place([one, other], demand(background));
  expect(placement).toMatchObject({ order: [1, 0], feasible: false });
  expect(placement.explained[1]).not.toHaveProperty("rejected");
});

test("a cheaper pool that is left because it would miss the class is told to miss it", () => {
  const cheap = { ...pool, speed: { ...pool.speed, decodeMsPerToken: 60 } };
  const dear = { ...pool, pool: "dear", pricing: { by: "time" as const, hourlyUsd: 36 } };
  const { order, explained } = place([cheap, dear], demand(interactive));
  expect(order).toEqual([1, 0]);
  expect(explained[0]).toMatchObject({ misses_sla: true });
  expect(explained[0]).not.toHaveProperty("rejected");
  expect(explained[1]).not.toHaveProperty("misses_sla");
});

test("sensitive calls gather where others are, and do not spoil a pool that runs a large batch", () => {
  const sensitive = { ...pool, pool: "sensitive", active: 5, residents: [bearing(interactive, 40)] };
  const coarse = { ...pool, pool: "coarse", active: 5, residents: [bearing(background, 2_000)] };
  expect(chosen([coarse, sensitive], demand(interactive))).toBe("sensitive");
  expect(chosen([sensitive, coarse], demand(background))).toBe("coarse");
});

test("a pool that fills up takes no call that its prompts would hold up, however few decode there yet", () => {
  // Half of its time goes into prompts: a step of 22 ms comes every 44.
  const filling = { ...pool, pool: "filling", active: 1, prefillInflow: 5 };
  const dear = { ...pool, pool: "dear", pricing: { by: "time" as const, hourlyUsd: 36 } };
  expect(estimate(filling, demand(interactive)).tpotMs).toBeCloseTo(44);
  expect(estimate({ ...filling, prefillInflow: 1_000 }, demand(interactive)).tpotMs).toBeCloseTo(88);
  expect(chosen([filling, dear], demand(interactive))).toBe("dear");
  expect(chosen([{ ...filling, prefillInflow: 4 }, dear], demand(interactive))).toBe("filling");
  expect(chosen([filling, dear], demand(background))).toBe("filling");
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

test("a long prompt goes where fewer replies are held up by it, a short one does not mind", () => {
  const short = { ...pool, pool: "short", active: 5, residents: [{ sla: interactive, bounds: [{ bearableTpotMs: 40, tokensLeft: 20 }] }] };
  const long = { ...short, pool: "long", residents: [{ sla: interactive, bounds: [{ bearableTpotMs: 40, tokensLeft: 400 }] }] };
  // 30 ms a step; 4,000 tokens are 400 ms: 20 ms more for each of 20 tokens, 1 ms for each of 400.
  expect(place([short, long], demand(background, 16_000))).toMatchObject({ order: [1, 0], feasible: true });
  expect(estimate(short, demand(background, 16_000)).stretch).toBeCloseTo(50 / 40);
  expect(estimate(long, demand(background, 16_000)).stretch).toBeCloseTo(31 / 40);
  expect(estimate(short, demand(background, 400)).stretch).toBeLessThan(1);
});

test("nobody is feasible: many that are a little late are preferred to one that is very late", () => {
  const crowded = {
    ...pool,
    pool: "crowded",
    active: 12,
    residents: [{ sla: interactive, bounds: Array(12).fill({ bearableTpotMs: 42, tokensLeft: Infinity }) }],
  };
  const hopeless: Candidate = { ...pool, pool: "hopeless", speed: { ...pool.speed, decodeMsPerToken: 80 } };
  expect(estimate(crowded, demand(interactive)).harm).toBeCloseTo(100 * ((44 / 40 - 1) ** 2 + 12 * (44 / 42 - 1) ** 2));
  expect(chosen([hopeless, crowded], demand(interactive))).toBe("crowded");
});

test("nobody is feasible: a standard call is late itself rather than make an interactive one late, unless their weights say otherwise", () => {
  const standard = { class: "standard", ttftMs: 1_000, tpotMs: 40 } as const;
  // On a pool of 60 ms a token it would be a third too slow; beside eleven others it makes one that bears 40 ms a twentieth too slow.
  const slow = { ...pool, pool: "slow", speed: { ...pool.speed, decodeMsPerToken: 60 } };
  const shared = (sla: SlaTarget) => ({ ...pool, pool: "shared", active: 11, residents: [bearing(sla, 40)] });
  expect(place([slow, shared(interactive)], demand({ ...standard, tpotMs: 45 })).feasible).toBe(false);
  expect(chosen([slow, shared(interactive)], demand({ ...standard, tpotMs: 45 }))).toBe("slow");
  expect(chosen([slow, shared({ ...interactive, weight: 1 })], demand({ ...standard, tpotMs: 45 }))).toBe("shared");
  expect(chosen([slow, shared(interactive)], demand({ ...standard, tpotMs: 45, weight: 100 }))).toBe("shared");
});

test("one more sensitive call among many makes a pool little dearer, the first makes it dear", () => {
  const among = (count: number) => ({
    ...pool,
    active: 8,
    residents: [{ sla: interactive, bounds: Array(count).fill({ bearableTpotMs: 40, tokensLeft: 200 }) }],
  });
  const weight = (one: Candidate) => estimate(one, demand(interactive)).weightNanousd as number;
  expect(weight(among(0)) / weight(among(8))).toBeGreaterThan(3);
  expect(weight(among(1)) / weight(among(8))).toBeGreaterThan(1.5);
});

test("who is due sooner waits only behind those that go before", () => {
  const line = { ...pool, active: 32, queued: 20, queuedAhead: ({ class: name }: SlaTarget) => (name === "background" ? 20 : 0) };
  expect(estimate(line, demand(interactive)).ttftMs).toBeCloseTo(100 + 5_000 / 32);
  expect(estimate(line, demand(background)).ttftMs).toBeCloseTo(100 + (21 * 5_000) / 32);
  expect([interactive, background, { class: "standard" } as const].map(dueInMs)).toEqual([1_000, 600_000, Infinity]);
});

test("residents by class: a deadline by what is left of it, a target per token by what the reply has gained or lost so far", () => {
  const call = { sla: background, arrivedAt: 0, tokens: 0, decodingMs: 0, expectedTokensLeft: 100, fewestTokensLeft: 10 };
  const sensitive = { ...call, sla: interactive, tokens: 10, decodingMs: 300 };
  const strict = { ...sensitive, sla: { ...interactive, tpotMs: 30 }, decodingMs: 200 };
  expect(residentsOf([call, sensitive, { ...call, expectedTokensLeft: 200 }, strict], 500_000, 20)).toEqual([
    {
      sla: background,
      bounds: [
        { bearableTpotMs: 1_000, tokensLeft: 100 },
        { bearableTpotMs: 500, tokensLeft: 200 },
      ],
    },
    // 20 tokens at 40 ms are 800; 300 are spent, and 10 tokens left. At 30 ms 600, of which 200 are spent.
    {
      sla: strict.sla,
      bounds: [
        { bearableTpotMs: 50, tokensLeft: 10 },
        { bearableTpotMs: 40, tokensLeft: 10 },
      ],
    },
  ]);
  // Past its deadline, or too far behind for the fastest step, it is lost whatever happens.
  expect(residentsOf([call, { ...sensitive, decodingMs: 601 }], 600_000, 20)).toEqual([]);
});

test("what is left of a reply depends on how far it has come", () => {
  const lengths = createReplyLengths();
  expect(lengths.fewestLeft(0)).toBeUndefined();
  for (let count = 0; count < 512; count++) lengths.observe(count % 2 === 0 ? 60 : 400);
  expect([0, 59, 60, 399, 400].map(lengths.fewestLeft)).toEqual([60, 1, 340, 1, 1]);
  for (let count = 0; count < 512; count++) lengths.observe(1 + (count % 100));
  expect(lengths.fewestLeft(0)).toBeCloseTo(6, -1);
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
