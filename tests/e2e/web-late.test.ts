import type { Page } from "playwright-core";
import type postgres from "postgres";
import { beforeAll, expect, it } from "vitest";
import type { Dashboard } from "../support/dashboard.ts";
import { seed } from "../support/seed.ts";
import { hydrated } from "../support/visits.ts";
import { webStage } from "../support/web-stage.ts";

let sql: postgres.Sql;
let dashboard: Dashboard;
const stage = webStage();

beforeAll(async () => {
  const stored = await stage.database();
  sql = stored.sql;
  await seed(stored.database.url);
  dashboard = await stage.dashboard(stored.database.readerUrl);
});

/** The Tokens page, and what it asks the API about cost, while Postgres keeps the answer back and `meanwhile` runs. */
async function openWhileHeld(
  meanwhile: (page: Page, lock: postgres.TransactionSql, asked: readonly string[]) => Promise<void>,
): Promise<{ page: Page; asked: readonly string[] }> {
  const page = await stage.open("/brain");
  const asked: string[] = [];
  page.on("request", (request) => {
    if (request.url().includes("/api/v1/cost")) asked.push(request.url());
  });
  await sql.begin(async (lock) => {
    await lock`lock table place_hour in access exclusive mode`;
    await page.goto(`${dashboard.url}/tokens`, { waitUntil: "commit" });
    await page.getByRole("heading", { name: "Tokens" }).waitFor();
    await page.getByRole("status", { name: "loading" }).first().waitFor();
    await hydrated(page);
    await meanwhile(page, lock, asked);
  });
  return { page, asked };
}
const rows = (page: Page) => page.getByRole("table").getByRole("row");

it("a page is there before what it shows has been read, which follows without being asked for", async () => {
  const { page, asked } = await openWhileHeld(async (held) => expect(await rows(held).count()).toBe(0));
  await rows(page).nth(1).waitFor();
  await page.waitForLoadState("load");
  expect(asked).toEqual([]);
});

it("what the server could not read after all the browser asks for", async () => {
  const { page } = await openWhileHeld(async (_, lock, asked) => {
    const waiting = () => lock<{ pid: number }[]>`
      select pid from pg_stat_activity where datname = current_database() and application_name = 'signalbox-web' and wait_event_type = 'Lock'`;
    await expect.poll(async () => (await waiting()).length).toBeGreaterThan(0);
    for (const { pid } of await waiting()) await lock`select pg_cancel_backend(${pid})`;
    await expect.poll(() => asked.length).toBeGreaterThan(0);
  });
  await rows(page).nth(1).waitFor();
});
