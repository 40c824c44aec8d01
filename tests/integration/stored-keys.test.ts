import { PROJECT_SEPARATOR } from "@signalbox/otel/conventions";
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
    async () => (await sql`select project from sessions where session_id = ${`builds${PROJECT_SEPARATOR}build-1`}`)[0],
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

/** What the reader sees as a key of that project does. */
async function asProject<T>(project: string, query: (transaction: postgres.TransactionSql) => Promise<T>): Promise<T | undefined> {
  const reader = postgres(database.readerUrl, { max: 1, onnotice: () => {}, connection: { search_path: "signalbox" } });
  let result: T | undefined;
  try {
    await reader.begin("read only", async (transaction) => {
      await transaction`set local role signalbox_project`;
      await transaction`select set_config('signalbox.project', ${project}, true)`;
      result = await query(transaction);
    });
    return result;
  } finally {
    await reader.end();
  }
}

it("as a project's reader, rows of other projects are not there, and tables of the whole install are refused", async () => {
  await eventually(async () => ((await sendSpan("other-1", TOKEN)) === 200 ? true : undefined), "a span of the default project");
  await eventually(async () => (await sql`select from sessions where session_id = 'other-1'`)[0], "it is stored");
  const seen = (query: string, project: string) => asProject(project, (transaction) => transaction.unsafe(query));
  for (const table of ["sessions", "spans"])
    expect(await seen(`select distinct session_id from ${table}`, "builds"), table).toEqual([
      { session_id: `builds${PROJECT_SEPARATOR}build-1` },
    ]);
  expect(await seen("select from sessions", "nobody")).toHaveLength(0);
  for (const table of ["api_keys", "alert_events", "channels", "saved_views", "budgets"])
    await expect(seen(`select * from ${table}`, "builds"), table).rejects.toThrow("permission denied");
  const reader = postgres(database.readerUrl, { max: 1, onnotice: () => {}, connection: { search_path: "signalbox" } });
  try {
    expect(await reader`select from sessions`).toHaveLength(2);
  } finally {
    await reader.end();
  }
});

it("rollups, roots and stops are a project's own, too", async () => {
  // the spans of tests are of a day whose minutes this collector, of now, no longer keeps
  await sql`update minutes_kept set since = '-infinity'`;
  const key = (await control("keys", { name: "rollups", purpose: "agents", project: "rolled" })).body.key ?? "";
  const chain = (name: string) => [`${name}-root`, `${name}-sub`, `${name}-sub-sub`] as const;
  const stored = (id: string) => `rolled${PROJECT_SEPARATOR}${id}`;
  const sendChain = async (name: string, bearer: string, project?: string) => {
    for (const session of chain(name)) {
      await eventually(async () => ((await sendSpan(session, bearer)) === 200 ? true : undefined), session);
      const tool = { "session.id": session, "gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": `${name}-tool` };
      const made = span({ trace: ++lastSpan, id: lastSpan, attributes: tool });
      expect((await post(collector.url, request([made]), { authorization: `Bearer ${bearer}` })).status).toBe(200);
    }
    const [root = "", sub = "", subSub = ""] = chain(name).map(project === undefined ? String : stored);
    await sql`insert into session_aliases values (${sub}, ${root}), (${subSub}, ${sub})`;
  };
  await sendChain("own", key, "rolled");
  await sendChain("foreign", TOKEN);
  await eventually(async () => {
    const rows = await sql`select from tool_hour where tool_name like '%-tool' group by tool_name having sum(calls) = 3`;
    return rows.length === 2 ? true : undefined;
  }, "all spans are stored");
  const stopped = ["own-root", "rolled\u001fown-sub", "default\u001fown-sub", "foreign-root"];
  await sql`insert into session_controls select id, 'killed', '', 'api', now() from unnest(${stopped}::text[]) id`;
  await sql`insert into place_day select distinct on (project) * from place_hour`;
  const seen = await asProject("rolled", async (reader) => ({
    places: await reader`select distinct project from place_hour`,
    days: await reader`select distinct project from place_day`,
    between: await reader`select distinct project from place_between('-infinity', 'infinity')`,
    tools: await reader`select tool_name, sum(calls)::int as calls from tool_hour group by 1`,
    placeMinutes: await reader`select distinct project from place_minute`,
    payerMinutes: await reader`select distinct project from payer_minute`,
    toolMinutes: await reader`select distinct project from tool_minute`,
    kept: (await reader`select since < now() as is_told from minutes_kept`).map(({ is_told }) => is_told),
    roots: await reader`select session_id, root_id from session_roots order by 1`,
    root: await reader`select root_of(${stored("own-sub-sub")}) as own, root_of('foreign-sub-sub') as foreign`,
    members: await reader`select session_id from members_of(${stored("own-root")}) order by 1`,
    others: await reader`select session_id from members_of('foreign-root')`,
    stops: await reader`select id from session_controls order by id`,
  }));
  expect(seen).toEqual({
    places: [{ project: "rolled" }],
    days: [{ project: "rolled" }],
    between: [{ project: "rolled" }],
    tools: [{ tool_name: "own-tool", calls: 3 }],
    placeMinutes: [{ project: "rolled" }],
    payerMinutes: [{ project: "rolled" }],
    toolMinutes: [{ project: "rolled" }],
    kept: [true],
    roots: [
      { session_id: stored("own-sub"), root_id: stored("own-root") },
      { session_id: stored("own-sub-sub"), root_id: stored("own-root") },
    ],
    root: [{ own: stored("own-root"), foreign: "foreign-sub-sub" }],
    members: ["own-root", "own-sub", "own-sub-sub"].map((id) => ({ session_id: stored(id) })),
    others: [],
    stops: [{ id: "own-root" }, { id: "rolled\u001fown-sub" }],
  });
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
