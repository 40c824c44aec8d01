import { expect, test } from "vitest";
import { createSpeedModel, type ObservedCall } from "./speed.ts";

const prior = { fixedMs: 100, prefillTokensPerSecond: 1_000, decodeMsPerToken: 20, decodeMsPerTokenFull: 40 };
const call: ObservedCall = {
  promptBytes: 3_000,
  promptTokens: 1_000,
  prefilledTokens: 900,
  outputTokens: 50,
  ttftMs: 2_000,
  tpotMs: 60,
  active: 4,
  slots: 4,
  serviceMs: 5_000,
};

test("corrections approach what real calls show: 2 s where 1 s was predicted, 60 ms a token where 40", () => {
  const speed = createSpeedModel(prior);
  for (let count = 0; count < 60; count++) speed.observe(call);
  expect(speed.ttftRatio).toBeCloseTo(2, 2);
  expect(speed.tpotRatio).toBeCloseTo(1.5, 2);
  expect(speed.bytesPerToken).toBeCloseTo(3, 2);
  expect(speed.serviceMs).toBeCloseTo(5_000, -1);
});

test("a reply that came whole corrects both by its sum", () => {
  const speed = createSpeedModel(prior);
  // Predicted: 1,000 ms and 50 tokens of 40 ms.
  for (let count = 0; count < 60; count++) speed.observe({ ...call, ttftMs: undefined, tpotMs: undefined, serviceMs: 6_000 });
  expect([speed.ttftRatio, speed.tpotRatio]).toEqual([expect.closeTo(2, 2), expect.closeTo(2, 2)]);
});

test("one absurd call moves an average by no more than its weight of the bound", () => {
  const speed = createSpeedModel(prior);
  speed.observe({ ...call, tpotMs: 1e9 });
  expect(speed.tpotRatio).toBeLessThan(4);
});
