import type { Browser, BrowserContext, Page } from "playwright-core";
import postgres from "postgres";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { launchChromium } from "../support/chromium.ts";
import { type Cable, type Dashboard, layCable, startDashboard } from "../support/dashboard.ts";
import { createDatabase, type TestDatabase } from "../support/postgres.ts";
import { seed, writeSpans } from "../support/seed.ts";
import { makeTurn, RUNAWAY_SESSION } from "../support/seed-fleet.ts";
import { goTo, violations } from "../support/visits.ts";
import { wholeHour } from "../support/whole-hour.ts";

const SESSION = `/sessions/${encodeURIComponent(RUNAWAY_SESSION)}`;
const PAGES = [
  "/",
  "/tokens",
  "/tokens?group=route&chart=lines&range=7d",
  "/sessions",
  SESSION,
  `${SESSION}?view=agents`,
  `${SESSION}?view=decisions`,
  "/brain",
  "/brain?errors=true",
  "/routes?open=l40s",
  `/agents?open=${encodeURIComponent(RUNAWAY_SESSION)}`,
  "/explain",
  "/explain?by=tree",
  "/explain?by=tool&range=7d",
  "/alerts",
];

let database: TestDatabase;
let cable: Cable;
let dashboard: Dashboard;
let sql: postgres.Sql;
let browser: Browser;
const contexts: BrowserContext[] = [];
const complaints: string[] = [];

beforeAll(async () => {
  database = await createDatabase();
  await seed(database.url);
  sql = postgres(database.url, { max: 1, onnotice: () => {}, connection: { search_path: "signalbox" } });
  cable = await layCable(database.readerUrl);
  dashboard = await startDashboard(cable.url);
  browser = await launchChromium();
});
afterAll(async () => {
  await browser?.close();
  await dashboard?.stop();
  await cable?.cut();
  await sql?.end();
  await database?.drop();
});
afterEach(async () => {
  for (const context of contexts.splice(0)) await context.close();
});

/** A browser window, logged in by a link of its own. What its console complains of is kept. */
async function open(of: Dashboard = dashboard, options: Parameters<Browser["newContext"]>[0] = {}): Promise<Page> {
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, ...options });
  contexts.push(context);
  const page = await context.newPage();
  page.on("console", (message) => message.type() === "error" && complaints.push(`${page.url()}: ${message.text()}`));
  page.on("pageerror", (error) => complaints.push(`${page.url()}: ${error}`));
  await page.goto(of.loginLink());
  await page.waitForURL(`${of.url}/`);
  return page;
}
const go = (page: Page, path: string) => goTo(page, dashboard.url + path);
/** Waits until the page's live connection stands: only then does it hear of changes. */
const live = (page: Page) =>
  page
    .getByRole("status", { name: "" })
    .filter({ hasText: /^Live$/ })
    .first()
    .waitFor();

describe("login", () => {
  it("takes a link once: it is gone from the address, and useless the second time", async () => {
    const link = dashboard.loginLink();
    const page = await (await browser.newContext()).newPage();
    contexts.push(page.context());
    await page.goto(`${dashboard.url}/sessions`);
    expect(page.url()).toBe(`${dashboard.url}/login`);
    await page.getByText("npx signalbox up").waitFor();
    await page.goto(link);
    await page.getByRole("heading", { name: "Overview" }).waitFor();
    expect(page.url()).toBe(`${dashboard.url}/`);
    const [cookie] = (await page.context().cookies()).filter((one) => one.name.startsWith("signalbox_login"));
    expect(cookie).toMatchObject({ httpOnly: true, sameSite: "Strict" });

    const other = await (await browser.newContext()).newPage();
    contexts.push(other.context());
    await other.goto(link);
    await other.getByText("That link has been used").waitFor();
    await other.goto(`${dashboard.url}/`);
    expect(other.url()).toContain("/login");
  });

  it("is answered by the dashboard itself: nothing asks whoever is at localhost", async () => {
    const response = await fetch(dashboard.loginLink(), { redirect: "manual" });
    expect([response.status, response.headers.get("location")]).toEqual([303, "/"]);
    expect(response.headers.get("x-middleware-rewrite")).toBeNull();
    expect(response.headers.get("set-cookie")).toMatch(/; Path=\/; HttpOnly; SameSite=Strict/);
  });

  it("ends with signing out", async () => {
    const page = await open();
    await page.getByRole("button", { name: "Sign out" }).click();
    await page.getByText("You are signed out").waitFor();
    await page.goto(`${dashboard.url}/`);
    expect(page.url()).toContain("/login");
  });

  it("works from a link on another site too", async () => {
    const page = await (await browser.newContext()).newPage();
    contexts.push(page.context());
    await page.route("http://mail.example/", (route) =>
      route.fulfill({ contentType: "text/html", body: `<a href="${dashboard.loginLink()}">open</a>` }),
    );
    await page.goto("http://mail.example/");
    await page.getByText("open").click();
    await page.getByRole("heading", { name: "Overview" }).waitFor();
  });
});

