import { SLA_CLASSES } from "@signalbox/otel/conventions";
import fc from "fast-check";
import { expect, test } from "vitest";
import type { Candidate, Demand, PoolSpeed, SlaTarget } from "./candidate.ts";
import { createCorrection } from "./correction.ts";
import { estimate, meets, predictTpotMs } from "./estimate.ts";
import { place } from "./place.ts";

const speed = (random: { prefill: number; decode: number; growth: number }): PoolSpeed => ({
  fixedMs: 20,
  prefillTokensPerSecond: random.prefill,
  decodeMsPerToken: random.decode,
  decodeMsPerTokenFull: random.decode * random.growth,
  ttftRatio: 1,
  tpotRatio: 1,
  bytesPerToken: 4,
  serviceMs: 5_000,
});

const target: fc.Arbitrary<SlaTarget> = fc.oneof(
  fc.record({
    class: fc.constantFrom("interactive", "standard"),
    ttftMs: fc.integer({ min: 50, max: 10_000 }),
    tpotMs: fc.integer({ min: 5, max: 300 }),
  }),
  fc.record({ class: fc.constant("background"), deadlineMs: fc.integer({ min: 1_000, max: 600_000 }) }),
);

const candidate: fc.Arbitrary<Candidate> = fc
  .record({
    speed: fc
      .record({
        prefill: fc.integer({ min: 200, max: 20_000 }),
        decode: fc.integer({ min: 5, max: 200 }),
        growth: fc.double({ min: 1, max: 4, noNaN: true }),
      })
      .map(speed),
    slots: fc.integer({ min: 1, max: 64 }),
    load: fc.double({ min: 0, max: 1, noNaN: true }),
    hourlyUsd: fc.double({ min: 0.1, max: 50, noNaN: true }),
    pendingPrefillTokens: fc.integer({ min: 0, max: 8_000 }),
    bearable: fc.array(
      fc.record({
        sla: target,
        bounds: fc.array(fc.record({ bearableTpotMs: fc.integer({ min: 5, max: 500 }), tokensLeft: fc.integer({ min: 1, max: 500 }) }), {
          maxLength: 5,
        }),
      }),
      { maxLength: 3 },
    ),
    warmPrefixTokens: fc.integer({ min: 0, max: 2_000 }),
  })
  .map(({ load, hourlyUsd, bearable, ...known }) => {
    const active = Math.floor(load * known.slots);
    return {
      ...known,
      pool: "",
      model: "m",
      silicon: "cpu" as const,
      tier: 0,
      unavailable: undefined,
      active,
      queued: 0,
      queueLimit: 8,
      contextTokens: undefined,
      pricing: { by: "time" as const, hourlyUsd },
      residents: active > 0 ? bearable : [],
      usualCall: { promptTokens: 800, outputTokens: 200 },
    };
  });
const candidates = fc
  .array(candidate, { minLength: 1, maxLength: 8 })
  .map((list) => list.map((one, index) => ({ ...one, pool: `pool-${index}` })));
const demand: fc.Arbitrary<Demand> = fc.record({
  promptBytes: fc.integer({ min: 1, max: 40_000 }),
  maxTokens: fc.constant(undefined),
  expectedOutputTokens: fc.integer({ min: 1, max: 1_000 }),
  minTier: fc.constant(0),
  sla: target,
});

/** As the model says, told apart from what `place` makes of it: a step of the batch with the newcomer, others' prompts and its own between. */
const survive = (one: Candidate, asked: Demand) => {
  const { speed, usualCall, active, queued, slots } = one;
  const prompt = Math.max(0, Math.ceil(asked.promptBytes / speed.bytesPerToken) - (one.warmPrefixTokens ?? 0));
  const promptMs = (prompt / speed.prefillTokensPerSecond) * 1000;
  const usualMs = usualCall ? (usualCall.promptTokens / speed.prefillTokensPerSecond) * 1000 : 0;
  const batch = Math.min(slots, active + queued + 1);
  const stepMs = predictTpotMs(speed, batch, slots) + (Math.max(0, batch - 2) * usualMs) / (usualCall?.outputTokens ?? 1);
  return (one.residents ?? []).every(({ bounds }) =>
    bounds.every(({ bearableTpotMs, tokensLeft }) => (stepMs + promptMs / tokensLeft) / bearableTpotMs <= 1 + 1e-9),
  );
};
const isFeasible = (one: Candidate, asked: Demand) => meets(asked.sla, estimate(one, asked)) && survive(one, asked);

