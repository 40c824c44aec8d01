import { gzipSync } from "node:zlib";
import type { Browser, BrowserContext, BrowserContextOptions, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, expect, it } from "vitest";
import { type Collector, startCollector } from "../../collector-processor/src/app.ts";
import { parseConfig } from "../../collector-processor/src/config.ts";
import { untilReady } from "../integration/collector-support.ts";
import { launchChromium } from "../support/chromium.ts";
import { type ControlServer, startControlServer } from "../support/control-server.ts";
import { type Dashboard, startDashboard } from "../support/dashboard.ts";
import { createDatabase, type TestDatabase } from "../support/postgres.ts";
import { seed, writeSpans } from "../support/seed.ts";
import { makeTurn, RUNAWAY_SESSION } from "../support/seed-fleet.ts";
import { goTo } from "../support/visits.ts";

const TOKEN = "live-test";
const SESSION = `/sessions/${encodeURIComponent(RUNAWAY_SESSION)}`;
const PAGES = [
  "/",
  "/brain",
  "/tokens",
  "/explain",
  "/sessions",
  SESSION,
  `${SESSION}?view=replay`,
  `${SESSION}?view=agents`,
  `${SESSION}?view=decisions`,
  "/agents",
  "/routes",
  "/alerts",
  "/memory",
  `${SESSION}?view=memory`,
  "/settings",
];
/** Of scripts, as gzip sends them. The session's page has most: 231; React and Next alone are 130. */
const MAX_SCRIPT_KB = 245;

let database: TestDatabase;
let scheduler: ControlServer;
let collector: Collector;
let dashboard: Dashboard;
let browser: Browser;
const contexts: BrowserContext[] = [];

beforeAll(async () => {
  database = await createDatabase();
  await seed(database.url);
  scheduler = await startControlServer({ token: TOKEN });
  // one that is away is asked again and again
  const config = parseConfig("", "test.yaml", { SIGNALBOX_TOKEN: TOKEN });
  const silent = { info: () => {}, warn: () => {}, error: () => {} };
  collector = await startCollector({ host: "127.0.0.1", port: 0, databaseUrl: database.url, config, log: silent });
  await untilReady(collector.url);
  dashboard = await startDashboard(database.readerUrl, { schedulerUrl: scheduler.url, collectorUrl: collector.url, token: TOKEN });
  browser = await launchChromium();
  // while one tab is open the server listens: the others miss nothing, and need not read again
  const keeper = await (await browser.newContext()).newPage();
  await keeper.goto(dashboard.loginLink());
  await live(keeper);
});
afterAll(async () => {
  await browser?.close();
  await dashboard?.stop();
  await collector?.close();
  await scheduler?.close();
  await database?.drop();
});
afterEach(async () => {
  for (const context of contexts.splice(0)) await context.close();
});

async function newWindow(options: BrowserContextOptions = {}): Promise<Page> {
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, timezoneId: "UTC", ...options });
  contexts.push(context);
  return context.newPage();
}
async function newPage(): Promise<Page> {
  const page = await newWindow();
  await page.goto(dashboard.loginLink());
  await page.waitForURL(`${dashboard.url}/`);
  return page;
}
const live = (page: Page) =>
  page
    .getByText(/^Live$/)
    .first()
    .waitFor();
const poolReads = () => scheduler.requests.filter((request) => request.path === "/control/pools").length;

it("every idle page asks for nothing but its live connection", async () => {
  const first = await newPage();
  const storageState = await first.context().storageState();
  // each in a window of its own: a browser opens six connections to one server
  const pages = [first];
  while (pages.length < PAGES.length) pages.push(await newWindow({ storageState }));
  const asked: string[] = [];
  for (const [index, page] of pages.entries()) {
    await goTo(page, dashboard.url + PAGES[index]);
    await live(page);
    await page.getByRole("status", { name: "loading" }).waitFor({ state: "detached" });
  }
  for (const [index, page] of pages.entries()) page.on("request", (request) => asked.push(`${PAGES[index]}: ${request.url()}`));
  // long enough for whoever polls: the server itself looks at the pools twice meanwhile
  const before = poolReads();
  await expect.poll(() => poolReads(), { timeout: 30_000, interval: 200 }).toBeGreaterThanOrEqual(before + 2);
  expect(asked).toEqual([]);
});

