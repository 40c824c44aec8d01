import { beforeAll, describe, expect, it } from "vitest";
import { MemoryFilePage, MemoryPage } from "../../web/src/api/memory.ts";
import { type Dashboard, startDashboard } from "../support/dashboard.ts";
import type { TestDatabase } from "../support/postgres.ts";
import { seed } from "../support/seed.ts";
import { RUNAWAY_SESSION } from "../support/seed-fleet.ts";
import { seedMemory, TRAVEL_FILE, travelMemory } from "../support/seed-memory.ts";
import { goTo, violations } from "../support/visits.ts";
import { webStage } from "../support/web-stage.ts";

const HOSTILE = `<img src=x onerror="window.hacked=1">`;

let database: TestDatabase;
let dashboard: Dashboard;
/** A session of another agent than the runaway's. */
let writer: string;
let ids: string[];
const stage = webStage();

beforeAll(async () => {
  const stored = await stage.database();
  const { sql } = stored;
  database = stored.database;
  await seed(database.url);
  const [other] = await sql<{ session_id: string }[]>`select session_id from sessions
    where agent_name <> (select agent_name from sessions where session_id = ${RUNAWAY_SESSION}) and channel is not null order by session_id limit 1`;
  writer = other?.session_id ?? "";
  dashboard = await stage.dashboard(database.readerUrl);
});

const { open } = stage;
const get = async (path: string) => {
  const response = await fetch(dashboard.url + path, { headers: { authorization: `Bearer ${dashboard.token}` } });
  expect(response.status, path).toBe(200);
  return response.json();
};

it("without memory the page says what would be here", async () => {
  const page = await open("/memory");
  await page.getByText("No memory file was read or written").waitFor();
  expect(await violations(page)).toEqual([]);
  await goTo(page, `${dashboard.url}/sessions/${encodeURIComponent(RUNAWAY_SESSION)}?view=memory`);
  await page.getByText("No memory file was read or written").waitFor();
});

