import { expect, test } from "vitest";
import { createSpeedModel, type ObservedCall } from "./speed.ts";

const prior = { fixedMs: 100, prefillTokensPerSecond: 1_000, decodeMsPerToken: 20, decodeMsPerTokenFull: 40 };
const call: ObservedCall = {
  slaClass: "interactive",
  promptBytes: 3_000,
  promptTokens: 1_000,
  prefilledTokens: 900,
  outputTokens: 50,
  ttftMs: 2_000,
  tpotMs: 60,
  there: { active: 0, prefillTokens: 0 },
  meanBatch: 1,
  slots: 4,
  serviceMs: 5_000,
};

test("corrections approach what real calls show: 2 s where 1 s was predicted, 60 ms a token where 20", () => {
  const speed = createSpeedModel(prior);
  for (let count = 0; count < 60; count++) speed.observe(call);
  expect(speed.ttftRatio).toBeCloseTo(2, 2);
  expect(speed.tpotRatio).toBeCloseTo(3, 2);
  expect(speed.correction.ratio("ttft", "interactive", 0.9)).toBeCloseTo(2);
  expect(speed.correction.ratio("ttft", "background", 0.9)).toBe(1);
  expect(speed.bytesPerToken).toBeCloseTo(3, 2);
  expect(speed.serviceMs).toBeCloseTo(5_000, -1);
});

test("a reply that came whole corrects both by its sum", () => {
  const speed = createSpeedModel(prior);
  // Predicted: 1,000 ms and 50 tokens of 20 ms.
  for (let count = 0; count < 60; count++) speed.observe({ ...call, ttftMs: undefined, tpotMs: undefined, serviceMs: 4_000 });
  expect([speed.ttftRatio, speed.tpotRatio]).toEqual([expect.closeTo(2, 2), expect.closeTo(2, 2)]);
});

test("one absurd call moves an average by no more than its weight of the bound", () => {
  const speed = createSpeedModel(prior);
  speed.observe({ ...call, tpotMs: 1e9, promptBytes: 1e6, promptTokens: 1 });
  expect(speed.tpotRatio).toBeLessThan(4);
  expect(speed.bytesPerToken).toBeLessThan(6);
});

test("what was there is part of the prediction: a step of theirs and their prompts, and newcomers' prompts between the steps", () => {
  const speed = createSpeedModel(prior);
  const busy = { ...call, there: { active: 1, prefillTokens: 500 }, meanBatch: 2, ttftMs: 1_000 + 20 + 500, tpotMs: undefined };
  speed.observe(busy);
  expect(speed.ttftRatio).toBeCloseTo(1);
  expect(speed.usualCall).toEqual({ promptTokens: 900, outputTokens: 50 });
  // 20 and a third of the way to 40; in the 50 tokens of a call 900 prompt tokens of another: 18 ms each.
  speed.observe({ ...busy, tpotMs: 20 + 20 / 3 + 18 });
  expect(speed.tpotRatio).toBeCloseTo(1);
});

test("a worker that measured itself anew starts with a clean record", () => {
  const speed = createSpeedModel(prior);
  speed.observe(call);
  speed.setPrior({ ...prior, decodeMsPerToken: 60 });
  expect([speed.ttftRatio, speed.correction.ratio("tpot", "interactive", 0.99)]).toEqual([1, 1]);
});
