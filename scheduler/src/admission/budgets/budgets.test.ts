/** Budgets in plain values: who draws on what, the ladder, what fits, and the most that a call can cost. */

import { expect, test } from "vitest";
import type { Candidate } from "../../placement/candidate.ts";
import { createBudgetBook } from "./book.ts";
import { type Budget, type Claim, claimKey, periodAt, type Rung, type Usage } from "./budget.ts";
import { standingOf, stateAtLimit } from "./ladder.ts";
import { apply, type BudgetTables, type Reservation } from "./operations.ts";
import { worstCase } from "./worst-case.ts";

const NOON = Date.parse("2026-11-21T12:00:00Z");
const LADDER: Rung[] = [
  { at: 0.5, do: "warn" },
  { at: 0.8, do: "pause" },
  { at: 1, do: "kill" },
];

function claim(limitNanousd = 1_000, ladder: readonly Rung[] = LADDER, id = "s"): Claim {
  const budget: Budget = { scope: "session", id: "*", period: "none", limitNanousd, ladder, source: "config" };
  return { key: claimKey("session", id, "none"), scope: "session", id, period: "none", budget };
}

const used = (spent: number, more: Partial<Usage> = {}): Usage => ({ spent, reserved: 0, resumed: 0, ...more });

test("periods are calendar days and months in UTC", () => {
  expect([periodAt("day", NOON), periodAt("month", NOON), periodAt("none", NOON)]).toEqual(["2026-11-21", "2026-11", "none"]);
});

test("a call draws on one budget of each scope and period, its own id's before every id's, the API's before the config's", () => {
  const book = createBudgetBook([
    { scope: "user", limit_usd: 1, period: "day", ladder: LADDER },
    { scope: "user", id: "ann", limit_usd: 5, period: "day", ladder: LADDER },
    { scope: "global", limit_usd: 100, period: "month", ladder: LADDER },
  ]);
  const limits = (spender: Parameters<typeof book.claimsOf>[0]) =>
    book.claimsOf(spender, NOON).map(({ scope, id, period, budget }) => `${scope} ${id} ${period} ${budget.limitNanousd / 1e9}`);
  expect(limits({ user: "bob", session: "s" })).toEqual(["user bob 2026-11-21 1", "global global 2026-11 100"]);
  expect(limits({ user: "ann" })).toEqual(["user ann 2026-11-21 5", "global global 2026-11 100"]);
  expect(limits({})).toEqual(["global global 2026-11 100"]);
  book.put({ scope: "user", id: "*", period: "day", limitNanousd: 2e9, ladder: LADDER, source: "api" });
  expect(limits({ user: "bob" })[0]).toBe("user bob 2026-11-21 2");
});

test.each([
  [499, 0, "ok"],
  [500, 0, "warn"],
  [800, 0, "paused"],
  [850, 850, "warn"],
  [1_000, 850, "killed"],
])("%i of 1,000 spent, resumed at %i: %s", (spent, resumed, state) => {
  expect(standingOf([claim()], () => used(spent, { resumed })).state).toBe(state);
});

test("the worst standing among several budgets counts", () => {
  const [low, high] = [claim(1_000, LADDER, "low"), claim(1_000, LADDER, "high")];
  expect(standingOf([low, high], ({ id }) => used(id === "high" ? 900 : 600))).toMatchObject({ state: "paused", claim: { id: "high" } });
});

test("a call that does not fit kills only where the ladder ends so, and never a budget that nobody has touched", () => {
  expect(stateAtLimit(claim(), used(900))).toBe("killed");
  expect(stateAtLimit(claim(), used(0))).toBe("paused");
  expect(stateAtLimit(claim(1_000, [{ at: 1, do: "pause" }]), used(900))).toBe("paused");
});

const reservation = (decisionId: string, amount: number, claims = [claim()]): Reservation => ({ decisionId, session: "s", claims, amount });
const empty = (): BudgetTables => ({ usage: new Map(), rows: new Map() });

