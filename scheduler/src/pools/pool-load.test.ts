import { expect, test } from "vitest";
import { createBusyClock } from "./busy-clock.ts";
import { hoursOf } from "./pool-hours.ts";
import { createPoolLoad } from "./pool-load.ts";
import { createSpeedModel } from "./speed.ts";
import { createWarmPrefixes } from "./warm-prefixes.ts";

const SLOTS = 4;
const speed = () => createSpeedModel({ fixedMs: 0, prefillTokensPerSecond: 1_000, decodeMsPerToken: 10, decodeMsPerTokenFull: 40 });
const interactive = { class: "interactive", ttftMs: 1_000, tpotMs: 40 } as const;
const background = { class: "background", deadlineMs: 10_000 } as const;

function pool() {
  const clock = createBusyClock();
  const load = createPoolLoad(speed(), SLOTS, clock);
  const enter = (now: number, sla: typeof interactive | typeof background, prefillTokens: number) => {
    const stop = clock.begin(now);
    const held = load.enter({ sla, arrivedAt: now, prefillTokens, expectedOutputTokens: 100 }, now);
    return { ...held, end: (at: number) => [stop(at), held.leave(at)][1] as { meanBatch: number } };
  };
  return { clock, load, enter };
}

test("a prompt is pending until its first token, and less of it as time passes", () => {
  const { load, enter } = pool();
  const one = enter(0, interactive, 1_000);
  expect([0, 250, 1_000].map(load.pendingPrefillTokens)).toEqual([1_000, 750, 0]);
  const two = enter(500, interactive, 100);
  expect(one.there).toEqual({ active: 0, prefillTokens: 0 });
  expect(two.there).toEqual({ active: 1, prefillTokens: 500 });
  one.firstToken(600);
  expect(load.pendingPrefillTokens(600)).toBeLessThan(100);
  one.end(700);
  two.end(700);
  expect(load.pendingPrefillTokens(700)).toBe(0);
});

test("prompts that came lately are an inflow, and less of one as time passes", () => {
  const { load, enter } = pool();
  expect(load.prefillInflow(0)).toBe(0);
  load.bring(10_000, 0);
  // It counted when it came.
  enter(0, interactive, 10_000).end(1);
  expect(load.prefillInflow(0)).toBe(2);
  expect(load.prefillInflow(5_000)).toBeCloseTo(2 / Math.E);
});

test("the batch is averaged over the time in which the call decoded", () => {
  const { enter } = pool();
  const one = enter(0, interactive, 10);
  one.firstToken(1_000);
  const two = enter(1_500, interactive, 10);
  expect(one.end(2_000)).toEqual({ meanBatch: 1.5 });
  // No first token was seen: half a second beside the other, half alone.
  expect(two.end(2_500)).toEqual({ meanBatch: 1.5 });
});

test("residents: a class that comes new is protected at once, a deadline shrinks with time", () => {
  const { load, enter } = pool();
  expect(load.residents(0)).toEqual([]);
  enter(0, background, 10);
  expect(load.residents(1)).toEqual([{ sla: background, bounds: [{ bearableTpotMs: 9_999 / 100, tokensLeft: 100 }] }]);
  const sensitive = enter(2, interactive, 10);
  expect(load.residents(2).map(({ sla }) => sla.class)).toEqual(["background", "interactive"]);
  sensitive.end(3);
  expect(load.residents(5_000)).toEqual([{ sla: background, bounds: [{ bearableTpotMs: 50, tokensLeft: 100 }] }]);
});

test("residents: a reply past what was expected has left what the pool's replies have, and never more than its call lets it", () => {
  const leftOf = (maxTokens: number | undefined, fewestLeft: number | undefined) => {
    const load = createPoolLoad({ ...speed(), replyLengths: { fewestLeft: () => fewestLeft } }, SLOTS, createBusyClock());
    load.enter({ sla: interactive, arrivedAt: 0, prefillTokens: 0, expectedOutputTokens: 100, maxTokens }, 0).firstToken(0);
    // Its 200th token.
    return load.residents(2_000).flatMap(({ bounds }) => bounds);
  };
  expect(leftOf(undefined, 300)).toEqual([{ tokensLeft: 300, bearableTpotMs: 60 }]);
  expect(leftOf(250, 300)).toEqual([{ tokensLeft: 50, bearableTpotMs: 160 }]);
  expect(leftOf(undefined, undefined)).toEqual([{ tokensLeft: 1, bearableTpotMs: 6_040 }]);
});

test("hours: used and idle add up to what is allocated, and an unpaid pool has no cost", () => {
  const { clock, enter } = pool();
  const since = 1_000;
  const paid = { since, clock, gate: { slots: SLOTS }, hourlyUsd: 3.6 };
  enter(1_000, background, 10).end(2_000);
  const hours = hoursOf(paid, 5_000);
  expect(hours).toMatchObject({ allocatedMs: 4_000, busyMs: 1_000, idleMs: 3_000, slotsUsed: 1 / 16 });
  // 3.6 USD an hour is 1,000,000 nano-USD a second.
  expect(hours.cost).toEqual({ allocated: 4_000_000, used: 1_000_000, idle: 3_000_000 });
  expect(hoursOf({ ...paid, hourlyUsd: undefined }, 5_000).cost).toBeNull();
});

test("a conversation is warm where it was served last, for as long as the pool keeps it, and as far as it was seen to", () => {
  const prefixes = createWarmPrefixes({ capacity: 2, lifetimeMs: 1_000 });
  const usage = { input: 900, cacheRead: 0, output: 100 };
  prefixes.served("a", usage, 0);
  expect([prefixes.tokensOf("a", 0), prefixes.tokensOf("a", 1_001), prefixes.tokensOf("b", 0)]).toEqual([1_000, 0, 0]);
  prefixes.served("b", usage, 1);
  prefixes.served("c", usage, 2);
  expect([prefixes.tokensOf("a", 2), prefixes.size]).toEqual([0, 2]);
  // Nothing was found again: less is expected, of every conversation.
  for (let count = 0; count < 40; count++) prefixes.served("c", usage, 3);
  expect(prefixes.tokensOf("c", 3)).toBeLessThan(5);
  for (let count = 0; count < 40; count++) prefixes.served("c", { ...usage, cacheRead: 900 }, 3);
  expect(prefixes.tokensOf("c", 3)).toBeGreaterThan(990);
});
