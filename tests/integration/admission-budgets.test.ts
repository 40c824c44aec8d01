/** Budgets on a real Postgres: the cap holds under concurrency, across SIGKILL, and what was never settled ends somewhere. */

import { once } from "node:events";
import { rm } from "node:fs/promises";
import { afterEach, beforeEach, expect, test } from "vitest";
import { claimKey } from "../../scheduler/src/admission/budgets/budget.ts";
import { settleOrphans } from "../../scheduler/src/admission/budgets/orphans.ts";
import { createPostgresLedger } from "../../scheduler/src/admission/budgets/postgres-ledger.ts";
import { createDatabase as openDatabase } from "../../scheduler/src/admission/postgres/database.ts";
import { createControls } from "../../scheduler/src/admission/stop/controls.ts";
import { createDatabase, type TestDatabase } from "../support/postgres.ts";
import { type Provider, startProvider } from "../support/provider.ts";
import type { Script } from "../support/provider-plan.ts";
import { ask, chat, control, poolConfig, refusal, spawnGateway, startGateway } from "./admission-support.ts";
import { until } from "./scheduler-support.ts";

const CLEAN_UP: (() => Promise<unknown>)[] = [];
let database: TestDatabase;
beforeEach(async () => {
  database = await createDatabase();
  CLEAN_UP.push(() => database.drop());
});
afterEach(async () => {
  for (const close of CLEAN_UP.splice(0).reverse()) await close();
});

/** 1,000 in and 1,000 out: 0.005 USD a call. */
const USAGE = { input: 1_000, output: 1_000 };
const COST = 5_000_000;
/** Reserves 0.001 to 0.002 USD for the prompt of about 2,000 bytes, and 0.004 for the reply. */
const CALL = { maxTokens: 1_000, text: "word ".repeat(400) };

async function provide(delayMs: number): Promise<Provider> {
  const provider = await startProvider({ prices: { input: 1, output: 4 }, script: () => ({ usage: USAGE, delayMs }) });
  CLEAN_UP.push(() => provider.close());
  return provider;
}

interface UsageRow {
  spent_nusd: string;
  reserved_nusd: string;
}
const usage = async (): Promise<{ spent: number; reserved: number }> => {
  const [row] = await ask<UsageRow>(database.url, "select spent_nusd, reserved_nusd from signalbox.budget_usage");
  return { spent: Number(row?.spent_nusd), reserved: Number(row?.reserved_nusd) };
};

test("a hundred calls at once on a budget that fits ten: never more than the cap, and the ledgers agree", async () => {
  const provider = await provide(800);
  const limit = 11 * COST;
  const gateway = await startGateway(
    poolConfig(
      provider.url,
      `budgets: [{ scope: session, limit_usd: ${limit / 1e9}, ladder: [{ at: 0.5, do: warn }, { at: 1, do: pause }] }]`,
    ),
    database.url,
  );
  CLEAN_UP.push(() => gateway.close());

  const answers = await Promise.all(Array.from({ length: 100 }, () => chat(gateway.url, CALL)));
  const served = answers.filter((answer) => answer.status === 200).length;
  expect(served).toBeGreaterThanOrEqual(5);
  expect(provider.charged()).toBeLessThanOrEqual(limit);
  const refused = answers.filter(({ status }) => status !== 200);
  // Those that came while the others were under way may try again; after them nothing is left.
  const held = refused.filter(({ status }) => status === 429);
  expect(held.length).toBeGreaterThan(0);
  for (const answer of held) {
    expect(await refusal(answer)).toMatchObject({ code: "budget_reserved" });
    expect(answer.headers.get("retry-after")).toBe("1");
  }
  for (const answer of refused)
    if (answer.status !== 429) expect(await refusal(answer)).toMatchObject({ status: 403, code: "budget_exhausted" });

  // What was not needed is free again: the rest of the budget serves, one at a time, and then the caller is told to stop.
  let last = await chat(gateway.url, CALL);
  for (let tries = 0; last.status === 200 && tries < 20; tries++) last = await chat(gateway.url, CALL);
  expect(last.headers.get("x-signalbox-budget")).toBe("paused");
  expect(await refusal(last)).toMatchObject({ status: 403, code: "budget_exhausted" });
  expect(provider.charged()).toBeGreaterThanOrEqual(9 * COST);
  expect(provider.charged()).toBeLessThanOrEqual(limit);
  await until(async () => (await usage()).reserved === 0, "reservations settled");
  expect((await usage()).spent).toBe(provider.charged());

  // Another session has its own budget.
  const other = await chat(gateway.url, { ...CALL, session: "s2" });
  expect([other.status, other.headers.get("x-signalbox-budget")]).toEqual([200, "ok"]);
  const { body } = await control(gateway.url, "GET", "/budgets?scope=session");
  expect(body.data).toMatchObject([{ id: "s1", spent_nanousd: String(provider.charged() - COST) }, { id: "s2" }]);
});

