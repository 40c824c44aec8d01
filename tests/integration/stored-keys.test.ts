import postgres from "postgres";
import { afterAll, beforeAll, expect, it } from "vitest";
import { type Collector, startCollector } from "../../collector-processor/src/app.ts";
import { parseConfig } from "../../collector-processor/src/config.ts";
import { createDatabase, type TestDatabase } from "../support/postgres.ts";
import { type Provider, startProvider } from "../support/provider.ts";
import { type Gateway, poolConfig, startGateway, TOKEN } from "./admission-support.ts";
import { eventually } from "./alerting-support.ts";
import { post, request, span, untilReady } from "./collector-support.ts";

/** Keys that are made at run time, and what a key of one project may read: without the dashboard. */

const silent = { info: () => {}, warn: () => {}, error: () => {} };
let database: TestDatabase;
let sql: postgres.Sql;
let collector: Collector;
let provider: Provider;
let gateway: Gateway;
let lastSpan = 0;

const collectorFor = (databaseUrl: string) =>
  startCollector({
    host: "127.0.0.1",
    port: 0,
    databaseUrl,
    config: parseConfig("", "test.yaml", { SIGNALBOX_TOKEN: TOKEN }),
    log: silent,
  });

beforeAll(async () => {
  database = await createDatabase();
  sql = postgres(database.url, { max: 1, onnotice: () => {}, connection: { search_path: "signalbox" } });
  provider = await startProvider({ script: () => ({ text: "hello", usage: { input: 10, output: 2 } }) });
  gateway = await startGateway(poolConfig(provider.url), database.url);
  collector = await collectorFor(database.url);
  await untilReady(collector.url);
});
afterAll(async () => {
  await collector?.close();
  await gateway?.close();
  await provider?.close();
  await sql?.end();
  await database?.drop();
});

const control = async (path: string, body: object = {}) => {
  const headers = { authorization: `Bearer ${TOKEN}` };
  const response = await fetch(`${collector.url}/control/${path}`, { method: "POST", headers, body: JSON.stringify(body) });
  return { status: response.status, body: (await response.json()) as Record<string, string> };
};
const sendSpan = async (session: string, key: string, url = collector.url) => {
  const made = span({ trace: ++lastSpan, id: lastSpan, attributes: { "session.id": session, "gen_ai.operation.name": "chat" } });
  return (await post(url, request([made]), { authorization: `Bearer ${key}` })).status;
};
const chat = async (key: string) => {
  const response = await fetch(`${gateway.url}/v1/chat/completions`, {
    method: "POST",
    headers: { "content-type": "application/json", authorization: `Bearer ${key}` },
    body: JSON.stringify({ model: "scripted", messages: [{ role: "user", content: "hi" }] }),
  });
  await response.text();
  return response.status;
};

it("a key is stored as a hash, taken by collector and gateway for its project, and refused by both once revoked", async () => {
  const { body: made } = await control("keys", { name: "builds", purpose: "agents", project: "builds" });
  const key = made.key ?? "";
  expect(key).toMatch(/^sk-signalbox-[\w-]{43}$/);
  expect(JSON.stringify(await sql`select * from api_keys`)).not.toContain(key.slice(13));
  await eventually(async () => ((await sendSpan("build-1", key)) === 200 ? true : undefined), "the collector takes it");
  await eventually(async () => ((await chat(key)) === 200 ? true : undefined), "the gateway takes it");
  const stored = await eventually(
    async () => (await sql`select project from sessions where session_id = 'build-1'`)[0],
    "the span is stored",
  );
  expect(stored).toEqual({ project: "builds" });
  expect(await chat("sk-signalbox-wrong")).toBe(401);
  expect((await control(`keys/${made.key_id}/revoke`)).status).toBe(200);
  await eventually(async () => ((await sendSpan("build-1", key)) === 401 ? true : undefined), "the collector refuses it");
  await eventually(async () => ((await chat(key)) === 401 ? true : undefined), "the gateway refuses it");
  expect((await control(`keys/${made.key_id}/revoke`)).status).toBe(404);
});

it("a key to read sends nothing, and what is wrong with a request for a key is said", async () => {
  const { body } = await control("keys", { name: "books", purpose: "read" });
  expect(await sendSpan("x", body.key ?? "")).toBe(401);
  expect(await control("keys", { name: " ", purpose: "read" })).toMatchObject({ status: 400, body: { error: { field: "name" } } });
});

it("before the keys were ever read a sender is told to come again, not that its key is wrong", async () => {
  const away = await collectorFor("postgres://nobody@127.0.0.1:9/none");
  try {
    expect(await sendSpan("x", "sk-signalbox-any", away.url)).toBe(503);
    expect(await sendSpan("x", TOKEN, away.url)).not.toBe(401);
  } finally {
    await away.close();
  }
});

it("as a project's reader, rows of other projects are not there, and tables of the whole install are refused", async () => {
  await eventually(async () => ((await sendSpan("other-1", TOKEN)) === 200 ? true : undefined), "a span of the default project");
  await eventually(async () => (await sql`select from sessions where session_id = 'other-1'`)[0], "it is stored");
  const reader = postgres(database.readerUrl, { max: 1, onnotice: () => {}, connection: { search_path: "signalbox" } });
  try {
    const seen = (query: string, project: string) =>
      reader.begin("read only", async (transaction) => {
        await transaction`set local role signalbox_project`;
        await transaction`select set_config('signalbox.project', ${project}, true)`;
        return transaction.unsafe(query);
      });
    for (const table of ["sessions", "spans"])
      expect(await seen(`select distinct session_id from ${table}`, "builds"), table).toEqual([{ session_id: "build-1" }]);
    expect(await seen("select from sessions", "nobody")).toHaveLength(0);
    for (const table of ["api_keys", "alert_events", "channels", "saved_views", "budgets"])
      await expect(seen(`select * from ${table}`, "builds"), table).rejects.toThrow("permission denied");
    expect(await reader`select from sessions`).toHaveLength(2);
  } finally {
    await reader.end();
  }
});

it("a view is saved, replaced by one of the same name, and deleted; another site's address is none", async () => {
  const view = { page: "/sessions", name: "Failed", query: "show=errors" };
  await control("views", view);
  const { body } = await control("views", { ...view, name: "failed", query: "show=active" });
  expect(await sql`select name, query from saved_views`).toEqual([{ name: "failed", query: "show=active" }]);
  expect(await control("views", { ...view, page: "//evil.example" })).toMatchObject({ status: 400, body: { error: { field: "page" } } });
  expect((await control(`views/${body.view_id}/delete`)).status).toBe(200);
  expect((await control(`views/${body.view_id}/delete`)).status).toBe(404);
});
