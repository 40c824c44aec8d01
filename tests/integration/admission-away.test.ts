/** Postgres goes away and comes back: open or closed as the config says, and nothing that was spent is forgotten. */

import { afterEach, beforeEach, expect, test } from "vitest";
import { createDatabase, type TestDatabase } from "../support/postgres.ts";
import { type Provider, startProvider } from "../support/provider.ts";
import { ask, chat, control, poolConfig, refusal, startDoor, startGateway, TOKEN } from "./admission-support.ts";
import { until } from "./scheduler-support.ts";

const CLEAN_UP: (() => Promise<unknown>)[] = [];
let database: TestDatabase;
let provider: Provider;
beforeEach(async () => {
  database = await createDatabase();
  provider = await startProvider({ prices: { input: 1, output: 4 }, script: () => ({ usage: { input: 1_000, output: 1_000 } }) });
  CLEAN_UP.push(
    () => database.drop(),
    () => provider.close(),
  );
});
afterEach(async () => {
  for (const close of CLEAN_UP.splice(0).reverse()) await close();
});

const CALL = { maxTokens: 1_000, text: "word ".repeat(400) };
const BUDGET = "budgets: [{ scope: session, limit_usd: 0.03, ladder: [{ at: 0.1, do: warn }, { at: 1, do: pause }] }]";

async function behindDoor(more: string) {
  const door = await startDoor(database.url);
  CLEAN_UP.push(async () => door.close());
  const gateway = await startGateway(poolConfig(provider.url, more), door.url);
  CLEAN_UP.push(() => gateway.close());
  const databaseSays = async () => ((await (await fetch(`${gateway.url}/readyz`)).json()) as { database: string }).database;
  return { door, gateway, databaseSays };
}

const spent = async () => {
  const rows = await ask<{ spent_nusd: string; reserved_nusd: string }>(
    database.url,
    "select spent_nusd, reserved_nusd from signalbox.budget_usage",
  );
  return rows.map((row) => [Number(row.spent_nusd), Number(row.reserved_nusd)]);
};

test("open: what was last known decides, the cap still holds, and it is all written when Postgres is back", async () => {
  const { door, gateway, databaseSays } = await behindDoor(BUDGET);
  expect((await chat(gateway.url, { ...CALL, session: "fresh" })).headers.get("x-signalbox-budget")).toBe("ok");
  expect(await databaseSays()).toBe("up");
  door.shut();
  await until(async () => (await databaseSays()).startsWith("away"), "the loss is seen");
  expect(gateway.log.join("")).toContain("database is away");
  expect(await (await fetch(`${gateway.url}/metrics`)).text()).toMatch(/^signalbox_database_up\{.*\} 0$/m);

  const states: string[] = [];
  let last = await chat(gateway.url, { ...CALL, session: "away" });
  for (let n = 0; last.status === 200 && n < 10; n++) {
    states.push(String(last.headers.get("x-signalbox-budget")));
    last = await chat(gateway.url, { ...CALL, session: "away" });
  }
  expect(states[0]).toBe("stale");
  expect(states).toHaveLength(5);
  expect(await refusal(last)).toMatchObject({ status: 403, code: "budget_exhausted" });

  // A stop holds here at once and reaches the database later.
  const { body } = await control(gateway.url, "POST", "/sessions/fresh/kill");
  expect(body.unknown).toEqual(expect.arrayContaining([expect.stringContaining("the database does not have this yet")]));
  expect((await chat(gateway.url, { ...CALL, session: "fresh" })).status).toBe(403);
  expect((await control(gateway.url, "PUT", "/budgets/user", { limit_usd: 1 })).status).toBe(503);

  await door.open();
  await until(async () => (await databaseSays()) === "up", "Postgres is back");
  await until(async () => (await spent()).reduce((sum, [amount = 0]) => sum + amount, 0) === provider.charged(), "all is written");
  expect((await spent()).every(([, reserved]) => reserved === 0)).toBe(true);
  const [row] = await ask<{ state: string }>(database.url, "select state from signalbox.session_controls where id = 'fresh'");
  expect(row).toEqual({ state: "killed" });
});