it("pages carry a strict policy, with a nonce of their own", async () => {
  const page = await open();
  const policies = await Promise.all([1, 2].map(async () => (await page.request.get(dashboard.url)).headers()));
  const [first, second] = policies.map((headers) => headers["content-security-policy"] ?? "");
  expect(first).not.toBe(second);
  expect(first?.match(/script-src [^;]*/)?.[0]).toMatch(/^script-src 'self' 'nonce-[^']+' 'strict-dynamic'$/);
  expect(first).toContain("frame-ancestors 'none'");
  expect(policies[0]).toMatchObject({ "x-frame-options": "DENY", "x-content-type-options": "nosniff" });
});

describe("numbers on the page are those in the database", () => {
  beforeEach(() => wholeHour());
  const amountOf = (page: Page, label: string) => page.getByRole("group", { name: label }).locator("data").first().getAttribute("value");

  it("overview: what today cost, and what was saved", async () => {
    const page = await open(dashboard, { timezoneId: "UTC" });
    await go(page, "/");
    const [stored] = await sql<{ cost: string; saved: string }[]>`
      select coalesce(sum(cost_nusd), 0) as cost, sum(baseline_nusd - cost_nusd) filter (where baseline_nusd > 0 and unknown_cost_calls = 0) as saved
      from route_hour where hour >= date_trunc('day', now(), 'UTC')`;
    await expect.poll(() => amountOf(page, "Cost today")).toBe(stored?.cost);
    // just after midnight there may be nothing to compare yet
    if (stored?.saved) expect(await amountOf(page, "Saved against one vendor")).toBe(stored.saved);
    await page.getByText("scout spawned 17 sub-agents within a minute").waitFor();
    await page.getByText("No price is known for mystery-large").waitFor();
  });

  it("tokens: the same model on two pools is two lines, each with its cost", async () => {
    const page = await open();
    await go(page, "/tokens?chart=lines");
    const stored = await sql<{ pool: string; cost: string }[]>`
      select pool, sum(cost_nusd) as cost from route_hour where model = 'qwen3-8b' and hour >= date_trunc('hour', now() - interval '24 hours') group by pool`;
    expect(stored).toHaveLength(2);
    for (const { pool, cost } of stored) {
      await expect
        .poll(() => page.locator("polyline").evaluateAll((lines) => lines.map((line) => line.getAttribute("data-series"))))
        .toContain(`qwen3-8b\n${pool}`);
      const row = page.getByRole("row").filter({ hasText: "qwen3-8b" }).filter({ hasText: pool });
      await expect.poll(() => row.locator("data").first().getAttribute("value")).toBe(cost);
    }
    await expect
      .poll(() => page.getByRole("row").filter({ hasText: "mystery-large" }).locator("data").first().textContent())
      .toBe("unknown");
  });

  it("tokens: grouping and range are in the address, and survive a reload", async () => {
    const page = await open();
    await go(page, "/tokens");
    await page.getByRole("radio", { name: "Route" }).click();
    await page.getByRole("radio", { name: "7 d" }).click();
    await page.waitForURL(/group=route/);
    await page.waitForURL(/range=7d/);
    await page.reload();
    await page.getByRole("row").filter({ hasText: "heartbeats-to-cpu" }).waitFor();
    await expect.poll(() => page.getByRole("radio", { name: "7 d" }).getAttribute("aria-checked")).toBe("true");
  });

  it("sessions: every one is there, search finds, and a click opens", async () => {
    const page = await open();
    await go(page, "/sessions");
    const [{ count } = { count: 0 }] = await sql<{ count: number }[]>`select count(*)::int as count from sessions`;
    await page.getByText(`${count} shown`).waitFor();
    await page.getByRole("searchbox").fill("thread:77");
    await page.getByText("1 shown").waitFor();
    await page.waitForURL(/q=thread/);
    await page.getByRole("link", { name: /scout/ }).first().click();
    await page.getByRole("heading", { name: "scout" }).waitFor();
    expect(page.url()).toContain(encodeURIComponent(RUNAWAY_SESSION));
  });

  it("session: a tree of 18 with a cost on each leaf, which add up", async () => {
    const page = await open();
    await go(page, `${SESSION}?view=agents`);
    const rows = page.locator("tr[data-agent]");
    await rows.nth(17).waitFor();
    await expect.poll(() => rows.count()).toBe(18);
    const own = await rows.evaluateAll((all) => all.map((row) => row.querySelector("data")?.value ?? "none"));
    const [{ cost } = { cost: "" }] = await sql<
      { cost: string }[]
    >`select sum(cost_nusd) as cost from spans where is_call and session_id = ${RUNAWAY_SESSION}`;
    expect(own.every((value) => BigInt(value) > 0n)).toBe(true);
    expect(String(own.reduce((sum, value) => sum + BigInt(value), 0n))).toBe(cost);
    await expect.poll(() => rows.first().locator("data").last().getAttribute("value")).toBe(cost);
  });
});