describe("with memory", () => {
  beforeAll(async () => {
    ids = await seedMemory(database.url, travelMemory(writer));
  });

  it("the API: a relative path is a file of its own in each workspace, and a read names the write before it", async () => {
    const files = MemoryFilePage.parse(await get("/api/v1/memory/files"));
    expect(files.data.map(({ path, reads, writes, sessions }) => [path, reads, writes, sessions])).toEqual([
      [TRAVEL_FILE, 2, 1, 2],
      ["MEMORY.md", 1, 0, 1],
      ["MEMORY.md", 0, 1, 1],
    ]);
    expect(new Set(files.data.map(({ owner }) => owner)).size).toBe(3);
    expect(MemoryFilePage.parse(await get("/api/v1/memory/files?q=TRAVEL")).data).toHaveLength(1);
    const { data } = MemoryPage.parse(await get(`/api/v1/memory?path=${TRAVEL_FILE}`));
    expect(data.map(({ span_id, written_by }) => [span_id, written_by?.span_id ?? null])).toEqual([
      [ids[2], ids[1]],
      [ids[1], null],
      [ids[0], null],
    ]);
    const own = MemoryPage.parse(await get(`/api/v1/memory?session=${encodeURIComponent(RUNAWAY_SESSION)}&path=MEMORY.md`));
    expect(own.data.map(({ written_by }) => written_by)).toEqual([null]);
    expect(MemoryPage.parse(await get("/api/v1/memory?until=2001-01-01T00:00:00Z")).data).toEqual([]);
  });

  it("shows the file written last first, though another was touched later, with the reads before and after its writes", async () => {
    const page = await open("/memory");
    const history = page.getByRole("region", { name: "history of the file" });
    await history.getByRole("heading", { name: /MEMORY\.md/ }).waitFor();
    await history.getByText("Three lines at most.").waitFor();
    const first = page.getByRole("list", { name: "memory files" }).getByRole("listitem").first();
    await expect.poll(() => first.textContent()).toContain("travel.md");
  });

  it("from a file to the turns that wrote and read it, and back from a turn", async () => {
    const page = await open("/memory");
    const files = page.getByRole("list", { name: "memory files" });
    await files.getByRole("link", { name: /travel\.md/ }).click();
    await page.waitForURL(/path=/);
    const versions = page.getByRole("list", { name: "versions" }).locator(":scope > li");
    await expect.poll(() => versions.count()).toBe(2);
    await versions.first().getByText("Compare everything.").waitFor();
    await expect.poll(() => versions.first().getByRole("list", { name: "read by" }).getByRole("listitem").count()).toBe(1);
    await versions.last().getByText("As it was before the first write that was seen").waitFor();
    expect(await violations(page)).toEqual([]);

    await versions.first().getByRole("list", { name: "read by" }).getByRole("link").click();
    await page.waitForURL(/span=/);
    expect(page.url()).toContain(ids[2]);
    const drawer = page.getByRole("complementary", { name: "span" });
    const before = drawer.getByRole("list", { name: "memory by the end of this step" });
    await before.getByText(/last written by another session/).click();
    await page.waitForURL(/\/memory/);
    expect(page.url()).toContain(`at=${ids[1]}`);
    await page.locator(`[data-access="${ids[1]}"]`).getByText("Compare everything.").waitFor();
  });

  it("a session shows what it read and wrote, and the drawer of a call what was known by then", async () => {
    const page = await open(`/sessions/${encodeURIComponent(RUNAWAY_SESSION)}?view=memory`);
    const list = page.getByRole("list", { name: "memory of the session" });
    await expect.poll(() => list.getByRole("listitem").count()).toBe(3);
    await list.getByText(/last written by another session/).waitFor();
    expect(await violations(page)).toEqual([]);
  });

  it("what agents wrote stays text, and nothing is wider than a phone", async () => {
    await seedMemory(database.url, [
      { session: writer, path: `/tmp/${HOSTILE}`, operation: "write", diff: `+ ${HOSTILE}\u202e`, minutesAgo: 1 },
    ]);
    const page = await open(`/memory?path=${encodeURIComponent(`/tmp/${HOSTILE}`)}&project=default`, {
      viewport: { width: 390, height: 844 },
    });
    await page.getByText("U+202E").waitFor();
    expect(await page.evaluate("window.hacked")).toBeUndefined();
    expect(await page.evaluate("document.images.length")).toBe(0);
    await expect.poll(() => page.evaluate("document.documentElement.scrollWidth")).toBe(390);
    await page.getByRole("link", { name: "All files" }).click();
    await page.getByRole("list", { name: "memory files" }).waitFor();
    await expect.poll(() => page.evaluate("document.documentElement.scrollWidth")).toBe(390);
  });

  it("while Postgres is away the page says so", async () => {
    const away = await startDashboard("postgres://nobody@127.0.0.1:9/none");
    try {
      const response = await fetch(`${away.url}/api/v1/memory/files`, { headers: { authorization: `Bearer ${away.token}` } });
      expect(response.status).toBe(503);
      expect(await response.json()).toMatchObject({ error: { code: "database_unavailable" } });
    } finally {
      await away.stop();
    }
  });
});

it("j and k go through the rows of a page, and Enter opens one", async () => {
  const page = await open("/memory");
  const focused = () => page.evaluate("document.activeElement.closest('[data-row]')?.textContent ?? ''") as Promise<string>;
  await page.getByRole("list", { name: "memory files" }).waitFor();
  await page.keyboard.press("j");
  const first = await focused();
  await page.keyboard.press("j");
  expect(await focused()).not.toBe(first);
  await page.keyboard.press("k");
  await expect.poll(() => focused()).toBe(first);
  await page.keyboard.press("Enter");
  await page.waitForURL(/path=/);
});
