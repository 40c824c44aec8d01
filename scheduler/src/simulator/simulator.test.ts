import fc from "fast-check";
import { expect, test } from "vitest";
import { clairvoyantRate } from "./bound.ts";
import { createEngine, type Job } from "./engine.ts";
import type { PoolModel } from "./fleet.ts";
import { asFound, searchWithHindsight } from "./hindsight.ts";
import { maximise } from "./linear-program.ts";
import { slower, timingsFromCsv, timingsFromRates } from "./perf-model.ts";
import { POLICIES, type PolicyName } from "./policies.ts";
import { simulate } from "./simulate.ts";
import { attained, DEFAULT_TARGETS, tpotOf, ttftOf } from "./sla.ts";
import { percentiles, summarise } from "./summary.ts";
import { type Arrival, arrivals, parseTrace } from "./trace.ts";

const timings = timingsFromRates({ prefillTokensPerSecond: 5_000, decodeMsPerToken: 20, decodeMsPerTokenFull: 40, slots: 8 });
const poolModel = (silicon: "gpu" | "cpu", index: number, changes: Partial<PoolModel> = {}): PoolModel => ({
  name: `${silicon}-${index}`,
  model: "m",
  silicon,
  tier: 0,
  slots: 8,
  queueLimit: Infinity,
  contextTokens: undefined,
  chunkTokens: 512,
  pricing: { by: "time", hourlyUsd: silicon === "gpu" ? 4 : 1 },
  timings: silicon === "gpu" ? timings : slower(timings, 3),
  ...changes,
});
const fleet = [poolModel("gpu", 1), poolModel("gpu", 2), poolModel("cpu", 1)];

const load: fc.Arbitrary<Arrival[]> = fc
  .array(
    fc.record({
      gapMs: fc.integer({ min: 0, max: 2_000 }),
      promptTokens: fc.integer({ min: 1, max: 5_000 }),
      outputTokens: fc.integer({ min: 1, max: 300 }),
      slaClass: fc.constantFrom("interactive", "standard", "background"),
    }),
    { minLength: 1, maxLength: 60 },
  )
  .map((list) => {
    let atMs = 0;
    return list.map(({ gapMs, ...one }) => {
      atMs += gapMs;
      return { ...one, minTier: 0, atMs };
    });
  });
const run = (policy: PolicyName, given: Arrival[], pools = fleet) =>
  simulate({ fleet: pools, arrivals: given, targets: DEFAULT_TARGETS, policy: POLICIES[policy](), seed: 1 });

test.each(Object.keys(POLICIES) as PolicyName[])("%s: each request is served once, in time's order, and its work is done", (policy) => {
  fc.assert(
    fc.property(load, (given) => {
      const { jobs, pools } = run(policy, given);
      expect(jobs.map(({ index }) => index)).toEqual(given.map((_, index) => index));
      for (const job of jobs) {
        const { atMs, slotAt, firstTokenAt, endedAt } = job;
        expect(job.pool).toBeGreaterThanOrEqual(0);
        expect([atMs, slotAt, firstTokenAt, endedAt]).toEqual([atMs, slotAt, firstTokenAt, endedAt].sort((a, b) => a - b));
        // No faster than alone on that pool.
        const alone = (fleet[job.pool] as PoolModel).timings;
        expect(firstTokenAt - slotAt).toBeGreaterThanOrEqual((job.promptTokens / 5_000) * 1000 * (job.pool === 2 ? 3 : 1) - 1e-6);
        expect(endedAt - firstTokenAt).toBeGreaterThanOrEqual((job.outputTokens - 1) * alone.decodeMs(1) - 1e-6);
      }
      expect(pools.reduce((sum, { calls }) => sum + calls, 0)).toBe(given.length);
    }),
    { numRuns: 30 },
  );
});

test("bounded queues refuse, once each, and refused requests count as missed", () => {
  const given: Arrival[] = Array.from({ length: 40 }, () => ({
    atMs: 0,
    promptTokens: 100,
    outputTokens: 50,
    slaClass: "standard",
    minTier: 0,
  }));
  const { jobs } = run("signalbox", given, [poolModel("gpu", 1, { slots: 4, queueLimit: 6 })]);
  const refused = jobs.filter((job) => job.pool < 0);
  expect(refused).toHaveLength(30);
  expect(refused.every((job) => job.endedAt === 0)).toBe(true);
  const [standard] = summarise({ jobs }, DEFAULT_TARGETS);
  expect(standard).toMatchObject({ requests: 40, refused: 30 });
  expect(standard?.attainment.value).toBeLessThanOrEqual(0.25);
});

