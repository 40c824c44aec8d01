/** What-if in a real browser: the demo fleet's decisions, a real scheduler, its simulator. */

import { mkdtemp, rm } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import axe from "axe-core";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, expect, it } from "vitest";
import { type Scheduler, startScheduler } from "../../scheduler/src/app.ts";
import { parseConfig } from "../../scheduler/src/config.ts";
import { createLog } from "../../scheduler/src/log.ts";
import { launchChromium } from "../support/chromium.ts";
import { type Dashboard, startDashboard } from "../support/dashboard.ts";
import { createDatabase, type TestDatabase } from "../support/postgres.ts";
import { seed } from "../support/seed.ts";
import { goTo } from "../support/visits.ts";

const TOKEN = "what-if-token";
const POLICY = `
pools:
  - { name: small, silicon: cpu, engine: openai-compatible, base_url: "http://127.0.0.1:9/v1", models: [{ id: m, tier: 3 }], slots: 4, hourly_usd: 1, rates: { prefill_tokens_per_second: 2000, decode_tokens_per_second: 40 } }
`;
/** What a browser says of a change that was refused: this test asks for one. */
const REFUSED = /responded with a status of 400/;

let database: TestDatabase;
let scheduler: Scheduler;
let dashboard: Dashboard;
let browser: Browser;
let home: string;
const complaints: string[] = [];

beforeAll(async () => {
  database = await createDatabase();
  await seed(database.url);
  home = await mkdtemp(path.join(os.tmpdir(), "signalbox-what-if-web-"));
  scheduler = await startScheduler({
    config: parseConfig(POLICY, "policy.yaml", {}),
    home,
    token: TOKEN,
    databaseUrl: database.url,
    log: createLog(() => {}),
  });
  dashboard = await startDashboard(database.readerUrl, { schedulerUrl: scheduler.url, token: TOKEN });
  browser = await launchChromium();
});
afterAll(async () => {
  await browser?.close();
  await dashboard?.stop();
  await scheduler?.close();
  await database?.drop();
  await rm(home, { recursive: true, force: true });
});

async function open(): Promise<Page> {
  const page = await browser.newPage({ viewport: { width: 1440, height: 900 } });
  page.on("console", (message) => {
    if (message.type() === "error" && !REFUSED.test(message.text())) complaints.push(message.text());
  });
  page.on("pageerror", (error) => complaints.push(String(error)));
  await page.goto(dashboard.loginLink());
  await page.waitForURL(`${dashboard.url}/`);
  await goTo(page, `${dashboard.url}/routes`);
  await page.getByRole("link", { name: "What if…" }).click();
  await page.getByRole("heading", { name: "What if" }).waitFor();
  return page;
}

it("plays stored decisions through an edited policy, compares, and says where a policy is wrong", async () => {
  const page = await open();
  const policy = page.getByRole("textbox", { name: "policy, as YAML" });
  const inForce = await policy.inputValue();
  expect(inForce).toContain("hourly_usd: 1");

  await policy.fill(inForce.replace("slots: 4", "slots: many"));
  await page.getByRole("button", { name: "Play both policies" }).click();
  await page.getByText(/policy:\d+:\d+: pools\[0\]\.slots/).waitFor();

  await policy.fill(inForce.replace("hourly_usd: 1", "hourly_usd: 3"));
  await page.getByRole("button", { name: "Play both policies" }).click();
  await page.getByText("decisions: the edited policy costs").waitFor();
  const row = page.getByRole("row", { name: /Cost, used hours and tokens/ });
  await expect.poll(() => row.innerText()).toContain("+200.0 %");
  // every class twice, each with its range
  const marks = await page.locator("[data-attainment]").count();
  expect(marks).toBeGreaterThan(0);
  expect(marks % 2).toBe(0);
  await page.getByRole("button", { name: "Back to the policy in force" }).click();
  await expect.poll(() => policy.inputValue()).toBe(inForce);

  await page.evaluate(axe.source);
  const found = await page.evaluate(async () => (await Reflect.get(window, "axe").run()).violations as axe.Result[]);
  expect(
    found.filter(({ impact }) => impact === "serious" || impact === "critical").map(({ id, nodes }) => `${id}: ${nodes[0]?.html}`),
  ).toEqual([]);

  const screenshots = process.env.SIGNALBOX_SCREENSHOTS;
  if (screenshots) await page.screenshot({ path: path.join(screenshots, "what-if.png"), fullPage: true });
  await page.setViewportSize({ width: 390, height: 844 });
  await expect.poll(() => page.evaluate(() => document.documentElement.scrollWidth <= window.innerWidth)).toBe(true);
  expect(complaints).toEqual([]);
});
