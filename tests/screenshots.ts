/**
 * Draws every page of the dashboard for somebody to look at: with the demo fleet, with nothing stored, with hostile names, and with the
 * database away; dark and light, on a desktop and on a phone. Beside the pages it makes sheets of a few each. What is tried out of a scheduler's log ("what if") is drawn by its e2e test, with SIGNALBOX_SCREENSHOTS=FOLDER: it needs a real one.
 *
 * Command: npm exec -- node tests/screenshots.ts FOLDER [state|look|page: a regular expression on e.g. "demo-dark-phone-brain", default all]
 */
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { migrate } from "@signalbox/collector-processor/migrate";
import { startPostgres } from "@signalbox/local/postgres";
import type { Browser, Page } from "playwright-core";
import postgres from "postgres";
import { startCollector } from "../collector-processor/src/app.ts";
import { parseConfig } from "../collector-processor/src/config.ts";
import { paths } from "../web/src/paths.ts";
import { untilReady } from "./integration/collector-support.ts";
import { launchChromium } from "./support/chromium.ts";
import { startControlServer } from "./support/control-server.ts";
import { type Dashboard, layCable, startDashboard } from "./support/dashboard.ts";
import { freePort } from "./support/free-port.ts";
import { databaseUrl } from "./support/postgres-server.ts";
import { seed, writeSpans } from "./support/seed.ts";
import { makeTurn, RUNAWAY_SESSION } from "./support/seed-fleet.ts";
import { seedMemory, travelMemory } from "./support/seed-memory.ts";
import { createVisits } from "./support/visits.ts";

const [folder, asked = ""] = process.argv.slice(2);
if (folder === undefined) throw new Error("name a folder for the pictures: node tests/screenshots.ts FOLDER");
const wanted = new RegExp(asked);
const TOKEN = "the-token-of-these-pictures";
const HOSTILE = `<img src=x onerror=alert(1)>\u202e{{7*7}} ${"a-name-that-has-no-end-".repeat(12)}`;
const HOSTILE_SESSION = `agent:${HOSTILE}:main`;
const LOOKS = {
  "dark-desktop": { colorScheme: "dark", viewport: { width: 1440, height: 900 } },
  "light-desktop": { colorScheme: "light", viewport: { width: 1440, height: 900 } },
  "dark-phone": { colorScheme: "dark", viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true },
  "light-phone": { colorScheme: "light", viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true },
} as const;
const PER_SHEET = { desktop: 4, phone: 7 } as const;

/** What is drawn of a state: an address, and what is done there before. */
type Scene = [address: string, act?: (page: Page) => Promise<unknown>];

const scenes = (session: string): Record<string, Scene> => ({
  overview: [paths.overview()],
  brain: [paths.brain()],
  tokens: [paths.tokens()],
  "tokens-by-agent": [paths.tokens({ range: "30d", group: "agent" })],
  explain: [paths.explain()],
  "explain-tree": [paths.explain({ by: "tree" })],
  sessions: [paths.sessions()],
  "session-timeline": [paths.session(session)],
  "session-replay": [paths.session(session, { view: "replay" })],
  "session-agents": [paths.session(session, { view: "agents" })],
  "session-decisions": [paths.session(session, { view: "decisions" })],
  "session-memory": [paths.session(session, { view: "memory" })],
  "session-kill": [paths.session(session), (page) => page.getByRole("button", { name: "Kill" }).first().click({ timeout: 2_000 })],
  agents: [paths.agents()],
  routes: [paths.routes()],
  "routes-pool": [paths.routes({ open: "l40s" })],
  memory: [paths.memory()],
  alerts: [paths.alerts()],
  "alerts-new": [paths.alerts(), (page) => page.getByRole("button", { name: "New rule" }).first().click()],
  settings: [paths.settings()],
  palette: [paths.overview(), (page) => page.keyboard.press("Control+k")],
});

const home = fs.mkdtempSync(path.join(os.tmpdir(), "signalbox-screenshots-"));
fs.chmodSync(home, 0o755);
fs.mkdirSync(folder, { recursive: true });
const server = await startPostgres({ dir: path.join(home, "postgres"), port: await freePort() });
const browser = await launchChromium();
const scheduler = await startControlServer({ token: TOKEN });
try {
  await draw("demo", RUNAWAY_SESSION, async (url) => {
    await seed(url);
    await seedMemory(url, travelMemory("agent:standup:main"));
  });
  await draw("empty", "agent:nobody:main", async () => {});
  await draw("hostile", HOSTILE_SESSION, writeHostile);
  await draw("error", RUNAWAY_SESSION, (url) => seed(url), { isAway: true });
} finally {
  await browser.close();
  await scheduler.close();
  await server.stop();
  for (const made of [home, server.dir]) fs.rmSync(made, { recursive: true, force: true });
}

