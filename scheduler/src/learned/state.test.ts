import { SLA_CLASSES } from "@signalbox/otel/conventions";
import fc from "fast-check";
import { expect, test } from "vitest";
import { CORRECTION_WINDOW, LATENCY_PARTS } from "../placement/correction.ts";
import { createOutputLengths, MAX_KEPT_KINDS } from "../placement/output-lengths.ts";
import { REPLY_WINDOW } from "../placement/reply-lengths.ts";
import type { SpeedPrior } from "../pools/learned-speed.ts";
import { createSpeedModel, type ObservedCall, type SpeedModel } from "../pools/speed.ts";
import { lengthsOfText, poolOfText, textOfLengths, textOfPool } from "./state.ts";

const prior: SpeedPrior = { fixedMs: 100, prefillTokensPerSecond: 1_000, decodeMsPerToken: 20, decodeMsPerTokenFull: 40 };
const FORGOTTEN_AFTER_MS = 300_000;

const call: fc.Arbitrary<ObservedCall> = fc.record({
  slaClass: fc.constantFrom(...SLA_CLASSES),
  promptBytes: fc.integer({ min: 1, max: 100_000 }),
  promptTokens: fc.option(fc.integer({ min: 1, max: 20_000 }), { nil: undefined }),
  prefilledTokens: fc.option(fc.integer({ min: 0, max: 20_000 }), { nil: undefined }),
  ttftMs: fc.option(fc.integer({ min: 1, max: 100_000 }), { nil: undefined }),
  tpotMs: fc.option(fc.integer({ min: 1, max: 1_000 }), { nil: undefined }),
  outputTokens: fc.option(fc.integer({ min: 0, max: 4_000 }), { nil: undefined }),
  there: fc.record({ active: fc.integer({ min: 0, max: 8 }), prefillTokens: fc.integer({ min: 0, max: 9_000 }) }),
  meanBatch: fc.double({ min: 1, max: 8, noNaN: true }),
  slots: fc.constant(8),
  serviceMs: fc.integer({ min: 1, max: 600_000 }),
});

/** All that placement reads of it. */
const predictions = (speed: SpeedModel) => ({
  ...{ fixedMs: speed.fixedMs, prefill: speed.prefillTokensPerSecond, decode: speed.decodeMsPerToken, full: speed.decodeMsPerTokenFull },
  ...{ ttftRatio: speed.ttftRatio, tpotRatio: speed.tpotRatio, bytesPerToken: speed.bytesPerToken, serviceMs: speed.serviceMs },
  usualCall: speed.usualCall,
  corrections: LATENCY_PARTS.flatMap((part) =>
    SLA_CLASSES.flatMap((name) => [0.1, 0.5, 0.9, 0.95, 0.99].map((confidence) => speed.correction.ratio(part, name, confidence))),
  ),
  left: [0, 1, 10, 100, 1_000, 3_999].map((produced) => speed.replyLengths.fewestLeft(produced)),
});

const startedAgain = (speed: SpeedModel) => poolOfText(textOfPool(speed.learned() as NonNullable<ReturnType<SpeedModel["learned"]>>));

/** Calls, or milliseconds without any. */
const steps = (maxLength: number) =>
  fc.array(
    fc.oneof(
      { weight: 3, arbitrary: fc.array(call, { minLength: 1, maxLength: 40, size: "max" }) },
      { arbitrary: fc.integer({ min: 1, max: 200_000 }), weight: 1 },
    ),
    {
      minLength: 1,
      maxLength,
      size: "max",
    },
  );

function watched() {
  let now = 1_000;
  const speed = createSpeedModel(prior, { afterMs: FORGOTTEN_AFTER_MS, now: () => now });
  return {
    speed,
    live(step: ObservedCall[] | number) {
      if (typeof step === "number") now += step;
      else for (const call of step) speed.observe(call);
      return predictions(speed);
    },
  };
}

test("a pool that is started again predicts as the one before did, then and ever after", () => {
  const plays = fc.property(steps(60), call, steps(20), (past, last, future) => {
    const before = watched();
    for (const step of [...past, [last]]) before.live(step);
    const after = watched();
    // Its clock is another: the time between the two is none.
    after.speed.restore(startedAgain(before.speed));
    expect(predictions(after.speed)).toEqual(predictions(before.speed));
    for (const step of future) expect(after.live(step)).toEqual(before.live(step));
    expect(after.speed.calls).toBe(before.speed.calls);
  });
  fc.assert(plays, { numRuns: 60, endOnFailure: true });
}, 30_000);

const seen: ObservedCall = {
  slaClass: "interactive",
  ...{ promptBytes: 3_000, promptTokens: 1_000, prefilledTokens: 900, outputTokens: 50, ttftMs: 2_000, tpotMs: 60 },
  ...{ there: { active: 0, prefillTokens: 0 }, meanBatch: 1, slots: 4, serviceMs: 5_000 },
};
function learnedAt(rates: SpeedPrior) {
  const speed = createSpeedModel(prior);
  speed.setPrior(rates);
  for (let count = 0; count < 200; count++) speed.observe(seen);
  return startedAgain(speed);
}
const corrected = ({ ttftRatio, tpotRatio, correction }: SpeedModel) => [
  ...[ttftRatio, tpotRatio, correction.ratio("ttft", "interactive", 0.9), correction.ratio("tpot", "interactive", 0.9)].map(
    (ratio) => Math.round(100 * ratio) / 100,
  ),
];

