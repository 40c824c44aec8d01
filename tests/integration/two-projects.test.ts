/** Two projects whose sessions have one and the same id: what is stopped, spent and kept for one is none of the other's. */

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Attribute } from "@signalbox/otel/conventions";
import { afterEach, beforeEach, expect, test } from "vitest";
import { readConfig } from "../../plugins/openclaw/src/config.ts";
import { createPlugin } from "../../plugins/openclaw/src/plugin.ts";
import { followKills } from "../../plugins/otel/src/local-processes.ts";
import { createDatabase, type TestDatabase } from "../support/postgres.ts";
import { type Provider, startProvider } from "../support/provider.ts";
import { chat, control, type Gateway, poolConfig, refusal, startGateway, TOKEN } from "./admission-support.ts";
import { post, request, span, testCollector, untilReady } from "./collector-support.ts";
import { ready, until } from "./scheduler-support.ts";

const CLEAN_UP: (() => Promise<unknown>)[] = [];
let database: TestDatabase;
let provider: Provider;
beforeEach(async () => {
  database = await createDatabase();
  provider = await startProvider({
    script: ({ stream }) =>
      stream ? { text: "word ".repeat(2_000), chunkDelayMs: 20 } : { text: "done", usage: { input: 1_000, output: 100 } },
  });
  CLEAN_UP.push(
    () => database.drop(),
    () => provider.close(),
  );
});
afterEach(async () => {
  for (const close of CLEAN_UP.splice(0).reverse()) await close();
});

/** The id that every OpenClaw's main session has. */
const SESSION = "agent:main:main";
const PATH = `/sessions/${encodeURIComponent(SESSION)}`;

async function serve(more = ""): Promise<Gateway> {
  const gateway = await startGateway(poolConfig(provider.url, more), database.url);
  CLEAN_UP.push(() => gateway.close());
  return gateway;
}

const of = (project: string, more: object = {}) => ({ session: SESSION, headers: { "x-signalbox-project": project }, ...more });

test("a kill of one project's session leaves the other's alone; a kill of the plain id stops both, and a resume lifts both", async () => {
  const gateway = await serve();
  const child = { agent: "child", parent: SESSION };
  const streams = await Promise.all(
    ["a", "b"].flatMap((project) => [of(project), of(project, child)]).map((options) => chat(gateway.url, { ...options, stream: true })),
  );
  const texts = streams.map((response) => response.text().catch(() => "broken"));
  const { body } = await control(gateway.url, "POST", `${PATH}/kill?project=a`, { reason: "test" });
  expect(body).toMatchObject({ session: SESSION, project: "a", descendants: ["child"], upstream_closed: 2, slots_freed: 2, unknown: [] });
  expect(await refusal(await chat(gateway.url, of("a")))).toMatchObject({
    status: 403,
    message: `Signalbox: ${SESSION} was killed: test. No further calls are served.`,
  });
  expect((await chat(gateway.url, of("a", { agent: "unseen", parent: "child" }))).status).toBe(403);
  expect((await chat(gateway.url, of("b"))).status).toBe(200);
  expect((await chat(gateway.url, { session: SESSION })).status).toBe(200);
  expect((await control(gateway.url, "GET", `${PATH}?project=b`)).body).toMatchObject({ state: "active", in_flight: [{}, {}] });
  expect(provider.ledger.filter(({ clientClosed }) => clientClosed)).toHaveLength(2);

  expect((await control(gateway.url, "POST", `${PATH}/kill`)).body).toMatchObject({ upstream_closed: 2, unknown: [] });
  await Promise.all(texts);
  for (const project of ["a", "b"]) expect((await chat(gateway.url, of(project))).status).toBe(403);
  const resumed = await control(gateway.url, "POST", `${PATH}/resume?project=a`);
  expect(resumed.body).toMatchObject({
    state: "killed",
    unknown: [expect.stringMatching(new RegExp(`^it is still killed: .* npx signalbox resume ${SESSION}$`))],
  });
  expect((await chat(gateway.url, of("a"))).status).toBe(403);
  await control(gateway.url, "POST", `${PATH}/resume`);
  for (const project of ["a", "b"]) expect((await chat(gateway.url, of(project))).status).toBe(200);
});