test("the scheduler is killed with SIGKILL in the middle and started again: the cap still holds", async () => {
  const provider = await provide(300);
  const limit = 11 * COST;
  const config = poolConfig(provider.url, `budgets: [{ scope: global, limit_usd: ${limit / 1e9}, ladder: [{ at: 1, do: pause }] }]`);
  const first = await spawnGateway(config, database.url);
  CLEAN_UP.push(() => rm(first.home, { recursive: true, force: true }));
  const calls = Array.from({ length: 100 }, () => chat(first.url, CALL).catch(() => undefined));
  await until(() => provider.ledger.length >= 5, "calls are with the provider");
  const ended = once(first.child, "exit");
  first.child.kill("SIGKILL");
  await ended;
  await Promise.all(calls);
  const { reserved } = await usage();
  expect(reserved).toBeGreaterThan(0);

  const second = await spawnGateway(config, database.url);
  CLEAN_UP.push(() => rm(second.home, { recursive: true, force: true }));
  for (let round = 0; round < 3; round++) await Promise.all(Array.from({ length: 40 }, () => chat(second.url, CALL)));
  // The provider may have served in full what died on its way: charge it all.
  const most = provider.ledger.length * COST;
  console.log(
    `SIGKILL: ${provider.ledger.length} calls reached the provider, at most ${most / 1e9} of ${limit / 1e9} USD; ${reserved / 1e9} stay reserved`,
  );
  expect(most).toBeLessThanOrEqual(limit);
  const { spent, reserved: kept } = await usage();
  expect(spent + kept).toBeLessThanOrEqual(limit);
  expect(kept).toBe(reserved);
  const stopped = once(second.child, "exit");
  second.child.kill("SIGTERM");
  await stopped;
});

test.each([
  ["its id", "s1"],
  ["its project and id", "p\u001fs1"],
])(
  "a reservation that nobody settles ends at what the collector stored under %s, or at its worst case when it is overdue",
  async (_, stored) => {
    const row = (id: string, age: string) => `('${id}', 'session', 's1', 'none', 's1', 1000, now() - interval '${age}')`;
    await ask(
      database.url,
      `insert into signalbox.budget_usage (scope, id, period, reserved_nusd) values ('session', 's1', 'none', 4000);
     insert into signalbox.budget_reservations (decision_id, scope, id, period, session_id, amount_nusd, created_at)
     values ${row("d-stored", "5 minutes")}, ${row("d-lost", "5 minutes")}, ${row("d-old", "25 hours")}, ${row("d-running", "1 second")};
     create table signalbox.spans_now partition of signalbox.spans for values from ('2026-01-01') to ('2100-01-01');
     insert into signalbox.sessions (session_id, project, first_time, last_time) values ('${stored}', 'p', now(), now());
     insert into signalbox.spans (session_id, start_time, span_id, trace_id, duration_ns, project, name, operation, is_call, decision_id, cost_nusd)
     values ('${stored}', now() - interval '5 minutes', '\\x01', '\\x01', 1, 'p', 'schedule m', 'schedule', false, 'd-stored', null),
            ('${stored}', now() - interval '5 minutes', '\\x02', '\\x01', 1, 'p', 'chat m', 'chat', true, 'd-stored', 300)`,
    );
    const connection = openDatabase({ url: database.url, log: { info() {}, warn() {}, error() {} } });
    await connection.start();
    CLEAN_UP.push(() => connection.close());
    const times = { everyMs: 1, afterMs: 60_000, overdueMs: 24 * 3_600_000 };
    expect(await settleOrphans(connection, times)).toBe(2);
    expect(await usage()).toEqual({ spent: 300 + 1000, reserved: 2000 });
    expect(await settleOrphans(connection, times)).toBe(0);
    expect(await usage()).toEqual({ spent: 1300, reserved: 2000 });
  },
);

