import { PROJECT_SEPARATOR } from "@signalbox/otel/conventions";
import type postgres from "postgres";
import { beforeAll, describe, expect, it } from "vitest";
import { startCollector } from "../../collector-processor/src/app.ts";
import { parseConfig } from "../../collector-processor/src/config.ts";
import { openApiDocument, RESOURCES } from "../../web/src/api/openapi.ts";
import { poolConfig, startGateway, TOKEN } from "../integration/admission-support.ts";
import { call, eventually } from "../integration/alerting-support.ts";
import { NOW, post, request, span, untilReady } from "../integration/collector-support.ts";
import { type Dashboard, startDashboard } from "../support/dashboard.ts";
import { type OtlpSink, otlpSink } from "../support/otlp-sink.ts";
import type { TestDatabase } from "../support/postgres.ts";
import { type Provider, startProvider } from "../support/provider.ts";
import { seed, writeSpans } from "../support/seed.ts";
import { makeTurn, RUNAWAY_SESSION } from "../support/seed-fleet.ts";
import { seedMemory, travelMemory } from "../support/seed-memory.ts";
import { goTo, violations } from "../support/visits.ts";
import { webStage } from "../support/web-stage.ts";

const REFUSED = /responded with a status of (400|503)/;
const ACME_SESSION = "agent:acme:main";
const silent = { info: () => {}, warn: () => {}, error: () => {} };

let database: TestDatabase;
let sql: postgres.Sql;
let provider: Provider;
let gateway: Awaited<ReturnType<typeof startGateway>>;
let collector: Awaited<ReturnType<typeof startCollector>>;
let dashboard: Dashboard;
let sink: OtlpSink;
const stage = webStage(REFUSED);

beforeAll(async () => {
  ({ database, sql } = await stage.database());
  provider = stage.keep(await startProvider({ script: () => ({ text: "hello", usage: { input: 10, output: 2 } }) }));
  gateway = stage.keep(await startGateway(poolConfig(provider.url), database.url));
  sink = stage.keep(await otlpSink());
  const yaml = `
fan_out:
  - { name: jaeger, endpoint: "${sink.url}" }
  - { name: gone, endpoint: "http://127.0.0.1:9" }
collector: { payload_days: 3, retention: { content_days: 30, span_days: 90, projects: { acme: { content_days: forever, payload_days: 1 } } } }
keys: [{ name: laptop, key: laptop-secret-key, project: acme }]`;
  const config = parseConfig(yaml, "test.yaml", { SIGNALBOX_TOKEN: TOKEN });
  collector = stage.keep(await startCollector({ host: "127.0.0.1", port: 0, databaseUrl: database.url, config, log: silent }));
  await untilReady(collector.url);
  await seed(database.url);
  await writeSpans(database.url, makeTurn(ACME_SESSION, "acme-agent", Date.now(), 77), "acme");
  const [writer] = await sql<
    { session_id: string }[]
  >`select session_id from sessions where project = 'default' and session_id <> ${RUNAWAY_SESSION} limit 1`;
  await seedMemory(database.url, travelMemory(writer?.session_id ?? ""));
  dashboard = await stage.dashboard(database.readerUrl, { schedulerUrl: gateway.url, collectorUrl: collector.url, token: TOKEN });
});

const { open } = stage;
const ask = (path: string, token = TOKEN, body?: object) =>
  fetch(dashboard.url + path, {
    method: body ? "POST" : "GET",
    headers: { authorization: `Bearer ${token}`, ...(body && { "content-type": "application/json" }) },
    body: body ? JSON.stringify(body) : null,
  });
const makeKey = async (body: object): Promise<{ key_id: string; key: string }> => (await ask("/api/v1/settings/keys", TOKEN, body)).json();
const chat = (key: string) =>
  fetch(`${gateway.url}/v1/chat/completions`, {
    method: "POST",
    headers: { "content-type": "application/json", authorization: `Bearer ${key}` },
    body: JSON.stringify({ model: "scripted", messages: [{ role: "user", content: "hi" }] }),
  }).then(async (response) => {
    await response.text();
    return response.status;
  });
