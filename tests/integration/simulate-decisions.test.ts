/** `simulate --from-decisions`: what the gateway decided and the collector stored, read from a real Postgres and played again. */

import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import OpenAI from "openai";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startCollector } from "../../collector-processor/src/app.ts";
import { parseConfig as parseCollectorConfig } from "../../collector-processor/src/config.ts";
import { startScheduler } from "../../scheduler/src/app.ts";
import { parseConfig } from "../../scheduler/src/config.ts";
import { createLog } from "../../scheduler/src/log.ts";
import { readDecisions } from "../../scheduler/src/simulator/decisions.ts";
import { createDatabase, type TestDatabase } from "../support/postgres.ts";
import { type Provider, startProvider } from "../support/provider.ts";
import { runCommand } from "../support/run-command.ts";
import { untilReady } from "./collector-support.ts";
import { EASY_SLA, until } from "./scheduler-support.ts";

const SIMULATOR = fileURLToPath(new URL("../../scheduler/src/simulator/main.ts", import.meta.url));
const silent = { info: () => {}, warn: () => {}, error: () => {} };
const CALLS = [
  { session: "one", sla: "interactive", usage: { input: 900, output: 40, cacheRead: 300 } },
  { session: "one", sla: "background", usage: { input: 1_200, output: 300 } },
  { session: "two", sla: "background", usage: { input: 60, output: 5 } },
] as const;

let database: TestDatabase;
let provider: Provider;
let home: string;
let policy: string;

beforeAll(async () => {
  home = await mkdtemp(path.join(os.tmpdir(), "signalbox-simulate-"));
  policy = path.join(home, "policy.yaml");
  database = await createDatabase();
  provider = await startProvider({
    script: (_request, n) => (n > CALLS.length ? { error: { status: 400 } } : { usage: CALLS[n - 1]?.usage ?? {} }),
  });
  const text = `${EASY_SLA}
pools:
  - name: api
    silicon: cloud
    engine: openai-compatible
    base_url: ${provider.url}/v1
    models: [{ id: m, tier: 1, input_usd_per_mtok: 1, output_usd_per_mtok: 4, cache_read_usd_per_mtok: 0.1 }]
tasks:
  coding: { min_tier: 1 }
`;
  await writeFile(policy, text);
  const collector = await startCollector({
    host: "127.0.0.1",
    port: 0,
    databaseUrl: database.url,
    config: parseCollectorConfig("", "test.yaml", {}),
    log: silent,
  });
  await untilReady(collector.url);
  const scheduler = await startScheduler({
    config: parseConfig(text, "policy.yaml", {}),
    home,
    otlpEndpoint: collector.url,
    log: createLog(() => {}),
  });
  const client = new OpenAI({ baseURL: `${scheduler.url}/v1`, apiKey: "none", maxRetries: 0 });
  const ask = (session: string, sla: string) =>
    client.chat.completions.create(
      { model: "m", messages: [{ role: "user", content: "hello" }] },
      { headers: { "x-signalbox-session": session, "x-signalbox-sla": sla, "x-signalbox-task": "coding" } },
    );
  for (const { session, sla } of CALLS) await ask(session, sla);
  await ask("one", "interactive").catch(() => {});
  const stored = async () => (await readDecisions(database.url, { hours: 1 })).length === CALLS.length;
  await until(stored, "the decisions are in Postgres");
  await scheduler.close();
  await collector.close();
}, 60_000);
afterAll(async () => {
  await provider.close();
  await database.drop();
  await rm(home, { recursive: true, force: true });
});

test("decisions come as they were made: order, class, tier, tokens, cost of the ledger; one that produced nothing does not", async () => {
  const decisions = await readDecisions(database.url, { hours: 1 });
  expect(
    decisions.map(({ arrival: { slaClass, promptTokens, outputTokens, minTier }, task }) => ({
      slaClass,
      promptTokens,
      outputTokens,
      minTier,
      task,
    })),
  ).toEqual(
    CALLS.map(({ sla, usage }) => ({ slaClass: sla, promptTokens: usage.input, outputTokens: usage.output, minTier: 1, task: "coding" })),
  );
  const times = decisions.map(({ arrival }) => arrival.atMs);
  expect(times[0]).toBe(0);
  expect(times).toEqual([...times].sort((a, b) => a - b));
  expect(decisions.map(({ costNanousd }) => costNanousd)).toEqual(provider.ledger.slice(0, CALLS.length).map((entry) => entry.costNanousd));
  expect(decisions.every(({ slaMet }) => slaMet === true)).toBe(true);
});

test("a window that ended before them holds none", async () => {
  expect(await readDecisions(database.url, { hours: 1 }, new Date(Date.now() - 3_600_000))).toEqual([]);
});

test("the command plays them under another policy and says what happened then", async () => {
  const chart = path.join(home, "chart.svg");
  const arguments_ = [SIMULATOR, "--from-decisions", "last-7d", "--policy", policy, "--json", "--chart", chart];
  const { code, output } = await runCommand(process.execPath, arguments_, { cwd: home, env: { DATABASE_URL: database.url } });
  expect([code, output.slice(0, 1)]).toEqual([0, "{"]);
  const { past, runs } = JSON.parse(output) as {
    past: { decisions: number; summary: { costNanousd: number; unknownCosts: number; slaMet: Record<string, object> } };
    runs: { requests: number; classes: { slaClass: string; requests: number }[] }[];
  };
  expect(past).toEqual({
    decisions: CALLS.length,
    summary: {
      costNanousd: provider.charged(),
      unknownCosts: 0,
      slaMet: { interactive: { met: 1, of: 1 }, background: { met: 2, of: 2 } },
    },
  });
  expect(runs).toMatchObject([{ requests: CALLS.length }]);
  expect(runs[0]?.classes.map(({ slaClass, requests }) => [slaClass, requests])).toEqual([
    ["interactive", 1],
    ["background", 2],
  ]);
  expect(await readFile(chart, "utf8")).toContain("<svg");
});