test("the ladder: warn, then the cheapest silicon only, then pause until resumed, then kill", async () => {
  const provider = await provide(0);
  const dear = await provide(0);
  const gateway = await startGateway(
    poolConfig(
      provider.url,
      `  - name: fast
    silicon: gpu
    engine: openai-compatible
    base_url: ${dear.url}/v1
    rates: { fixed_ms: 1, decode_tokens_per_second: 100000 }
    models: [{ id: scripted, input_usd_per_mtok: 1, output_usd_per_mtok: 5 }]
sla: { standard: { ttft_ms: 20, tpot_ms: 1 } }
budgets:
  - scope: session
    limit_usd: 0.1
    ladder: [{ at: 0.05, do: warn }, { at: 0.1, do: reroute }, { at: 0.2, do: pause }, { at: 0.3, do: kill }]`,
    ),
    database.url,
  );
  CLEAN_UP.push(() => gateway.close());
  const call = async () => {
    const answer = await chat(gateway.url, CALL);
    await answer.text();
    await until(async () => ((await usage()).reserved || 0) === 0, "settled");
    return `${answer.status} ${answer.headers.get("x-signalbox-pool")} ${answer.headers.get("x-signalbox-budget")}`;
  };
  expect(await call()).toBe("200 fast ok");
  expect(await call()).toBe("200 fast warn");
  // 0.012 USD spent
  expect(await call()).toBe("200 cloud rerouted");
  expect(await call()).toBe("200 cloud rerouted");
  expect(await call()).toBe("403 null paused");
  expect((await control(gateway.url, "POST", "/sessions/s1/resume")).body).toMatchObject({ state: "active", unknown: [] });
  expect(await call()).toBe("200 cloud rerouted");
  expect(await call()).toBe("200 cloud rerouted");
  await until(async () => (await chat(gateway.url, CALL)).status === 403, "killed");
  expect(await refusal(await chat(gateway.url, CALL))).toMatchObject({ code: "session_killed" });
  const [row] = await ask<{ state: string; source: string }>(
    database.url,
    "select state, source from signalbox.session_controls where id = 's1'",
  );
  expect(row).toEqual({ state: "killed", source: "budget" });
});

test("a limit set through the control API holds at once, for one id before every id, and survives a restart", async () => {
  const provider = await provide(0);
  const config = poolConfig(provider.url);
  const first = await startGateway(config, database.url);
  expect((await chat(first.url, CALL)).headers.get("x-signalbox-budget")).toBeNull();
  const put = await control(first.url, "PUT", "/budgets/user", { limit_usd: 0.0001, id: "bob", period: "day" });
  expect(put).toMatchObject({ status: 200, body: { scope: "user", id: "bob", limit_nanousd: "100000" } });
  const bob = { ...CALL, headers: { "x-signalbox-user": "bob" } };
  expect(await refusal(await chat(first.url, bob))).toMatchObject({ status: 403, code: "budget_exhausted" });
  expect((await chat(first.url, { ...CALL, headers: { "x-signalbox-user": "eve" } })).status).toBe(200);
  await first.close();

  const second = await startGateway(config, database.url);
  CLEAN_UP.push(() => second.close());
  expect((await chat(second.url, bob)).status).toBe(403);
  await control(second.url, "PUT", "/budgets/user", { limit_usd: 1, id: "bob", period: "day" });
  expect((await chat(second.url, bob)).status).toBe(200);
  expect(await control(second.url, "PUT", "/budgets/team", { limit_usd: 1 })).toMatchObject({
    status: 400,
    body: { error: { field: "scope" } },
  });
  expect(await control(second.url, "PUT", "/budgets/user", { limit_usd: -1 })).toMatchObject({
    status: 400,
    body: { error: { field: "limit_usd" } },
  });
});

test("an attempt that may have been charged is paid for before the next one, or there is no next one", async () => {
  const broken = await startProvider({ script: () => ({ reset: "before-first-byte" }) });
  const provider = await provide(0);
  CLEAN_UP.push(() => broken.close());
  const gateway = await startGateway(
    poolConfig(
      provider.url,
      `  - name: broken
    silicon: gpu
    engine: openai-compatible
    base_url: ${broken.url}/v1
    models: [{ id: scripted, input_usd_per_mtok: 1, output_usd_per_mtok: 2 }]
budgets: [{ scope: session, limit_usd: 0.011, ladder: [{ at: 1, do: pause }] }, { scope: user, limit_usd: 0.008, ladder: [{ at: 1, do: pause }] }]`,
    ),
    database.url,
  );
  CLEAN_UP.push(() => gateway.close());
  // Both attempts fit.
  expect((await chat(gateway.url, CALL)).status).toBe(200);
  expect([broken.ledger.length, provider.ledger.length]).toEqual([1, 1]);
  await until(async () => (await usage()).reserved === 0, "settled");
  const [row] = await ask<UsageRow>(database.url, "select spent_nusd, reserved_nusd from signalbox.budget_usage");
  expect(Number(row?.spent_nusd)).toBeGreaterThan(COST + 3_000_000);
  // Here the first alone fits.
  const tight = await chat(gateway.url, { ...CALL, session: "s2", headers: { "x-signalbox-user": "ann" } });
  expect(tight.status).toBe(502);
  expect([broken.ledger.length, provider.ledger.length]).toEqual([2, 1]);
});