let lastSpan = 9000;
const sendSpan = async (key: string, session: string) => {
  const made = span({ trace: 9, id: ++lastSpan, at: Date.now() - NOW, ...call(session, 0.01) });
  return (await post(collector.url, request([made]), { authorization: `Bearer ${key}` })).status;
};

describe("keys", () => {
  it("made in the browser, shown once, stored as a hash, taken by collector and gateway, and refused when revoked", async () => {
    const page = await open("/settings");
    const keys = page.getByRole("list", { name: "keys" });
    await keys.getByText("laptop").waitFor();
    await keys.getByText("Admin token").waitFor();
    expect(await page.content()).not.toContain("laptop-secret-key");
    await page.getByRole("button", { name: "New key" }).click();
    const dialog = page.getByRole("dialog");
    await expect.poll(() => dialog.getByRole("button", { name: "Make key" }).getAttribute("aria-disabled")).toBe("true");
    await dialog.getByLabel("Name").fill("build server");
    await dialog.getByLabel(/^Project/).fill("builds");
    expect(await violations(page)).toEqual([]);
    await dialog.getByRole("button", { name: "Make key" }).click();
    const copy = dialog.getByRole("button", { name: /^copy key/ });
    const key = (await copy.textContent()) ?? "";
    expect(key).toMatch(/^sk-signalbox-[\w-]{43}$/);
    await dialog.getByRole("button", { name: "I have copied it" }).click();
    await keys.getByText("build server").waitFor();
    expect(await page.content()).not.toContain(key);
    expect(JSON.stringify(await sql`select * from api_keys`)).not.toContain(key);

    await eventually(async () => ((await sendSpan(key, "agent:builds:main")) === 200 ? true : undefined), "the collector takes the key");
    await eventually(async () => ((await chat(key)) === 200 ? true : undefined), "the gateway takes the key");
    const stored = () =>
      sql<{ project: string }[]>`select project from sessions where session_id = ${`builds${PROJECT_SEPARATOR}agent:builds:main`}`;
    await eventually(async () => (await stored())[0], "the span is stored");
    expect((await stored())[0]?.project).toBe("builds");
    expect(await chat("sk-signalbox-wrong")).toBe(401);

    await keys.getByRole("button", { name: "Revoke build server" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Revoke key" }).click();
    await keys.getByText("revoked").waitFor();
    await eventually(async () => ((await sendSpan(key, "agent:builds:main")) === 401 ? true : undefined), "the collector refuses it");
    await eventually(async () => ((await chat(key)) === 401 ? true : undefined), "the gateway refuses it");
  });

  it("one whose name turns the reading direction turns no words of ours, in the list and in the dialog", async () => {
    await makeKey({ name: "pay\u202elap", purpose: "read" });
    const page = await open("/settings");
    const keys = page.getByRole("list", { name: "keys" });
    await keys.getByText("U+202E").waitFor();
    expect(await keys.innerText()).not.toContain("\u202e");
    await keys.getByRole("button", { name: /^Revoke pay/ }).click();
    expect(await page.getByRole("dialog").innerText()).toContain("Revoke payU+202Elap?");
  });

  it("bad requests are answered with what is wrong", async () => {
    const nameless = await ask("/api/v1/settings/keys", TOKEN, { name: " ", purpose: "read" });
    expect([nameless.status, (await nameless.json()).error.field]).toEqual([400, "name"]);
    expect((await ask("/api/v1/settings/keys/nobody/revoke", TOKEN, {})).status).toBe(404);
    const direct = await fetch(`${collector.url}/control/keys`, { method: "POST", body: "{}", headers: { authorization: "Bearer wrong" } });
    expect(direct.status).toBe(401);
  });
});

describe("a key that reads one project", () => {
  it("sees its own sessions, cost and memory; another project is 404, the whole install 403, and nothing of others is in any answer", async () => {
    const { key, key_id } = await makeKey({ name: "acme's books", purpose: "read", project: "acme" });
    const listed = await (await ask("/api/v1/sessions", key)).json();
    expect(listed.data.map(({ session_id }: { session_id: string }) => session_id)).toEqual([ACME_SESSION]);
    const runaway = encodeURIComponent(RUNAWAY_SESSION);
    for (const path of ["", "/spans", "/steps", "/agents"]) {
      expect((await ask(`/api/v1/sessions/${runaway}${path}`, key)).status, path).toBe(404);
      expect((await ask(`/api/v1/sessions/${runaway}${path}`)).status, path).toBe(200);
    }
    const cost = await (await ask("/api/v1/cost?group_by=project&from=-7d", key)).json();
    expect(cost.data.map(({ project }: { project: string }) => project)).toEqual(["acme"]);
    const [spent] = await sql<{ nusd: string }[]>`select sum(cost_nusd) as nusd from spans where is_call and project = 'acme'`;
    // calls of an hour are read one by one, older ones from sums
    for (const from of ["-1h", "-24h", "-7d"]) {
      const { contributions } = await (await ask(`/api/v1/explain?from=${from}`, key)).json();
      const of = (by: string) =>
        contributions.flatMap((row: Record<string, string>) => (row.by === by ? [[row.session_id ?? row.route, row.cost_nanousd]] : []));
      expect(of("session"), from).toEqual([[ACME_SESSION, spent?.nusd]]);
      expect(
        of("route").map(([, nanousd]: string[]) => nanousd),
        from,
      ).toEqual([spent?.nusd]);
    }
    const csv = await (await ask("/api/v1/sessions?format=csv&limit=1", key)).text();
    expect(csv.trimEnd().split("\r\n")).toHaveLength(2);

    const statuses: Record<string, number> = {};
    for (const { path } of RESOURCES) {
      const response = await ask(path.replace("{id}", encodeURIComponent(ACME_SESSION)), key);
      statuses[path] = response.status;
      const text = await response.text();
      for (const secret of [RUNAWAY_SESSION, "trip-planner", "scout", "travel.md", "on-call"]) expect(text, path).not.toContain(secret);
    }
    const of = (status: number) => Object.keys(statuses).filter((path) => statuses[path] === status);
    expect(of(403)).toEqual(
      expect.arrayContaining(["/api/v1/settings", "/api/v1/settings/keys", "/api/v1/alerts", "/api/v1/alerts/channels", "/api/v1/views"]),
    );
    expect(of(200)).toEqual(
      expect.arrayContaining([
        "/api/v1/sessions",
        "/api/v1/cost",
        "/api/v1/decisions",
        "/api/v1/events",
        "/api/v1/memory",
        "/api/v1/trees",
      ]),
    );
    // content needs span ids, and payloads a span: their parameters are refused first
    expect(Object.keys(statuses).filter((path) => ![200, 400, 403].includes(statuses[path] ?? 0))).toEqual([]);

    expect((await ask(`/api/v1/sessions/${encodeURIComponent(ACME_SESSION)}/kill`, key, { reason: "x" })).status).toBe(401);
    expect((await ask("/api/v1/live", key)).status).toBe(401);
    expect((await ask(`/api/v1/settings/keys/${key_id}/revoke`, TOKEN, {})).status).toBe(200);
    expect((await ask("/api/v1/sessions", key)).status).toBe(401);
  });

  it("a key for every project reads all, and agents' keys read nothing", async () => {
    const all = await makeKey({ name: "all", purpose: "read" });
    expect((await ask(`/api/v1/sessions/${encodeURIComponent(RUNAWAY_SESSION)}`, all.key)).status).toBe(200);
    const agents = await makeKey({ name: "agents", purpose: "agents" });
    expect((await ask("/api/v1/sessions", agents.key)).status).toBe(401);
    expect(await sendSpan(all.key, "agent:x:main")).toBe(401);
  });
});

it("every resource and every change wants a token", async () => {
  const { paths } = openApiDocument() as { paths: Record<string, Record<string, unknown>> };
  for (const [path, operations] of Object.entries(paths))
    for (const method of Object.keys(operations)) {
      const address = dashboard.url + path.replaceAll(/\{\w+\}/g, "x");
      const headers = { authorization: "Bearer wrong", ...(method === "post" && { "content-type": "application/json" }) };
      const response = await fetch(address, { method: method.toUpperCase(), headers, body: method === "post" ? "{}" : null });
      expect(response.status, `${method} ${path}`).toBe(401);
    }
});

it("a kill is of the session's project: who has the same id in another goes on, and a resume lifts it", async () => {
  const session = "agent:shared:main";
  const ask = (project: string) =>
    fetch(`${gateway.url}/v1/chat/completions`, {
      method: "POST",
      headers: {
        "content-type": "application/json",
        authorization: `Bearer ${TOKEN}`,
        "x-signalbox-session": session,
        "x-signalbox-project": project,
      },
      body: JSON.stringify({ model: "scripted", messages: [{ role: "user", content: "hi" }] }),
    }).then(({ status }) => status);
  for (const key of ["laptop-secret-key", TOKEN]) expect(await sendSpan(key, session)).toBe(200);
  const stored = () => sql`select from sessions where session_id in (${session}, ${`acme${PROJECT_SEPARATOR}${session}`})`;
  await eventually(async () => ((await stored()).length === 2 ? true : undefined), "both sessions are stored");
  const page = await open(`/sessions/${encodeURIComponent(`acme${PROJECT_SEPARATOR}${session}`)}`);
  await page
    .getByRole("button", { name: /^copy session id/ })
    .getByText(session, { exact: true })
    .waitFor();
  await page.getByRole("button", { name: "Kill", exact: false }).first().click();
  await page.getByRole("dialog").getByRole("button", { name: "Kill session" }).click();
  await page.getByRole("dialog").getByLabel("receipt", { exact: true }).waitFor();
  expect([await ask("acme"), await ask("default")]).toEqual([403, 200]);
  await page.keyboard.press("Escape");
  await page.getByRole("button", { name: "Resume" }).click();
  await page.getByRole("button", { name: "Resume session" }).click();
  await expect.poll(() => ask("acme")).toBe(200);
});

describe("exports", () => {
  it("a test span arrives, and one that does not says why", async () => {
    const page = await open("/settings");
    const exports = page.getByRole("list", { name: "exports" });
    const row = (name: string) => exports.getByRole("listitem").filter({ hasText: name });
    const before = sink.requests.length;
    await row("jaeger").getByRole("button", { name: "Send test span" }).click();
    await row("jaeger").getByText("It took the test span").waitFor();
    const sent = sink.requests.slice(before).map(({ body }) => body.toString("latin1"));
    expect(sent.some((body) => body.includes("signalbox test span"))).toBe(true);
    await row("gone").getByRole("button", { name: "Send test span" }).click();
    await row("gone")
      .getByText(/did not arrive: .*ECONNREFUSED/)
      .waitFor();
    expect(await violations(page)).toEqual([]);
    expect((await ask("/api/v1/settings/destinations/nobody/test", TOKEN, {})).status).toBe(404);
  });

  it("one that does not answer says so with its last error, there and on the Overview", async () => {
    const made = span({ trace: 4711, id: 4711, attributes: { "session.id": "to-be-exported" } });
    await post(collector.url, request([made]), { authorization: `Bearer ${TOKEN}` });
    const destination = async () =>
      (await (await ask("/api/v1/settings")).json()).destinations.find(({ name }: { name: string }) => name === "gone");
    await eventually(async () => ((await destination()).state === "down" ? true : undefined), "it is known to be down");
    expect(await destination()).toMatchObject({
      sent_spans: 0,
      last_sent: null,
      last_failure: { reason: expect.stringContaining("ECONNREFUSED") },
    });
    const page = await open("/settings");
    const gone = page.getByRole("list", { name: "exports" }).getByRole("listitem").filter({ hasText: "gone" });
    await gone.getByText("not answering").waitFor();
    await gone.getByText(/Last failure .*ECONNREFUSED/).waitFor();
    await goTo(page, `${dashboard.url}/`);
    await page.getByRole("link", { name: /export gone does not take everything/ }).click();
    await page.waitForURL(/\/settings$/);
    expect(await violations(page)).toEqual([]);
    expect((await ask("/api/v1/settings/destinations/nobody/test", TOKEN, {})).status).toBe(404);
  });
});

it("prices are found, and projects are listed", async () => {
  const page = await open("/settings");
  await page.getByRole("list", { name: "projects" }).getByText("acme", { exact: true }).waitFor();
  await page.getByRole("searchbox", { name: "search prices" }).fill("opus-4-6");
  const found = page.getByRole("region", { name: "price table" }).locator("tbody tr");
  // the pattern's row of each provider, and no other
  await expect
    .poll(() => found.allTextContents().then((rows) => rows.length > 0 && rows.every((row) => row.includes("opus-4-6"))))
    .toBe(true);
});

it("how long each kind is kept is told by project: content no longer than its spans", async () => {
  const page = await open("/settings");
  const rows = page.getByRole("region", { name: "retention" }).getByRole("row");
  await expect
    .poll(async () => (await rows.allInnerTexts()).slice(1).map((row) => row.split(/\s*\t\s*/)))
    .toEqual([
      ["acme", "90 days", "1 day", "90 days", "forever"],
      ["All others", "30 days", "3 days", "90 days", "forever"],
    ]);
  expect(await violations(page)).toEqual([]);
});

describe("saved views", () => {
  it("are saved with their filters, found in the palette, replaced and deleted", async () => {
    const page = await open("/sessions?show=errors");
    await page.getByRole("button", { name: "Views" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByText("None of this page yet.").waitFor();
    await dialog.getByLabel("Save what is shown as").fill("What failed");
    await dialog.getByRole("button", { name: "Save" }).click();
    await dialog.getByRole("link", { name: "What failed" }).waitFor();
    expect(await violations(page)).toEqual([]);
    await goTo(page, `${dashboard.url}/memory`);
    await page.keyboard.press("Control+k");
    await page.keyboard.type("what failed");
    await page.getByRole("option", { name: /What failed.*Sessions/ }).waitFor();
    await page.keyboard.press("Enter");
    await page.waitForURL(/\/sessions\?show=errors$/);
    await page.getByRole("button", { name: "Views" }).click();
    await dialog.getByRole("button", { name: "Delete the view What failed" }).click();
    await dialog.getByText("None of this page yet.").waitFor();
  });

  it("what is no page of ours is refused", async () => {
    const wrong = await ask("/api/v1/views", TOKEN, { page: "//evil.example", name: "x", query: "" });
    expect([wrong.status, (await wrong.json()).error.field]).toEqual([400, "page"]);
  });
});

it("on a phone nothing is wider than the page; without the collector it says what is missing", async () => {
  const page = await open("/settings", { viewport: { width: 390, height: 844 } });
  await page.getByRole("list", { name: "exports" }).waitFor();
  await expect.poll(() => page.evaluate("document.documentElement.scrollWidth")).toBe(390);
  const alone = await startDashboard(database.readerUrl);
  try {
    const other = await open("/settings", { of: alone });
    await other.getByText("The collector did not do it").first().waitFor();
    await other.getByRole("list", { name: "projects" }).waitFor();
  } finally {
    await alone.stop();
  }
});