test("deterministic", () => {
  fc.assert(
    fc.property(load, (given) => {
      expect(run("p2c-peak-ewma", given)).toEqual(run("p2c-peak-ewma", given));
    }),
    { numRuns: 10 },
  );
});

test("a pool of its own for each request: a first token takes the prefill, and each other a step", () => {
  fc.assert(
    fc.property(load, (given) => {
      const pools = given.map((_, index) => poolModel("gpu", index));
      for (const job of run("round-robin", given, pools).jobs) {
        const chunks = Math.floor(job.promptTokens / 512);
        const rest = job.promptTokens % 512;
        expect(ttftOf(job)).toBeCloseTo(chunks * timings.prefillMs(512) + (rest > 0 ? timings.prefillMs(rest) : 0), 6);
        expect(tpotOf(job)).toBeCloseTo(job.outputTokens > 1 ? 20 : 0, 6);
      }
    }),
    { numRuns: 30 },
  );
});

const newJob = (promptTokens: number, outputTokens: number, dueAt = 0): Job => ({
  ...({ slaClass: "standard", minTier: 0, atMs: 0, index: 0, pool: 0, slotAt: 0, firstTokenAt: 0, endedAt: 0 } as const),
  ...{ meanBatch: 0, activeBefore: 0, prefillBefore: 0, prefillLeft: 0, firstIteration: 0, batchesAtFirst: 0 },
  promptTokens,
  outputTokens,
  dueAt,
});

test("whoever is due first takes the slot that is free next, of equals who came first", () => {
  const engine = createEngine({ timings, slots: 1, chunkTokens: 512 });
  const [running, late, soon, soonToo] = [newJob(512, 2), newJob(512, 2, 600_000), newJob(512, 2, 1_000), newJob(512, 2, 1_000)];
  for (const job of [running, late, soon, soonToo]) engine.submit(job, 0);
  expect([engine.queued, engine.aheadOf(500), engine.aheadOf(1_000), engine.aheadOf(Infinity)]).toEqual([3, 0, 2, 3]);
  const ended: Job[] = [];
  engine.advance(Number.MAX_VALUE, (job) => ended.push(job));
  expect(ended).toEqual([running, soon, soonToo, late]);
});

test("a prompt that is evaluated slows the calls that decode beside it, and a slot is held until the end", () => {
  const engine = createEngine({ timings, slots: 2, chunkTokens: 512 });
  const [one, two, three] = [newJob(512, 101), newJob(1024, 2), newJob(512, 2)];
  const ended: Job[] = [];
  engine.advance(0, (job) => ended.push(job));
  engine.submit(one, 0);
  engine.submit(two, 0);
  engine.submit(three, 0);
  expect([engine.active, engine.queued]).toEqual([2, 1]);
  engine.advance(Number.MAX_VALUE, (job) => ended.push(job));
  expect(ended).toEqual([two, three, one]);
  const pass = timings.prefillMs(512);
  expect(one.firstTokenAt).toBeCloseTo(pass);
  expect(two.firstTokenAt).toBeCloseTo(pass + 2 * 1.1 * pass);
  expect(three.slotAt).toBe(two.endedAt);
  // 100 steps: three beside a chunk, two beside another call, the others alone.
  expect(one.endedAt - one.firstTokenAt).toBeCloseTo(3 * 1.1 * pass + 2 * timings.decodeMs(2) + 95 * 20);
});

test("a measured table: medians, straight lines between, never falling", () => {
  const header = "model,hardware,prompt_size,batch_size,prompt_time,token_time,tensor_parallel";
  const lines = ["128,1,60,30", "128,1,90,31", "128,1,50,29", "512,1,100,30", "512,2,200,28", "512,4,400,50"];
  const table = timingsFromCsv([header, ...lines.map((line) => `m,h,${line},8`)].join("\n"), {
    model: "m",
    hardware: "h",
    tensorParallel: 8,
  });
  expect([0, 128, 320, 512, 896].map(table.prefillMs)).toEqual([30, 60, 80, 100, 140]);
  expect([1, 2, 3, 4, 5].map(table.decodeMs)).toEqual([30, 30, 40, 50, 60]);
  expect(() => timingsFromCsv(header, { model: "x", hardware: "h", tensorParallel: 8 })).toThrow("no measurements of x on h");
});