test("without a database budgets are held in memory, and the log says so", async () => {
  const provider = await provide(0);
  const gateway = await startGateway(
    poolConfig(provider.url, "budgets: [{ scope: session, limit_usd: 0.013, ladder: [{ at: 1, do: pause }] }]"),
  );
  CLEAN_UP.push(() => gateway.close());
  expect(gateway.log.join("")).toContain("budgets are held in memory");
  const statuses: number[] = [];
  for (let n = 0; n < 5; n++) statuses.push((await chat(gateway.url, CALL)).status);
  expect(statuses.filter((status) => status === 200)).toHaveLength(2);
  expect(provider.charged()).toBe(2 * COST);
});

/** Every other call fails for nothing; of the rest nobody knows what they cost. */
const FAILS: Script = (_request, n) => ({ delayMs: 20, ...(n % 2 ? { error: { status: 500 } } : { reset: "before-first-byte" }) });
/** Asked first, since it is the cheaper. */
const failingPool = (url: string) => `  - name: broken
    silicon: cloud
    engine: openai-compatible
    base_url: ${url}/v1
    slots: 128
    models: [{ id: scripted, input_usd_per_mtok: 0.5, output_usd_per_mtok: 2 }]
resilience: { breaker: { failures: 1000 }, retry_budget: { share: 1, per_second: 1000 } }
`;

test("a hundred calls at once, each failing over: both attempts are set aside, and the cap holds", async () => {
  const broken = await startProvider({ script: FAILS });
  CLEAN_UP.push(() => broken.close());
  const provider = await provide(300);
  const limit = 11 * COST;
  const gateway = await startGateway(
    poolConfig(
      provider.url,
      `${failingPool(broken.url)}budgets: [{ scope: session, limit_usd: ${limit / 1e9}, ladder: [{ at: 1, do: pause }] }]`,
    ),
    database.url,
  );
  CLEAN_UP.push(() => gateway.close());
  const answers = await Promise.all(Array.from({ length: 100 }, () => chat(gateway.url, CALL)));
  const served = answers.filter(({ status }) => status === 200).length;
  expect(served).toBeGreaterThan(0);
  expect(served).toBeLessThan(100);
  expect(broken.ledger.length).toBeGreaterThanOrEqual(served);
  expect(provider.charged()).toBe(served * COST);
  await until(async () => (await usage()).reserved === 0, "reservations settled");
  // What the broken pool may have charged is counted at its most.
  const { spent } = await usage();
  expect(spent).toBeGreaterThan(provider.charged());
  expect(spent).toBeLessThanOrEqual(limit);
});

test("killed with SIGKILL while calls fail over, and started again: the cap still holds", async () => {
  const broken = await startProvider({ script: FAILS });
  CLEAN_UP.push(() => broken.close());
  const provider = await provide(300);
  const limit = 11 * COST;
  const config = poolConfig(
    provider.url,
    `${failingPool(broken.url)}budgets: [{ scope: global, limit_usd: ${limit / 1e9}, ladder: [{ at: 1, do: pause }] }]`,
  );
  const first = await spawnGateway(config, database.url);
  CLEAN_UP.push(() => rm(first.home, { recursive: true, force: true }));
  const calls = Array.from({ length: 100 }, () => chat(first.url, CALL).catch(() => undefined));
  await until(() => provider.ledger.length >= 2, "calls have failed over");
  const ended = once(first.child, "exit");
  first.child.kill("SIGKILL");
  await ended;
  await Promise.all(calls);
  const { spent: before, reserved } = await usage();
  expect(reserved).toBeGreaterThan(0);
  expect(before + reserved).toBeLessThanOrEqual(limit);

  const second = await spawnGateway(config, database.url);
  CLEAN_UP.push(() => rm(second.home, { recursive: true, force: true }));
  await Promise.all(Array.from({ length: 40 }, () => chat(second.url, CALL)));
  // The providers may have served in full what died on its way: charge it all.
  expect(provider.ledger.length * COST).toBeLessThanOrEqual(limit);
  await until(async () => (await usage()).reserved === reserved, "what is left are the reservations of the dead");
  expect((await usage()).spent + reserved).toBeLessThanOrEqual(limit);
  const stopped = once(second.child, "exit");
  second.child.kill("SIGTERM");
  await stopped;
});

