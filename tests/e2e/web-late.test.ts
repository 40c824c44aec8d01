import type { Page } from "playwright-core";
import type postgres from "postgres";
import { beforeAll, expect, it } from "vitest";
import type { Dashboard } from "../support/dashboard.ts";
import { seed, writeSpans } from "../support/seed.ts";
import { makeTurn } from "../support/seed-fleet.ts";
import { hydrated } from "../support/visits.ts";
import { webStage } from "../support/web-stage.ts";

let sql: postgres.Sql;
let databaseUrl: string;
let dashboard: Dashboard;
const stage = webStage();

beforeAll(async () => {
  const stored = await stage.database();
  sql = stored.sql;
  databaseUrl = stored.database.url;
  await seed(databaseUrl);
  dashboard = await stage.dashboard(stored.database.readerUrl);
});

/** A page, and what it asks the API, while Postgres keeps back what it reads from `table` and `meanwhile` runs. */
async function openWhileHeld(
  { table, path, heading, api }: { table: string; path: string; heading: string; api: string },
  meanwhile: (page: Page, lock: postgres.TransactionSql, asked: readonly string[]) => Promise<void>,
): Promise<{ page: Page; asked: readonly string[] }> {
  const page = await stage.open("/brain");
  const asked: string[] = [];
  page.on("request", (request) => {
    if (request.url().includes(api)) asked.push(request.url());
  });
  await sql.begin(async (lock) => {
    await lock`lock table ${lock(table)} in access exclusive mode`;
    await page.goto(dashboard.url + path, { waitUntil: "commit" });
    await page.getByRole("heading", { name: heading, exact: true }).waitFor();
    await page.getByRole("status", { name: "loading" }).first().waitFor();
    await hydrated(page);
    await meanwhile(page, lock, asked);
  });
  return { page, asked };
}
const TOKENS = { table: "place_hour", path: "/tokens", heading: "Tokens", api: "/api/v1/cost" };
const ALERTS = { table: "alert_events", path: "/alerts", heading: "Alerts", api: "/api/v1/alerts?" };
const MEMORY = { table: "session_memory", path: "/memory", heading: "Memory", api: "/api/v1/memory" };
const rows = (page: Page) => page.getByRole("table").getByRole("row");

/** Ends what the server waits for, and waits until the browser has asked for it. */
async function refuseRead(lock: postgres.TransactionSql, asked: readonly string[]): Promise<void> {
  const waiting = () => lock<{ pid: number }[]>`
    select pid from pg_stat_activity where datname = current_database() and application_name = 'signalbox-web' and wait_event_type = 'Lock'`;
  await expect.poll(async () => (await waiting()).length).toBeGreaterThan(0);
  for (const { pid } of await waiting()) await lock`select pg_cancel_backend(${pid})`;
  await expect.poll(() => asked.length).toBeGreaterThan(0);
}

it("a page is there before what it shows has been read, which follows without being asked for", async () => {
  const { page, asked } = await openWhileHeld(TOKENS, async (held) => expect(await rows(held).count()).toBe(0));
  await rows(page).nth(1).waitFor();
  await page.waitForLoadState("load");
  expect(asked).toEqual([]);
});

it("so it does where the frame of the page was sent before", async () => {
  const { page, asked } = await openWhileHeld(MEMORY, async (held) => expect(await held.getByText("No memory file").count()).toBe(0));
  await page.getByText("No memory file was read or written").waitFor();
  await page.waitForLoadState("load");
  expect(asked).toEqual([]);
});

it("what the server could not read after all the browser asks for", async () => {
  const { page } = await openWhileHeld(TOKENS, (_, lock, asked) => refuseRead(lock, asked));
  await rows(page).nth(1).waitFor();
});

it("so it does with lists that come by the page, and until then says nothing of what may be wrong", async () => {
  const { page } = await openWhileHeld(ALERTS, async (held, lock, asked) => {
    await refuseRead(lock, asked);
    expect(await held.getByText("This page failed").count()).toBe(0);
  });
  await page.getByText("No rule has fired.").waitFor();
});

it("of a long table the server draws the first rows, and the browser all of them", async () => {
  const agents = Array.from({ length: 45 }, (_, number) => `agent:many:${number}`);
  await writeSpans(
    databaseUrl,
    agents.flatMap((id, number) => makeTurn(id, id, Date.now() - number * 1_000, 700 + number)),
  );
  const page = await stage.open("/tokens?range=24h&group=agent");
  await expect
    .poll(async () => (await rows(page).allInnerTexts()).filter((text) => text.includes("agent:many:")).length)
    .toBe(agents.length);
});

it("React notes the first frame under the name that pages which send theirs first keep it from", async () => {
  await openWhileHeld(MEMORY, async (held) => expect(await held.content()).toContain("$RT=performance.now()"));
});