test("a warm-up that measures about the same keeps the corrections, another machine loses them; what is of the work stays", () => {
  const learned = learnedAt(prior);
  const again = createSpeedModel({ ...prior, decodeMsPerToken: 5 });
  again.restore(learned);
  expect(again.decodeMsPerToken).toBe(20);
  again.setPrior({ ...prior, decodeMsPerToken: 23 });
  expect(corrected(again)).toEqual([2, 3, 2, 3]);
  expect(again.decodeMsPerToken).toBe(23);
  for (const rates of [
    { ...prior, decodeMsPerToken: 15 },
    { ...prior, decodeMsPerTokenFull: 60 },
    { ...prior, prefillTokensPerSecond: 2_000 },
  ]) {
    again.restore(learned);
    again.setPrior(rates);
    expect(corrected(again)).toEqual([1, 1, 1, 1]);
    expect(again.usualCall).toEqual({ promptTokens: 900, outputTokens: 50 });
    expect([again.bytesPerToken, again.serviceMs]).toEqual([expect.closeTo(3, 2), expect.closeTo(5_000, -1)]);
    expect(again.replyLengths.fewestLeft(10)).toBe(40);
  }
});

test("of rates that nobody measured, those of the config hold: corrections of others are not taken over", () => {
  const learned = { ...learnedAt(prior), measuredAt: null };
  const faster = createSpeedModel({ ...prior, decodeMsPerToken: 10 });
  faster.restore(learned);
  expect(faster.decodeMsPerToken).toBe(10);
  expect(corrected(faster)).toEqual([1, 1, 1, 1]);
  expect(faster.usualCall).toEqual({ promptTokens: 900, outputTokens: 50 });
});

test("a pool that has forgotten has nothing to keep, and predicts by its rates", () => {
  const speed = createSpeedModel(prior);
  speed.restore(learnedAt(prior));
  speed.forget();
  expect(speed.learned()).toBeUndefined();
  expect(predictions(speed)).toEqual(predictions(createSpeedModel(prior)));
});

test("what is kept has an end: 32 KB of a pool, and of lengths the names that are no longer than 200 letters", () => {
  const speed = createSpeedModel(prior);
  for (let count = 0; count < 5_000; count++) {
    speed.observe({
      ...seen,
      slaClass: SLA_CLASSES[count % 3] as (typeof SLA_CLASSES)[number],
      ttftMs: 1 / (count + 1.1),
      tpotMs: Math.PI * count,
    });
  }
  const { replyLengths, correction } = startedAgain(speed);
  expect(replyLengths).toHaveLength(REPLY_WINDOW);
  expect(correction.tpot.background).toHaveLength(CORRECTION_WINDOW);
  expect(textOfPool(startedAgain(speed)).length).toBeLessThan(32_768);

  const lengths = createOutputLengths();
  for (let count = 0; count < 3_000; count++) lengths.observe("route", `task ${count}`, count);
  lengths.observe("route", "task 900", 10);
  const state = lengthsOfText(textOfLengths(lengths.state()));
  expect(state.kinds).toHaveLength(MAX_KEPT_KINDS);
  expect(state.kinds[0]?.task).toBe("task 900");
  // Names that came once make room for those of another day.
  const nextDay = createOutputLengths();
  nextDay.restore(state);
  for (let count = 0; count < MAX_KEPT_KINDS; count++) nextDay.observe("route", `new ${count}`, 10);
  expect(nextDay.state().kinds.filter(({ task }) => task?.startsWith("new "))).toHaveLength(MAX_KEPT_KINDS);
  const early = createOutputLengths();
  early.observe("other", "x".repeat(201), 10);
  early.observe("other", "x".repeat(200), 10);
  expect(lengthsOfText(textOfLengths(early.state())).kinds.map(({ task }) => task?.length)).toEqual([200]);
});

test("expected lengths are those of before, of kinds that were seen and of those that were not", () => {
  const lengths = createOutputLengths();
  for (let count = 0; count < 100; count++) {
    lengths.observe("a", undefined, 10);
    lengths.observe("b", "heartbeat", 1_000);
  }
  const again = createOutputLengths();
  again.restore(lengthsOfText(textOfLengths(lengths.state())));
  for (const [route, task] of [
    ["a", undefined],
    ["b", "heartbeat"],
    ["b", undefined],
    ["c", "x"],
  ] as const) {
    expect(again.expected(route, task)).toBe(lengths.expected(route, task));
  }
  expect(again.expected("a", undefined)).not.toBe(again.expected("b", "heartbeat"));
});

test("what is not of this shape is not read", () => {
  const good = textOfPool(learnedAt(prior));
  const wrong = [
    "",
    "null",
    "[]",
    good.slice(0, -1),
    good.replace('"tpotRatio":', '"tpot":'),
    good.replace(/"tpotRatio":[^,]+/, '"tpotRatio":null'),
    good.replace(/"tpotRatio":[^,]+/, '"tpotRatio":-1'),
    good.replace('"replyLengths":[', `"replyLengths":[${"1,".repeat(REPLY_WINDOW)}`),
    good.replace("{", '{"prompt":"hello",'),
  ];
  expect(poolOfText(good).calls).toBe(200);
  for (const text of wrong) expect(() => poolOfText(text)).toThrow();
});
