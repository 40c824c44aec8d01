import { expect, test } from "vitest";
import { createBreaker } from "./breaker.ts";
import { createRetryBudget } from "./retry-budget.ts";

function clock() {
  let at = 0;
  return { now: () => at, pass: (ms: number) => (at += ms) };
}

test("failures in a row open it, one call tries it when it has been open for long enough, and its end decides", () => {
  const { now, pass } = clock();
  const breaker = createBreaker({ failures: 2, openMs: 100 }, now);
  breaker.report("failed");
  breaker.report("good");
  breaker.report("failed");
  expect([breaker.state, breaker.enter()]).toEqual(["closed", true]);
  breaker.report("failed");
  expect([breaker.state, breaker.enter(), breaker.waitMs]).toEqual(["open", false, 100]);
  expect(breaker.unavailable).toBe("circuit open: failed 2 times in a row");
  pass(100);
  expect([breaker.state, breaker.unavailable]).toEqual(["half-open", undefined]);
  expect([breaker.enter(), breaker.enter()]).toEqual([true, false]);
  expect(breaker.unavailable).toContain("half-open");
  breaker.report("failed");
  expect(breaker.state).toBe("open");
  pass(100);
  breaker.enter();
  // The client left: nothing was learned, another call may try.
  breaker.report("unknown");
  expect([breaker.state, breaker.enter()]).toEqual(["half-open", true]);
  breaker.report("good");
  expect([breaker.state, breaker.unavailable]).toEqual(["closed", undefined]);
});

test("a pool that said when to come back is left alone until then, whatever calls that were under way tell of it", () => {
  const { now, pass } = clock();
  const breaker = createBreaker({ failures: 3, openMs: 100 }, now);
  breaker.rest(2_000);
  breaker.report("good");
  expect([breaker.enter(), breaker.resting, breaker.state]).toEqual([false, true, "closed"]);
  expect(breaker.unavailable).toBe("asked not to be called for another 2 s");
  pass(2_000);
  expect([breaker.enter(), breaker.resting, breaker.unavailable]).toEqual([true, false, undefined]);
});

test("who knows more than calls do opens it for a time of its own, and lets one call try before that time is over", () => {
  const { now, pass } = clock();
  const breaker = createBreaker({ failures: 2, openMs: 100 }, now);
  pass(1_000);
  breaker.halfOpen();
  expect([breaker.state, breaker.goodAt]).toEqual(["closed", Number.NEGATIVE_INFINITY]);
  breaker.trip("it answers no probe", 5_000);
  pass(4_000);
  expect([breaker.state, breaker.unavailable, breaker.waitMs]).toEqual(["open", "circuit open: it answers no probe", 1_000]);
  breaker.halfOpen();
  expect([breaker.state, breaker.enter(), breaker.enter()]).toEqual(["half-open", true, false]);
  breaker.report("good");
  expect([breaker.state, breaker.goodAt]).toEqual(["closed", 5_000]);
});

test("the retry budget is a share of the requests and a few a second", () => {
  const { now, pass } = clock();
  const budget = createRetryBudget({ share: 0.2, perSecond: 1 }, now);
  expect([budget.withdraw(), budget.withdraw()]).toEqual([true, false]);
  for (let n = 0; n < 11; n++) budget.deposit();
  expect([budget.withdraw(), budget.withdraw(), budget.withdraw()]).toEqual([true, true, false]);
  pass(1_000);
  expect([budget.withdraw(), budget.withdraw(), budget.refused]).toEqual([true, false, 3]);
});