test("closed: calls that a budget applies to are refused with a reason, others pass; service is back with Postgres", async () => {
  const { door, gateway, databaseSays } = await behindDoor(
    `budgets: [{ scope: user, limit_usd: 1, ladder: [{ at: 1, do: pause }] }]\nadmission: { when_database_is_away: closed }`,
  );
  const asUser = { ...CALL, headers: { "x-signalbox-user": "ann" } };
  expect((await chat(gateway.url, asUser)).status).toBe(200);
  door.shut();
  await until(async () => (await databaseSays()).startsWith("away"), "the loss is seen");
  const refused = await chat(gateway.url, asUser);
  expect(refused.headers.get("retry-after")).toBe("5");
  expect(await refusal(refused)).toMatchObject({ status: 503, code: "budget_database_away" });
  expect((await chat(gateway.url, CALL)).status).toBe(200);
  await door.open();
  await until(async () => (await databaseSays()) === "up", "Postgres is back");
  expect((await chat(gateway.url, asUser)).status).toBe(200);
  await until(
    async () => JSON.stringify(await spent()) === JSON.stringify([[10_000_000, 0]]),
    "both calls are settled, nothing is reserved",
  );
});

test("a database that is away at the start does not hold up the scheduler", async () => {
  const door = await startDoor(database.url);
  door.shut();
  const gateway = await startGateway(poolConfig(provider.url, BUDGET), door.url);
  CLEAN_UP.push(
    async () => door.close(),
    () => gateway.close(),
  );
  expect((await chat(gateway.url, CALL)).headers.get("x-signalbox-budget")).toBe("stale");
});

test("a database that answers no more is away, and calls go on", async () => {
  const { door, gateway, databaseSays } = await behindDoor(BUDGET);
  expect((await chat(gateway.url, CALL)).headers.get("x-signalbox-budget")).toBe("ok");
  door.hang();
  expect((await chat(gateway.url, CALL)).status).toBe(200);
  expect(gateway.log.join("")).toMatch(/database is away.*(did not answer|lost)/);
  await until(async () => (await databaseSays()) === "up", "connected anew");
  await until(async () => (await spent())[0]?.[0] === provider.charged(), "all is written");
});

test("keys: project, user and models of their own, and limits in requests and tokens", async () => {
  const gateway = await startGateway(
    poolConfig(
      provider.url,
      `models: { other: { any_of: [scripted] } }
keys:
  - { name: laptop, key: laptop-secret, project: acme, user: ann, models: [scripted], requests_per_minute: 3 }
  - { name: batch, key: batch-secret, tokens_per_minute: 3000 }`,
    ),
  );
  CLEAN_UP.push(() => gateway.close());
  const laptop = { authorization: "Bearer laptop-secret" };
  const first = await chat(gateway.url, { headers: laptop });
  expect([first.status, first.headers.get("x-ratelimit-limit-requests"), first.headers.get("x-ratelimit-remaining-requests")]).toEqual([
    200,
    "3",
    "2",
  ]);
  expect(await refusal(await chat(gateway.url, { headers: { ...laptop, "x-signalbox-project": "rival" } }))).toMatchObject({
    status: 403,
    code: "key_scope",
  });
  const other = await fetch(`${gateway.url}/v1/chat/completions`, {
    method: "POST",
    headers: laptop,
    body: JSON.stringify({ model: "other", messages: [] }),
  });
  expect(await refusal(other)).toMatchObject({ status: 403, code: "model_not_allowed" });
  const listed = (await (await fetch(`${gateway.url}/v1/models`, { headers: laptop })).json()) as { data: { id: string }[] };
  expect(listed.data.map(({ id }) => id)).toEqual(["scripted"]);
  // Where Authorization is taken by the provider's own key, ours comes in a header of its own.
  expect((await chat(gateway.url, { headers: { authorization: "Bearer sk-somebody", "x-signalbox-key": "laptop-secret" } })).status).toBe(
    200,
  );
  expect((await chat(gateway.url, { headers: { authorization: "", "x-api-key": "laptop-secret" } })).status).toBe(200);

  const fourth = await chat(gateway.url, { headers: laptop });
  expect(fourth.headers.get("x-ratelimit-remaining-requests")).toBe("0");
  expect(Number(fourth.headers.get("retry-after"))).toBeGreaterThanOrEqual(15);
  expect(await refusal(fourth)).toMatchObject({ status: 429, code: "rate_limit_exceeded" });
  const { body } = await control(gateway.url, "GET", "/decisions?limit=1");
  expect(body.data).toMatchObject([{ user: "ann", project: "acme", status: 429, error: "rate_limit_exceeded" }]);

  const batch = { authorization: "Bearer batch-secret" };
  expect((await chat(gateway.url, { ...CALL, headers: batch })).status).toBe(200);
  expect(await refusal(await chat(gateway.url, { ...CALL, headers: batch }))).toMatchObject({ status: 429, code: "rate_limit_exceeded" });
  expect((await chat(gateway.url, { headers: { authorization: `Bearer ${TOKEN}` } })).status).toBe(200);
});