test("a feasible pool is chosen wherever there is one, and no feasible one is cheaper by more than what counts as equal", () => {
  fc.assert(
    fc.property(candidates, demand, (list, asked) => {
      const placement = place(list, asked);
      const chosen = list[placement.order[0] as number] as Candidate;
      const feasible = list.filter((one) => isFeasible(one, asked));
      expect(placement.feasible).toBe(feasible.length > 0);
      if (feasible.length === 0) return;
      expect(feasible).toContain(chosen);
      const weight = (one: Candidate) => estimate(one, asked).weightNanousd as number;
      expect(weight(chosen)).toBeLessThanOrEqual(Math.min(...feasible.map(weight)) * 1.05 * (1 + 1e-9));
    }),
  );
});

test("the same pool at a lower price is preferred", () => {
  fc.assert(
    fc.property(candidate, demand, fc.double({ min: 1.1, max: 10, noNaN: true }), (one, asked, factor) => {
      const cheap = { ...one, pool: "cheap" };
      const dear = {
        ...one,
        pool: "dear",
        pricing: { by: "time" as const, hourlyUsd: (one.pricing as { hourlyUsd: number }).hourlyUsd * factor },
      };
      const placement = place([dear, cheap], asked);
      fc.pre(placement.feasible);
      expect(placement.order).toEqual([1, 0]);
    }),
  );
});

test("what would break a resident is never admitted while another pool would not", () => {
  fc.assert(
    fc.property(candidates, demand, (list, asked) => {
      const placement = place(list, asked);
      const chosen = list[placement.order[0] as number] as Candidate;
      if (!placement.feasible) return;
      expect(survive(chosen, asked)).toBe(true);
    }),
  );
});

test("the order of candidates decides only between those that are the same in everything", () => {
  fc.assert(
    fc.property(candidates, demand, fc.infiniteStream(fc.nat()), (list, asked, keys) => {
      const shuffled = list
        .map((one) => ({ one, key: keys.next().value as number }))
        .sort((a, b) => a.key - b.key)
        .map(({ one }) => one);
      const chosen = list[place(list, asked).order[0] as number] as Candidate;
      const other = shuffled[place(shuffled, asked).order[0] as number] as Candidate;
      if (chosen.pool !== other.pool) expect(estimate(other, asked)).toEqual(estimate(chosen, asked));
    }),
  );
});

test("deterministic: the same arguments, the same placement", () => {
  fc.assert(
    fc.property(candidates, demand, (list, asked) => {
      expect(place(list, asked)).toEqual(place(structuredClone(list), asked));
    }),
  );
});

test("every candidate is in the order once or told to be rejected", () => {
  fc.assert(
    fc.property(candidates, demand, (list, asked) => {
      const { order, explained } = place(list, { ...asked, minTier: 1 });
      expect(order).toEqual([]);
      expect(explained.every(({ rejected }) => rejected !== undefined)).toBe(true);
      expect([...place(list, asked).order].sort((a, b) => a - b)).toEqual(list.map((_, index) => index));
    }),
  );
});

test("the correction converges to the quantile of actual ÷ predicted, of that class and part alone", () => {
  fc.assert(
    fc.property(
      fc.array(fc.double({ min: 0.1, max: 10, noNaN: true }), { minLength: 128, maxLength: 400 }),
      fc.double({ min: 0.01, max: 1, noNaN: true }),
      (ratios, confidence) => {
        const correction = createCorrection({ window: 128 });
        for (const ratio of ratios) correction.observe("tpot", "standard", ratio);
        const last = ratios.slice(-128).sort((a, b) => a - b);
        expect(correction.ratio("tpot", "standard", confidence)).toBe(last[Math.ceil(confidence * 128) - 1]);
        for (const slaClass of SLA_CLASSES) expect(correction.ratio("ttft", slaClass, confidence)).toBe(1);
      },
    ),
  );
});

test("broken clocks do not reach the correction", () => {
  const correction = createCorrection({ prior: 0 });
  for (const ratio of [Number.NaN, -1, 0]) correction.observe("ttft", "interactive", ratio);
  expect(correction.ratio("ttft", "interactive", 0.9)).toBe(1);
  correction.observe("ttft", "interactive", 1e9);
  expect(correction.ratio("ttft", "interactive", 0.9)).toBe(20);
});
