import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import type { Browser, Page } from "playwright-core";
import postgres from "postgres";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startCollector } from "../../collector-processor/src/app.ts";
import { parseConfig as parseCollectorConfig } from "../../collector-processor/src/config.ts";
import { readConfig } from "../../plugins/openclaw/src/config.ts";
import { HOOKS } from "../../plugins/openclaw/src/map.ts";
import { createPlugin } from "../../plugins/openclaw/src/plugin.ts";
import { loadFixture } from "../../plugins/openclaw/src/testing/replay.ts";
import { startScheduler } from "../../scheduler/src/app.ts";
import { loadConfig } from "../../scheduler/src/config.ts";
import { ready } from "../integration/scheduler-support.ts";
import { launchChromium } from "../support/chromium.ts";
import { type Dashboard, startDashboard } from "../support/dashboard.ts";
import { createDatabase, type TestDatabase } from "../support/postgres.ts";
import { type Provider, startProvider } from "../support/provider.ts";

/**
 * The whole line, with OpenClaw's part played by what a real one told its plugins: its events, and its requests sent anew to the
 * real scheduler, each at the moment and with the traceparent it had. The provider's ledger says what must come out.
 */

const VERSION = "2026.9.6";
const SCENARIO = "spawned-sub-agent";

let home: string;
let database: TestDatabase;
let provider: Provider;
let dashboard: Dashboard;
let browser: Browser;
let sql: postgres.Sql;
const closing: (() => Promise<unknown>)[] = [];

beforeAll(async () => {
  home = fs.mkdtempSync(path.join(os.tmpdir(), "signalbox-full-path-"));
  database = await createDatabase();
  sql = postgres(database.url, { max: 2, onnotice: () => {} });
  provider = await startProvider({
    prices: { input: 0.31, output: 1.27, cacheRead: 0.031 },
    script: (_request, n) => ({ text: `answer ${n}`, usage: { input: 1_000 + 37 * n, output: 11 * n, cacheRead: 100 * n } }),
  });
  const collector = await startCollector({
    host: "127.0.0.1",
    port: 0,
    databaseUrl: database.url,
    config: parseCollectorConfig("", "defaults", {}),
  });
  // Until then it answers 503, and the scheduler that is closed at the end keeps nothing for later.
  await ready(collector.url);
  const configPath = path.join(home, "signalbox.config.yaml");
  fs.writeFileSync(
    configPath,
    `
pools:
  - name: l40s
    silicon: gpu
    hardware: NVIDIA L40S
    engine: openai-compatible
    base_url: ${provider.url}/v1
    models: [{ id: scripted, tier: 1, input_usd_per_mtok: 0.31, output_usd_per_mtok: 1.27, cache_read_usd_per_mtok: 0.031 }]
models:
  auto: { any_of: [scripted] }
routes:
  - { name: everything-to-gpu, when: {}, use: { silicon: [gpu] } }
`,
  );
  const scheduler = await startScheduler({ config: loadConfig(configPath), home, otlpEndpoint: collector.url });
  await playFixture(scheduler.url, collector.url);
  await provider.idle();
  await scheduler.close();
  await collector.close();
  dashboard = await startDashboard(database.readerUrl);
  browser = await launchChromium();
  closing.push(
    () => browser.close(),
    dashboard.stop,
    provider.close,
    () => sql.end(),
    database.drop,
  );
}, 180_000);

afterAll(async () => {
  for (const close of closing) await close();
  fs.rmSync(home, { recursive: true, force: true });
});

async function playFixture(schedulerUrl: string, otlpEndpoint: string): Promise<void> {
  const { plugin } = createPlugin(readConfig({ otlpEndpoint, schedulerUrl }));
  for (const line of loadFixture(VERSION, SCENARIO)) {
    const hook = HOOKS.find((name) => name === line.name);
    if (line.source === "diagnostic") plugin.diagnostic(line.event);
    else if (line.source === "hook" && hook) plugin.hook(hook, line.event, line.context);
    else if (line.source === "request") await askScheduler(schedulerUrl, line.headers ?? []);
  }
  await plugin.drain();
  await plugin.stop();
}

async function askScheduler(schedulerUrl: string, headers: string[]): Promise<void> {
  const traceparent = headers[headers.indexOf("traceparent") + 1] ?? "";
  const response = await fetch(`${schedulerUrl}/v1/chat/completions`, {
    method: "POST",
    headers: { "content-type": "application/json", traceparent },
    body: JSON.stringify({ model: "auto", stream: true, messages: [{ role: "user", content: "as captured" }] }),
  });
  expect([response.status, await response.text()]).toEqual([200, expect.stringContaining("[DONE]")]);
}