/** All pictures of one state, in a database and behind a collector of its own. */
async function draw(state: string, session: string, fill: (url: string) => Promise<unknown>, { isAway = false } = {}): Promise<void> {
  const names = Object.keys(LOOKS).flatMap((look) => Object.keys(scenes(session)).map((scene) => `${state}-${look}-${scene}`));
  if (!names.some((name) => wanted.test(name))) return;
  const admin = postgres(server.url, { max: 1, onnotice: () => {} });
  await admin.unsafe(`create database ${state}`);
  await admin.end();
  const url = databaseUrl(server.url, state);
  await migrate(url);
  const environment = { SIGNALBOX_TOKEN: TOKEN, SIGNALBOX_SCHEDULER_URL: scheduler.url };
  const yaml = `fan_out: [{ name: jaeger, endpoint: "http://127.0.0.1:9" }]`;
  const config = parseConfig(yaml, "screenshots", environment);
  const log = { info: () => {}, warn: () => {}, error: () => {} };
  const collector = await startCollector({ host: "127.0.0.1", port: 0, databaseUrl: url, config, log });
  await untilReady(collector.url);
  // after it: the seed takes the partitions that the collector made
  await fill(url);
  const cable = await layCable(databaseUrl(server.readerUrl, state));
  const dashboard = await startDashboard(cable.url, { schedulerUrl: scheduler.url, collectorUrl: collector.url, token: TOKEN });
  try {
    if (isAway) await cable.cut();
    for (const [look, options] of Object.entries(LOOKS)) {
      await drawLook(browser, dashboard, { state, look, session, options });
    }
  } finally {
    await dashboard.stop();
    if (!isAway) await cable.cut();
    await collector.close();
  }
}

interface Drawn {
  state: string;
  look: string;
  session: string;
  options: (typeof LOOKS)[keyof typeof LOOKS];
}

async function drawLook(browser: Browser, dashboard: Dashboard, { state, look, session, options }: Drawn): Promise<void> {
  const visits = createVisits(() => browser);
  const drawn: string[] = [];
  const named = Object.entries(scenes(session)).map(([name, scene]) => ({ name: `${state}-${look}-${name}`, scene }));
  for (const { name, scene } of named.filter(({ name }) => wanted.test(name))) {
    const [address, act] = scene;
    const page = await visits.open(dashboard, address, options);
    await page.waitForLoadState("load");
    await page
      .getByText(/^(Live|No database)$/)
      .first()
      .waitFor({ state: "attached" });
    await act?.(page).catch((error: Error) => console.log(`${name}: ${error.message.split("\n")[0]}`));
    await page.waitForTimeout(400);
    const file = path.join(folder as string, `${name}.png`);
    await page.screenshot({ path: file });
    drawn.push(file);
    await visits.leave();
  }
  for (const complaint of new Set(visits.complaints)) console.log(`${state}-${look}: ${complaint.slice(0, 300)}`);
  const perSheet = PER_SHEET[options.viewport.width < 800 ? "phone" : "desktop"];
  for (let first = 0; first < drawn.length; first += perSheet) {
    await drawSheet(
      browser,
      drawn.slice(first, first + perSheet),
      path.join(folder as string, `sheet-${state}-${look}-${first / perSheet + 1}.png`),
    );
  }
}

/** Pictures beside each other, each with its name. */
async function drawSheet(browser: Browser, files: string[], to: string): Promise<void> {
  const page = await browser.newPage({ viewport: { width: 1920, height: 400 } });
  const width = files.some((file) => file.includes("phone")) ? 268 : 954;
  const figures = files.map(
    (file) =>
      `<figure style="margin:0"><figcaption style="font:12px sans-serif">${path.basename(file)}</figcaption><img width="${width}" src="data:image/png;base64,${fs.readFileSync(file, "base64")}"></figure>`,
  );
  await page.setContent(`<body style="margin:4px;background:#888;display:flex;flex-wrap:wrap;gap:4px">${figures.join("")}</body>`);
  await page.screenshot({ path: to, fullPage: true });
  await page.close();
}

/** One turn, one memory file, one rule, one key and one view, whose every name is hostile. */
async function writeHostile(url: string): Promise<void> {
  const spans = makeTurn(HOSTILE_SESSION, HOSTILE, Date.now(), 514).map((span) => ({
    ...span,
    channel: HOSTILE,
    user_id: HOSTILE,
    status: 2,
    columns: {
      ...span.columns,
      status_message: HOSTILE,
      ...(span.columns.tool_name !== undefined && { tool_name: HOSTILE }),
      ...(span.operation === "invoke_agent"
        ? {}
        : { route: HOSTILE, model: HOSTILE, pool: HOSTILE, hardware: HOSTILE, provider: HOSTILE, task: HOSTILE }),
      ...(span.is_call && { key_name: HOSTILE }),
    },
  }));
  await writeSpans(url, spans);
  await seedMemory(url, [
    { session: HOSTILE_SESSION, path: HOSTILE, operation: "write", diff: `+ ${HOSTILE}`, minutesAgo: 0 },
    { session: HOSTILE_SESSION, path: HOSTILE, operation: "read", lines: HOSTILE, minutesAgo: -1 },
  ]);
  const sql = postgres(url, { max: 1, onnotice: () => {}, connection: { search_path: "signalbox" } });
  try {
    await sql`insert into alert_rules (rule_id, name, condition, for_seconds, actions, enabled, version, created_at, updated_at)
      values ('rule', ${HOSTILE}, ${sql.json({ kind: "session_cost", threshold: 5, window_seconds: null, per: "session", min_calls: 0, agent: HOSTILE })}, 0, '[]', true, 1, now(), now())`;
    await sql`insert into alert_events (event_id, rule_id, rule_version, rule_name, project, kind, subject, session_id, value, threshold, message, started_at, fired_at, muted)
      values ('event', 'rule', 1, ${HOSTILE}, 'default', 'session_cost', ${HOSTILE_SESSION}, ${HOSTILE_SESSION}, 7, 5, ${`${HOSTILE_SESSION} cost $7`}, now(), now(), false)`;
    await sql`insert into api_keys (key_id, name, purpose, project, digest, hint, created_at) values ('key', ${HOSTILE}, 'agents', ${HOSTILE}, '\\x00', 'abcd', now())`;
    await sql`insert into saved_views (view_id, page, name, query, created_at) values ('view', 'sessions', ${HOSTILE}, 'q=x', now())`;
  } finally {
    await sql.end();
  }
}