test("gateways of two projects: a kill of one's session ends that one's run, and the other's plugin says that it is none of its own", async () => {
  const keys = ["a", "b"].map((project) => `{ name: ${project}, key: key-of-${project}, project: ${project} }`);
  const gateway = await serve(`keys: [${keys.join(", ")}]`);
  const home = mkdtempSync(join(tmpdir(), "signalbox-two-projects-"));
  CLEAN_UP.push(async () => rmSync(home, { recursive: true }));
  const tokenFile = join(home, "token");
  writeFileSync(tokenFile, TOKEN);
  const run = { sessionKey: SESSION, sessionId: "the-same-id", runId: "run-1", trace: { traceId: "a".repeat(32), spanId: "b".repeat(16) } };
  const plugins = ["a", "b"].map((project) => {
    const config = { schedulerUrl: gateway.url, otlpEndpoint: "http://127.0.0.1:9", key: `key-of-${project}`, tokenFile };
    const { plugin } = createPlugin(readConfig(config), () => {
      plugin.diagnostic({ type: "harness.run.completed", ts: 2, outcome: "aborted", ...run });
      return true;
    });
    CLEAN_UP.push(() => plugin.stop());
    plugin.diagnostic({ type: "harness.run.started", ts: 1, ...run });
    plugin.follow();
    return plugin;
  });
  const blocked = () => plugins.map((plugin) => plugin.hook("before_agent_run", {}, run) !== undefined);
  const kill = async (query: string) => (await control(gateway.url, "POST", `/sessions/the-same-id/kill${query}`)).body;
  await until(async () => {
    const { agents_acknowledged, unknown } = await kill("?project=a");
    return (agents_acknowledged as string[]).length === 1 && (unknown as string[]).every((line) => !line.includes("acknowledge"));
  }, "both follow, and one has stopped it");
  expect(blocked()).toEqual([true, false]);
  await kill("");
  expect(blocked()).toEqual([true, true]);
  await control(gateway.url, "POST", "/sessions/the-same-id/resume");
  await until(() => blocked().every((one) => !one), "both go on");
});

test("a stop in a project where the session was never seen says where it was, and leaves this machine's runs of it alone", async () => {
  const gateway = await serve();
  const stopped: string[] = [];
  const runs = followKills({
    agent: "claude-code",
    schedulerUrl: gateway.url,
    token: TOKEN,
    async stop(session) {
      stopped.push(session);
      return { outcome: "stopped" };
    },
  });
  CLEAN_UP.push(() => runs.close());
  const kill = async (session: string, query: string) => (await control(gateway.url, "POST", `/sessions/${session}/kill${query}`)).body;
  await until(async () => ((await kill("other", "")).agents_acknowledged as string[]).length === 1, "the follower listens");
  stopped.splice(0);
  for (const options of [of("b"), { session: SESSION }]) expect((await chat(gateway.url, options)).status).toBe(200);
  expect(await kill(encodeURIComponent(SESSION), "?project=a")).toMatchObject({
    agents_acknowledged: [],
    unknown: [
      "no call of this id was seen in a, but in calls without a project and in b: those go on; a stop without a project reaches all of them",
    ],
  });
  expect(stopped).toEqual([]);
  expect((await chat(gateway.url, of("b"))).status).toBe(200);
  expect(await kill(encodeURIComponent(SESSION), "?project=b")).toMatchObject({ agents_acknowledged: [expect.any(String)], unknown: [] });
  expect(stopped).toEqual([SESSION]);
});