describe("session", () => {
  it("shows queue, prefill and decode, and a span's every attribute in a drawer that keys can reach", async () => {
    const page = await open();
    await go(page, SESSION);
    const grid = page.getByRole("treegrid");
    for (const segment of ["queue", "prefill", "decode"])
      await grid.locator(`[role=row] [title*="${segment} "][style*="linear-gradient"]`).first().waitFor({ state: "attached" });
    await grid.focus();
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("Enter");
    const drawer = page.getByRole("complementary", { name: "span" });
    await drawer.getByText("Why this pool").waitFor();
    await drawer.getByText("Chosen").waitFor();
    await drawer.getByText("signalbox.cost.baseline_model").waitFor();
    expect(page.url()).toMatch(/span=[0-9a-f]{16}/);
    await page.keyboard.press("Escape");
    await drawer.waitFor({ state: "detached" });
    // the focus is back where it was: the arrow opens the folded call
    const before = Number(await grid.getAttribute("aria-rowcount"));
    await page.keyboard.press("ArrowRight");
    await expect.poll(async () => Number(await grid.getAttribute("aria-rowcount"))).toBe(before + 1);
  });

  it("explains each decision with its candidates and rejections", async () => {
    const page = await open();
    await go(page, `${SESSION}?view=decisions`);
    await page.getByRole("button", { expanded: false }).filter({ hasText: "cheapest of" }).first().click();
    const list = page.getByRole("list", { name: "candidates" });
    await list.waitFor();
    await expect.poll(() => list.getByRole("listitem").count()).toBe(4);
    await list.getByText("Chosen").waitFor();
    await list
      .getByText(/^Rejected: /)
      .first()
      .waitFor();
  });

  it("draws only what is in sight of thousands of spans", async () => {
    const id = "agent:marathon:main";
    await writeSpans(
      database.url,
      Array.from({ length: 400 }, (_, index) => makeTurn(id, "marathon", Date.now() - index * 60_000, 1000 + index)).flat(),
    );
    const page = await open();
    await go(page, `/sessions/${encodeURIComponent(id)}`);
    const grid = page.getByRole("treegrid");
    await expect.poll(async () => Number(await grid.getAttribute("aria-rowcount"))).toBeGreaterThan(700);
    await expect.poll(() => grid.getByRole("row").count()).toBeLessThan(120);
    await grid.focus();
    await page.keyboard.press("End");
    await expect.poll(() => page.evaluate(() => window.scrollY)).toBeGreaterThan(5000);
  });

  it("that does not exist says so", async () => {
    const page = await open();
    await goTo(page, `${dashboard.url}/sessions/nobody`);
    await page.getByText("There is no such session").waitFor();
    complaints.splice(0, complaints.length, ...complaints.filter((complaint) => !complaint.includes("404")));
  });
});