test("a reservation takes all of its budgets or none", () => {
  const tables = empty();
  const [wide, tight] = [claim(1_000, LADDER, "wide"), claim(100, LADDER, "tight")];
  expect(apply(tables, { kind: "reserve", reservation: reservation("d1", 101, [wide, tight]) })).toMatchObject({
    claim: { id: "tight" },
    held: false,
  });
  expect(tables.usage.get(wide.key)?.reserved ?? 0).toBe(0);
  expect(apply(tables, { kind: "reserve", reservation: reservation("d2", 100, [wide, tight]) })).toBeUndefined();
  expect(apply(tables, { kind: "reserve", reservation: reservation("d3", 1, [wide, tight]) })).toMatchObject({
    claim: { id: "tight" },
    held: true,
  });
});

test("every step may be repeated, and the last settlement holds", () => {
  const tables = empty();
  const one = reservation("d1", 600);
  const usage = () => tables.usage.get(claim().key);
  for (let n = 0; n < 2; n++) expect(apply(tables, { kind: "reserve", reservation: one })).toBeUndefined();
  expect(usage()).toEqual(used(0, { reserved: 600 }));
  for (let n = 0; n < 2; n++) apply(tables, { kind: "settle", reservation: one, cost: 250 });
  expect(usage()).toEqual(used(250));
  apply(tables, { kind: "settle", reservation: one, cost: 300 });
  expect(usage()).toEqual(used(300));
  // Admitted while the database was away: it was never reserved there.
  apply(tables, { kind: "settle", reservation: reservation("d2", 500), cost: 40 });
  expect(usage()).toEqual(used(340));
});

const speed = {
  fixedMs: 0,
  prefillTokensPerSecond: 1_000,
  decodeMsPerToken: 10,
  decodeMsPerTokenFull: 20,
  ttftRatio: 1,
  tpotRatio: 1,
  bytesPerToken: 4,
  serviceMs: 1,
};
const candidate: Candidate = {
  pool: "p",
  model: "m",
  silicon: "cloud",
  tier: 0,
  unavailable: undefined,
  slots: 1,
  active: 0,
  queued: 0,
  queueLimit: 0,
  contextTokens: undefined,
  speed,
  pricing: { by: "tokens", price: { input: 1, output: 10 } },
};

test("the most a call can cost: the prompt at two bytes a token, and as much of a reply as it may get", () => {
  const input = (2_000 / 2 + 64) * 1_000;
  const size = { promptBytes: 2_000, mostBlobTokens: 0, maxTokens: 100, choices: 1 };
  expect(worstCase(candidate, size)).toBe(input + 100 * 10_000);
  expect(worstCase(candidate, { ...size, choices: 3 })).toBe(input + 300 * 10_000);
  expect(worstCase({ ...candidate, maxOutputTokens: 50 }, size)).toBe(input + 50 * 10_000);
  expect(worstCase(candidate, { ...size, mostBlobTokens: 50_000 })).toBe(input + 50_000 * 1_000 + 100 * 10_000);
  expect(worstCase({ ...candidate, contextTokens: 4_000 }, { ...size, maxTokens: undefined })).toBe(input + 4_000 * 10_000);
  expect(worstCase({ ...candidate, speed: { ...speed, bytesPerToken: 1 } }, size)).toBe((2_000 + 64) * 1_000 + 100 * 10_000);
  const tiered = { input: 1, output: 10, cacheWrite: 2, long: { above: 10, input: 3, output: 20 } };
  expect(worstCase({ ...candidate, pricing: { by: "tokens", price: tiered } }, size)).toBe(3 * input + 100 * 20_000);
});

test("time is set aside at the pace of a full pool, twice over; what has no price is unknown", () => {
  const size = { promptBytes: 1_872, mostBlobTokens: 0, maxTokens: 100, choices: 1 };
  // 1,000 tokens of prompt in 1 s, 100 at 20 ms: 3 s at 1 USD an hour, doubled
  expect(worstCase({ ...candidate, pricing: { by: "time", hourlyUsd: 1 } }, size)).toBe(Math.ceil((1e9 / 3_600_000) * 3_000 * 2));
  expect(worstCase({ ...candidate, pricing: { by: "unknown" } }, size)).toBeUndefined();
});