test("each spends its own budget of a session, also after a restart, and a resume of the plain id lifts what one has spent", async () => {
  const budget = "budgets: [{ scope: session, limit_usd: 0.002, ladder: [{ at: 1, do: kill }] }]";
  const first = await serve(budget);
  // 0.0014 USD each
  for (let n = 0; n < 2; n++) expect((await chat(first.url, of("a"))).status).toBe(200);
  await until(async () => (await chat(first.url, of("a"))).status === 403, "a's is killed");
  expect((await chat(first.url, of("b"))).status).toBe(200);
  const spent = async ({ url }: Gateway) =>
    ((await control(url, "GET", "/budgets?scope=session")).body.data as { id: string; project?: string; spent_nanousd: string }[]).map(
      ({ id, project, spent_nanousd }) => [id, project, spent_nanousd],
    );
  await until(async () => (await spent(first)).length === 2, "both are in the books");
  expect(await spent(first)).toEqual([
    [SESSION, "a", "2800000"],
    [SESSION, "b", "1400000"],
  ]);
  await first.close();
  CLEAN_UP.pop();

  const second = await serve(budget);
  expect(await refusal(await chat(second.url, of("a")))).toMatchObject({ code: "session_killed" });
  expect((await chat(second.url, of("b"))).status).toBe(200);
  await control(second.url, "POST", `${PATH}/resume`);
  // Lifted, and still no money left.
  expect(await refusal(await chat(second.url, of("a")))).toMatchObject({ code: "budget_exhausted" });
});

test("a kill names the agents that the collector stored of its own project; of a plain id, those of all", async () => {
  const keys = ["a", "b", "default"].map((project) => `{ name: ${project}, key: key-${project}, project: ${project} }`);
  const collector = await testCollector(database.url, `keys: [${keys.join(", ")}]`);
  CLEAN_UP.push(() => collector.close());
  await untilReady(collector.url);
  for (const [id, project] of ["a", "b", "default"].entries()) {
    const who = { "session.id": SESSION, [Attribute.signalboxAgentId]: `child of ${project}`, [Attribute.parentAgentId]: SESSION };
    const stored = await post(collector.url, request([span({ trace: 1, id: id + 1, attributes: who })]), {
      authorization: `Bearer key-${project}`,
    });
    expect(stored.status).toBe(200);
  }
  const gateway = await serve();
  const killed = async (query: string) => (await control(gateway.url, "POST", `${PATH}/kill${query}`)).body.descendants;
  expect(await killed("?project=a")).toEqual(["child of a"]);
  expect(await killed("?project=default")).toEqual(["child of default"]);
  expect((await killed("")) as string[]).toEqual(expect.arrayContaining(["child of a", "child of b", "child of default"]));
});

test("a llama.cpp pool keeps state of both, and drops that of the one that ends", async () => {
  const llama = `  - name: llama
    silicon: cpu
    engine: llama-cpp
    model: demo
    threads: 1
    slots: 4
    context_tokens: 512
    models: [{ id: demo }]`;
  const gateway = await serve(llama);
  await ready(gateway.url);
  const held = async () => {
    const { body } = await control(gateway.url, "GET", "/pools");
    const pool = (body.data as { name: string; sessions: { live: number; ram: number; file: number } | null }[]).find(
      ({ name }) => name === "llama",
    );
    const { live = 0, ram = 0, file = 0 } = pool?.sessions ?? {};
    return live + ram + file;
  };
  for (const project of ["a", "b"]) {
    const response = await fetch(`${gateway.url}/v1/chat/completions`, {
      method: "POST",
      headers: { "content-type": "application/json", "x-signalbox-session": SESSION, "x-signalbox-project": project },
      body: JSON.stringify({ model: "demo", max_tokens: 4, messages: [{ role: "user", content: `of ${project}` }] }),
    });
    expect(response.status).toBe(200);
    await response.arrayBuffer();
  }
  await until(async () => (await held()) === 2, "both are held");
  await control(gateway.url, "POST", `${PATH}/kill?project=a`);
  await until(async () => (await held()) === 1, "one is dropped");
});