test("a trace: Azure's columns, scaled to a rate, with the class mix", () => {
  const lines = Array.from({ length: 2_001 }, (_, at) => `2023-11-16 18:15:${String(at % 60).padStart(2, "0")}.6805900,374,44`);
  const { rows } = parseTrace(["TIMESTAMP,ContextTokens,GeneratedTokens", ...lines].join("\n"));
  const given = arrivals(rows, { rate: 10, loops: 2, mix: { interactive: 0.1, background: 0.45 }, seed: 1 });
  expect(given).toHaveLength(4_002);
  expect((given.at(-1) as Arrival).atMs / 1000).toBeCloseTo(400, 0);
  const share = (slaClass: string) => given.filter((arrival) => arrival.slaClass === slaClass).length / given.length;
  expect(share("interactive")).toBeCloseTo(0.1, 1);
  expect(share("background")).toBeCloseTo(0.45, 1);
  expect(() => parseTrace("TIMESTAMP,ContextTokens,GeneratedTokens\n2023-11-16 18:15:46.68,0,4\n", "t.csv")).toThrow("t.csv:2: expected");
  expect(() => parseTrace("a,b\n1,2", "t.csv")).toThrow("t.csv:1: expected the columns");
});

test("percentiles by nearest rank", () => {
  expect(percentiles(Array.from({ length: 100 }, (_, index) => 100 - index))).toEqual({ p50: 50, p95: 95, p99: 99 });
});

test("linear programs: a corner, a limit, a refusal", () => {
  const rows = [
    [1, 1],
    [1, 3],
  ];
  const { value, x } = maximise({ objective: [3, 2], rows, bounds: [4, 6] });
  expect(value).toBeCloseTo(12);
  expect(x).toEqual([4, 0]);
  expect(maximise({ objective: [1, 2], rows, bounds: [4, 6] }).value).toBeCloseTo(5);
  expect(() => maximise({ objective: [1], rows: [[-1]], bounds: [1] })).toThrow("no limit");
});

test("the bound is above what any policy serves: a fleet kept busy without end", () => {
  const given: Arrival[] = Array.from({ length: 400 }, (_, index) => ({
    atMs: 0,
    promptTokens: 200 + ((index * 37) % 900),
    outputTokens: 20 + ((index * 53) % 200),
    slaClass: index % 10 === 0 ? "interactive" : "background",
    minTier: 0,
  }));
  const bound = clairvoyantRate(fleet, given, DEFAULT_TARGETS, 0);
  for (const policy of Object.keys(POLICIES) as PolicyName[]) {
    const { jobs } = run(policy, given);
    const seconds = Math.max(...jobs.map(({ endedAt }) => endedAt)) / 1000;
    expect(given.length / seconds).toBeLessThan(bound);
  }
});

test("the bound knows that a prompt takes a slot while it is evaluated: with one slot, calls run one after the other", () => {
  const one: Arrival = { atMs: 0, promptTokens: 513, outputTokens: 51, slaClass: "background", minTier: 0 };
  const alone = poolModel("gpu", 1, { slots: 1 });
  const ms = timings.prefillMs(512) + timings.prefillMs(1) + 50 * timings.decodeMs(1);
  expect(clairvoyantRate([alone], [one, one], DEFAULT_TARGETS, 0)).toBeCloseTo(1000 / ms);
});

test("hindsight moves calls until all are on target, and what it found can be played", () => {
  // Two prompts of 4 s at once on one of two pools: the second has its first token after 8 s, where 5 s are allowed.
  const given: Arrival[] = [0, 0, 60_000].map((atMs) => ({
    atMs,
    promptTokens: 20_000,
    outputTokens: 10,
    slaClass: "standard",
    minTier: 0,
  }));
  const fleet = [poolModel("gpu", 1), poolModel("gpu", 1)];
  const start = [0, 0, 0];
  const lateWith = (pools: readonly number[]) => {
    const { jobs } = simulate({ fleet, arrivals: given, targets: DEFAULT_TARGETS, policy: asFound(pools), seed: 1 });
    return jobs.filter((job) => !attained(DEFAULT_TARGETS[job.slaClass], job)).length;
  };
  expect(lateWith(start)).toBe(1);
  const found = searchWithHindsight({ fleet, arrivals: given, targets: DEFAULT_TARGETS, attainment: 1, moves: 50, seed: 1 }, start);
  expect(lateWith(found)).toBe(0);
  expect(found[0]).not.toBe(found[1]);
  expect(searchWithHindsight({ fleet, arrivals: given, targets: DEFAULT_TARGETS, attainment: 0.5, moves: 50, seed: 1 }, start)).toEqual(
    start,
  );
});