describe("live", () => {
  it("shows new spans without a reload, over one connection", async () => {
    const page = await open();
    await go(page, "/sessions");
    await live(page);
    await page.evaluate(() => Object.assign(window, { isSamePage: true }));
    const id = `agent:latecomer:${Date.now()}`;
    await writeSpans(database.url, makeTurn(id, "latecomer", Date.now(), 77));
    await page
      .getByRole("link", { name: /latecomer/ })
      .first()
      .waitFor();

    await page
      .getByRole("link", { name: /latecomer/ })
      .first()
      .click();
    await page.getByRole("heading", { name: "latecomer" }).waitFor();
    await expect.poll(async () => page.getByRole("treegrid").getAttribute("aria-rowcount")).toBe("2");
    await writeSpans(database.url, makeTurn(id, "latecomer", Date.now(), 78));
    await expect.poll(async () => page.getByRole("treegrid").getAttribute("aria-rowcount")).toBe("4");
    expect(await page.evaluate(() => "isSamePage" in window)).toBe(true);
    const metrics = await (await fetch(`${dashboard.url}/metrics`)).text();
    expect(metrics).toMatch(/signalbox_web_live_connections 1$/m);
  });
});

describe("Postgres down", () => {
  it("every page says so in one line, keeps what it had, and recovers by itself", async () => {
    const pages = await Promise.all([open(), open(), open()]);
    const [kept, fresh, session] = pages as [Page, Page, Page];
    await go(kept, "/sessions");
    await live(kept);
    const mark = complaints.length;
    await cable.cut();
    try {
      await kept.getByText("No database").first().waitFor();
      await expect.poll(() => kept.getByRole("link", { name: /scout/ }).count()).toBeGreaterThan(0);
      for (const [page, path] of [
        [fresh, "/"],
        [session, "/brain"],
        [session, "/routes"],
        [session, "/agents"],
        [session, "/explain"],
        [session, SESSION],
      ] as const) {
        await goTo(page, dashboard.url + path);
        await page.getByText("Postgres is not reachable").first().waitFor();
      }
      expect((await fetch(`${dashboard.url}/readyz`)).status).toBe(503);
      expect((await fetch(`${dashboard.url}/healthz`)).status).toBe(200);
      const answer = await fetch(`${dashboard.url}/api/v1/sessions`, { headers: { authorization: `Bearer ${dashboard.token}` } });
      expect(answer.status).toBe(503);
      expect(await answer.json()).toMatchObject({ error: { code: "database_unavailable" } });
    } finally {
      await cable.mend();
    }
    await kept
      .getByText(/^Live$/)
      .first()
      .waitFor();
    await fresh.getByText("Cost today by route").waitFor();
    await expect.poll(() => fresh.locator("data").count()).toBeGreaterThan(5);
    await session.getByRole("treegrid").waitFor();
    await expect.poll(() => session.getByText("Postgres is not reachable").count()).toBe(0);
    // Chromium reports each 503 in the console by itself; nothing else may be there
    const during = complaints.splice(mark);
    expect(during.filter((complaint) => !complaint.includes("503"))).toEqual([]);
  });
});

describe("empty", () => {
  it("every page says what to do first", async () => {
    const empty = await createDatabase();
    const bare = await startDashboard(empty.readerUrl);
    try {
      const page = await open(bare);
      for (const path of ["/", "/tokens", "/sessions", "/brain", "/agents", "/explain", "/routes"]) {
        await goTo(page, bare.url + path);
        if (path !== "/routes") await page.getByText("npx signalbox register openclaw").waitFor();
        await page.getByText("npx signalbox demo").waitFor();
      }
      await page.close();
    } finally {
      await bare.stop();
      await empty.drop();
    }
  });
});

describe("accessible", () => {
  describe.each(["light", "dark"] as const)("axe finds nothing serious, %s", (colorScheme) => {
    it.each(PAGES)("%s", async (path) => {
      const page = await open(dashboard, { colorScheme });
      await go(page, path);
      // charts draw once they know their size
      await page.waitForTimeout(300);
      if (path === SESSION) await page.getByRole("treegrid").getByRole("row").nth(1).click();
      expect(await violations(page)).toEqual([]);
    });

    it("/login", async () => {
      const page = await (await browser.newContext({ colorScheme })).newPage();
      contexts.push(page.context());
      await page.goto(`${dashboard.url}/login`);
      expect(await violations(page)).toEqual([]);
    });
  });

  it("a phone shows every page without scrolling sideways", async () => {
    const page = await open(dashboard, { viewport: { width: 390, height: 844 } });
    for (const path of PAGES) {
      await go(page, path);
      await expect
        .poll(() => page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth), { message: path })
        .toBeLessThanOrEqual(0);
    }
  });
});

it("nothing on any page complained in the console", () => expect(complaints).toEqual([]));