it("what pools are now is pushed: no page asks for it", async () => {
  const page = await newPage();
  await goTo(page, `${dashboard.url}/routes`);
  await live(page);
  const row = page.locator("tr[data-pool=l40s]");
  await row.getByText("7 waiting").waitFor();
  const asked: string[] = [];
  page.on("request", (request) => asked.push(request.url()));
  const was = scheduler.pools as { data: { name: string; queued: number }[] };
  scheduler.pools = { ...was, data: was.data.map((pool) => (pool.name === "l40s" ? { ...pool, queued: 23 } : pool)) };
  await row.getByText("23 waiting").waitFor();
  expect(asked).toEqual([]);
  // one that the page has not is read with what it did
  scheduler.pools = { ...was, data: [...was.data, { ...was.data[0], name: "brand-new" }] };
  await page.locator("tr[data-pool=brand-new]").waitFor();
  scheduler.pools = was;
});

it("many commits are one read", async () => {
  const page = await newPage();
  await goTo(page, `${dashboard.url}/sessions`);
  await live(page);
  let reads = 0;
  page.on("request", (request) => {
    if (request.url().includes("/api/v1/sessions")) reads++;
  });
  const began = Date.now();
  for (let index = 0; index < 40; index++)
    await writeSpans(database.url, makeTurn(`agent:burst:${index}`, `burst-${index}`, Date.now(), 3000 + index));
  await page
    .getByRole("link", { name: /burst-39/ })
    .first()
    .waitFor();
  expect(reads).toBeGreaterThan(0);
  expect(reads).toBeLessThanOrEqual(2 + Math.ceil((Date.now() - began) / 1000));
  expect(reads).toBeLessThan(40);
});

it("pauses while it is hidden, and catches up when it is looked at again", async () => {
  const page = await newPage();
  await goTo(page, `${dashboard.url}/sessions`);
  await live(page);
  const show = (state: "hidden" | "visible") =>
    page.evaluate((visibility) => {
      Object.defineProperty(document, "visibilityState", { configurable: true, get: () => visibility });
      document.dispatchEvent(new Event("visibilitychange"));
    }, state);
  const connections = async () =>
    (await (await fetch(`${dashboard.url}/metrics`)).text()).match(/signalbox_web_live_connections (\d+)/)?.[1];
  await show("hidden");
  await expect.poll(connections).toBe("1");
  const asked: string[] = [];
  page.on("request", (request) => asked.push(request.url()));
  await writeSpans(database.url, makeTurn("agent:unseen:main", "unseen", Date.now(), 4000));
  expect(await page.getByRole("link", { name: /unseen/ }).count()).toBe(0);
  expect(asked).toEqual([]);
  await show("visible");
  await page
    .getByRole("link", { name: /unseen/ })
    .first()
    .waitFor();
});

it("opens a new connection after the machine slept, and reads what it missed", async () => {
  const page = await newPage();
  await page.clock.install();
  await goTo(page, `${dashboard.url}/sessions`);
  await live(page);
  const asked: string[] = [];
  page.on("request", (request) => asked.push(new URL(request.url()).pathname));
  await page.clock.fastForward(3_600_000);
  await expect.poll(() => asked).toContain("/api/v1/live");
  await page.clock.runFor(5_000);
  await expect.poll(() => asked).toContain("/api/v1/sessions");
});

it("each page loads little script, and no schema library", async () => {
  const sizes: Record<string, number> = {};
  for (const path of PAGES) {
    const page = await newPage();
    const scripts = new Map<string, Promise<Buffer>>();
    page.on("response", (response) => {
      if (response.request().resourceType() === "script") scripts.set(response.url(), response.body());
    });
    await goTo(page, dashboard.url + path);
    await live(page);
    const bodies = await Promise.all(scripts.values());
    sizes[path] = Math.round(bodies.reduce((sum, body) => sum + gzipSync(body).length, 0) / 1000);
    expect(bodies.some((body) => body.includes("ZodError"))).toBe(false);
  }
  for (const [path, kilobytes] of Object.entries(sizes)) expect(kilobytes, path).toBeLessThanOrEqual(MAX_SCRIPT_KB);
});