/** Bodies hold what headers cannot. */
const NAMES = { NUL: "a\0b", "half a character": "a\ud800b", "20,000 characters": "x".repeat(20_000) };

const askAs = (url: string, name: string) =>
  fetch(`${url}/v1/chat/completions`, {
    method: "POST",
    headers: { "content-type": "application/json", authorization: "Bearer admin-token" },
    body: JSON.stringify({ model: "scripted", max_tokens: 1_000, messages: [], user: name, prompt_cache_key: name }),
  });

test.each(Object.entries(NAMES))("callers named by %s: their budgets are kept, and so are all others", async (_what, name) => {
  const provider = await provide(0);
  const budgets = ["session", "user"].map(
    (scope) => `{ scope: ${scope}, limit_usd: ${(1.5 * COST) / 1e9}, ladder: [{ at: 1, do: kill }] }`,
  );
  const gateway = await startGateway(poolConfig(provider.url, `budgets: [${budgets.join(", ")}]`), database.url);
  CLEAN_UP.push(() => gateway.close());

  const kept = "select scope, spent_nusd from signalbox.budget_usage where reserved_nusd = 0 and spent_nusd > 0";
  expect((await askAs(gateway.url, name)).status).toBe(200);
  await until(async () => (await ask(database.url, kept)).length === 2, "both budgets are settled");
  expect(await ask<UsageRow>(database.url, kept)).toMatchObject([{ spent_nusd: String(COST) }, { spent_nusd: String(COST) }]);
  // Nothing is left for another one, so its session is killed.
  expect((await askAs(gateway.url, name)).status).toBe(403);
  expect((await control(gateway.url, "POST", "/sessions/other/kill")).body.unknown).not.toContainEqual(expect.stringContaining("database"));
  const stops = await ask<{ id: string }>(database.url, "select id from signalbox.session_controls where state = 'killed' order by id");
  expect(stops.map(({ id }) => id)).toContain("other");
  expect(stops).toHaveLength(2);

  expect((await askAs(gateway.url, "somebody")).status).toBe(200);
  await until(async () => (await ask(database.url, kept)).length === 4, "another caller's are settled");
});

test("what Postgres refuses does not hold up what came with it", async () => {
  const log: string[] = [];
  const connection = openDatabase({ url: database.url, log: { info() {}, warn() {}, error: (line) => log.push(line) } });
  const ledger = createPostgresLedger({
    database: connection,
    whenAway: "open",
    log: { info() {}, warn() {}, error: (line) => log.push(line) },
  });
  const controls = createControls(connection, { info() {}, warn() {}, error: (line) => log.push(line) });
  await connection.start();
  CLEAN_UP.push(() => connection.close());
  const budget = { scope: "user" as const, id: "*", period: "none" as const, limitNanousd: 100, ladder: [], source: "config" as const };
  const reservation = (id: string) => ({
    decisionId: `d-${id}`,
    session: "s",
    claims: [{ key: claimKey("user", id, "none"), scope: "user" as const, id, period: "none", budget }],
    amount: 10,
  });
  const [refused, taken] = await Promise.allSettled([ledger.reserve(reservation("a\0b")), ledger.reserve(reservation("fine"))]);
  expect(refused).toMatchObject({ status: "rejected" });
  expect(taken).toEqual({ status: "fulfilled", value: undefined });
  await Promise.all([ledger.settle(reservation("a\0b"), 7), ledger.settle(reservation("fine"), 7)]);
  expect(await usage()).toEqual({ spent: 7, reserved: 0 });
  expect([ledger.pending, ledger.dropped]).toEqual([0, 1]);
  expect(log).toContainEqual("Postgres refuses a change of budgets");

  const stop = (id: string) => ({ id, state: "killed" as const, reason: "", source: "api" as const, changedAt: 1 });
  await controls.set([stop("a\0b"), stop("fine")]);
  expect(controls.unsaved).toBe(0);
  expect(await ask(database.url, "select id from signalbox.session_controls")).toEqual([{ id: "fine" }]);
  expect(controls.stopOf(["a\0b"])).toMatchObject({ state: "killed" });
});