interface StoredSpan {
  span_id: string;
  parent: string | null;
  session_id: string;
  agent_id: string;
  name: string;
  operation: string;
  is_call: boolean;
  attempt: number | null;
  route: string | null;
  pool: string | null;
  silicon: string | null;
  tool_name: string | null;
  cost_nusd: string | null;
  input_tokens: string | null;
  output_tokens: string | null;
}

const storedSpans = () =>
  sql<StoredSpan[]>`
    select encode(span_id, 'hex') as span_id, encode(parent_span_id, 'hex') as parent, session_id, agent_id, name, operation, is_call,
      attempt, route, pool, silicon, tool_name, cost_nusd, input_tokens, output_tokens
    from signalbox.spans order by start_time, span_id`;

test("whether calls were in time is counted for their pool, each once", async () => {
  const [stored] = await sql<{ calls: number; judged: number }[]>`
    select sum(calls)::int as calls, sum(sla_met + sla_missed)::int as judged from signalbox.route_hour where pool <> ''`;
  expect(stored?.judged).toBe(stored?.calls);
  expect(stored?.judged).toBeGreaterThan(0);
});

test("what is stored is what the provider served, on the right session, agent and pool, and in one tree", async () => {
  const spans = await storedSpans();
  const byId = new Map(spans.map((span) => [span.span_id, span]));
  const parentOf = (span: StoredSpan) => byId.get(span.parent ?? "");

  expect(provider.ledger.length).toBeGreaterThanOrEqual(5);
  expect(new Set(spans.map((span) => span.session_id)).size).toBe(1);
  const agents = await sql<{ agent_id: string; parent_agent_id: string | null; spawned_by_tool_call: string | null }[]>`
    select agent_id, parent_agent_id, spawned_by_tool_call from signalbox.agents order by depth`;
  expect(agents).toMatchObject([
    { agent_id: spans[0]?.session_id, parent_agent_id: null },
    { parent_agent_id: spans[0]?.session_id, spawned_by_tool_call: expect.any(String) },
  ]);

  const calls = spans.filter((span) => span.is_call);
  const served = provider.ledger.map(({ usage, costNanousd }) => [String(usage.input), String(usage.output), String(costNanousd)]);
  expect(calls.map((call) => [call.input_tokens, call.output_tokens, call.cost_nusd]).sort()).toEqual(served.sort());
  for (const call of calls) {
    expect(call).toMatchObject({ attempt: 1, route: "everything-to-gpu", pool: "l40s", silicon: "gpu" });
    const schedule = parentOf(call);
    expect(schedule?.operation).toBe("schedule");
    const chat = schedule && parentOf(schedule);
    expect(chat).toMatchObject({ operation: "chat", is_call: false, cost_nusd: null, pool: "l40s", agent_id: call.agent_id });
    expect(chat && parentOf(chat)?.operation).toBe("invoke_agent");
  }
  for (const tool of spans.filter((span) => span.operation === "execute_tool")) expect(parentOf(tool)?.operation).toBe("invoke_agent");
  const childTurn = spans.find((span) => span.operation === "invoke_agent" && span.agent_id !== span.session_id);
  expect(childTurn && parentOf(childTurn)).toMatchObject({ operation: "execute_tool", tool_name: "sessions_spawn" });

  const [session] = await sql<{ cost_nusd: string; calls: string }[]>`select cost_nusd, calls from signalbox.sessions`;
  expect(session).toEqual({ cost_nusd: String(provider.charged()), calls: String(provider.ledger.length) });
});

test("the session's page in a real browser says the same", async () => {
  const page = await browser.newPage();
  const errors: string[] = [];
  page.on("console", (message) => message.type() === "error" && errors.push(message.text()));
  await page.goto(dashboard.loginLink());
  const [session] = await sql<{ session_id: string }[]>`select session_id from signalbox.sessions`;
  await page.goto(`${dashboard.url}/sessions/${encodeURIComponent(session?.session_id ?? "")}`);

  for (const expected of [`${provider.ledger.length} model calls`, "1 sub-agent", "sessions_spawn", "l40s"]) {
    await expect.poll(() => text(page)).toContain(expected);
  }

  const response = await fetch(`${dashboard.url}/api/v1/sessions/${encodeURIComponent(session?.session_id ?? "")}`, {
    headers: { authorization: `Bearer ${dashboard.token}` },
  });
  expect(await response.json()).toMatchObject({ cost_nanousd: String(provider.charged()) });
  expect(errors).toEqual([]);
  await page.close();
});

const text = (page: Page) => page.locator("main").innerText();
