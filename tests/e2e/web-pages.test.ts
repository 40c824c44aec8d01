import type { Page } from "playwright-core";
import type postgres from "postgres";
import { beforeAll, describe, expect, it } from "vitest";
import { formatMoney } from "../../web/src/model/money.ts";
import { formatShare } from "../../web/src/model/numbers.ts";
import { type ControlServer, startControlServer } from "../support/control-server.ts";
import { type Dashboard, startDashboard } from "../support/dashboard.ts";
import type { TestDatabase } from "../support/postgres.ts";
import { seed, writeSpans } from "../support/seed.ts";
import { makeTurn, RUNAWAY_SESSION, RUNAWAY_SUB_AGENTS } from "../support/seed-fleet.ts";
import { seedMemory } from "../support/seed-memory.ts";
import { goTo } from "../support/visits.ts";
import { webStage } from "../support/web-stage.ts";

const TOKEN = "the-admin-token-of-this-test";
const SESSION = `/sessions/${encodeURIComponent(RUNAWAY_SESSION)}`;
const HOSTILE = `<img src=x onerror="window.hacked=1">'"\u202e{{7*7}}`;

let database: TestDatabase;
let scheduler: ControlServer;
let dashboard: Dashboard;
let sql: postgres.Sql;
const stage = webStage();

beforeAll(async () => {
  ({ database, sql } = await stage.database());
  await seed(database.url);
  scheduler = stage.keep(await startControlServer({ token: TOKEN }));
  dashboard = await stage.dashboard(database.readerUrl, { schedulerUrl: scheduler.url, token: TOKEN });
});

const { open } = stage;
const live = (page: Page) =>
  page
    .getByText(/^Live$/)
    .filter({ visible: true })
    .first()
    .waitFor();
/** What the scheduler was told to do; beside it the server looks at its pools every few seconds. */
const commands = () => scheduler.requests.filter((request) => request.method === "POST");
const one = async <T>(rows: Promise<readonly T[]>): Promise<T> => (await rows)[0] as T;

describe("kill", () => {
  it("K asks with what will die, and shows the receipt that the scheduler gave", async () => {
    const now = Date.now();
    await writeSpans(database.url, makeTurn("agent:spender:main", "spender", now - 2_000, 301));
    const page = await open(`/sessions/${encodeURIComponent("agent:spender:main")}`);
    await page.keyboard.press("k");
    const dialog = page.getByRole("dialog");
    const facts = dialog.getByLabel("what will stop");
    await facts.getByText("the root alone; 1 seen").waitFor();
    const { cost } = await one(sql<
      { cost: string }[]
    >`select sum(cost_nusd) as cost from spans where is_call and session_id = 'agent:spender:main'
      and start_time + duration_ns / 1000 * interval '1 microsecond' > now() - interval '60 seconds'`);
    await expect.poll(() => facts.locator("data").getAttribute("value")).toBe(cost);
    await expect.poll(() => facts.textContent()).toContain("Calls in flight3");
    // Enter by mistake stops nothing
    await expect.poll(() => page.evaluate(() => document.activeElement?.textContent)).toBe("Cancel");

    await dialog.getByRole("textbox").fill("spends too much");
    await dialog.getByRole("button", { name: "Kill session" }).click();
    const receipt = dialog.getByLabel("receipt", { exact: true });
    await receipt.waitFor();
    await expect
      .poll(() => receipt.textContent())
      .toBe(
        "Upstream connections closed3Slots freed3Agents that acknowledged1Not confirmed1openclaw-desk did not acknowledge within 2000 ms",
      );
    await dialog.getByText("and 17 sub-agents").waitFor();
    expect(commands().at(-1)).toEqual({
      method: "POST",
      path: `/control/sessions/${encodeURIComponent("agent:spender:main")}/kill`,
      authorization: `Bearer ${TOKEN}`,
      body: { reason: "spends too much" },
    });
    await page.keyboard.press("Escape");
    await dialog.waitFor({ state: "detached" });
  });

  it("a stopped session says so at once, and offers what is left to do", async () => {
    const page = await open(SESSION);
    await live(page);
    await sql`insert into session_controls values (${RUNAWAY_SESSION}, 'killed', 'over budget', 'budget', now())`;
    await sql`select pg_notify('signalbox_control', ${JSON.stringify({ session: RUNAWAY_SESSION, state: "killed" })})`;
    await page.getByTitle("killed by its budget: over budget").waitFor();
    await expect
      .poll(() => page.getByRole("button", { name: "Kill", exact: false }).first().getAttribute("title"))
      .toContain("killed already");
    await page.getByRole("button", { name: "Resume" }).click();
    await page.getByRole("button", { name: "Resume session" }).click();
    await page.getByText("Resumed").waitFor();
    expect(commands().at(-1)?.path).toMatch(/\/resume$/);
    await sql`delete from session_controls`;
  });

  it("a scheduler that is away is said in words, and the button does nothing", async () => {
    const alone = await startDashboard(database.readerUrl);
    try {
      const page = await open(SESSION, { of: alone });
      await page.keyboard.press("k");
      await page.getByText("The scheduler is not answering: http://127.0.0.1:9").waitFor();
      const button = page.getByRole("button", { name: "Kill session" });
      await expect.poll(() => button.getAttribute("aria-disabled")).toBe("true");
      await button.click({ force: true });
      await page.waitForTimeout(200);
      expect(await page.getByLabel("receipt", { exact: true }).count()).toBe(0);
      await page.close();
      const answer = await fetch(`${alone.url}/api/v1${SESSION}/kill`, {
        method: "POST",
        headers: { authorization: `Bearer ${alone.token}`, "content-type": "application/json" },
        body: "{}",
      });
      expect(answer.status).toBe(503);
      expect(await answer.json()).toMatchObject({ error: { code: "scheduler_unavailable" } });
    } finally {
      await alone.stop();
    }
  });

  it("works while Postgres is away, and says what it cannot know", async () => {
    const blind = await startDashboard("postgres://nobody@127.0.0.1:9/none", { schedulerUrl: scheduler.url, token: TOKEN });
    try {
      const page = await open(SESSION, { of: blind });
      await page.keyboard.press("k");
      const dialog = page.getByRole("dialog");
      await dialog.getByText("It can be killed all the same.").waitFor();
      await dialog.getByRole("button", { name: "Kill session" }).click();
      await dialog.getByLabel("receipt", { exact: true }).waitFor();
      expect(commands().at(-1)?.path).toBe(`/control${SESSION}/kill`);
      await page.close();
      // Chromium reports each 503 in the console by itself; nothing else may be there
      expect(stage.complaints.splice(0).filter((complaint) => !complaint.includes("503"))).toEqual([]);
    } finally {
      await blind.stop();
    }
  });

  it("nobody but our own page can ask for it", async () => {
    const page = await open("/");
    const cookie = (await page.context().cookies()).map(({ name, value }) => `${name}=${value}`).join("; ");
    const asked = commands().length;
    const kill = (headers: Record<string, string>, body = "{}") =>
      fetch(`${dashboard.url}/api/v1${SESSION}/kill`, { method: "POST", headers, body });
    const json = { "content-type": "application/json" };
    expect((await kill({ ...json })).status).toBe(403);
    expect((await kill({ ...json, cookie })).status).toBe(403);
    expect((await kill({ ...json, cookie, origin: "http://evil.example" })).status).toBe(403);
    expect((await kill({ ...json, cookie, "sec-fetch-site": "cross-site" })).status).toBe(403);
    expect((await kill({ ...json, "sec-fetch-site": "same-origin" })).status).toBe(401);
    expect((await kill({ ...json, authorization: "Bearer wrong" })).status).toBe(401);
    expect((await kill({ cookie, "sec-fetch-site": "same-origin", "content-type": "text/plain" })).status).toBe(400);
    expect((await kill({ ...json, cookie, "sec-fetch-site": "same-origin" }, `{"reason": 1}`)).status).toBe(400);
    expect((await kill({ ...json, cookie, "sec-fetch-site": "same-origin" }, `{"force": true}`)).status).toBe(400);
    expect(commands().length).toBe(asked);
    expect((await kill({ ...json, cookie, "sec-fetch-site": "same-origin" })).status).toBe(200);
    expect(commands().length).toBe(asked + 1);
  });
});

describe("brain", () => {
  it("holds every turn, call, tool and decision, newest first, and no plumbing", async () => {
    const page = await open("/brain");
    const list = page.getByRole("list", { name: "events" });
    await list.waitFor();
    const rows = await sql<{ id: string }[]>`select encode(span_id, 'hex') as id from spans
      where is_call or operation in ('invoke_agent', 'execute_tool', 'schedule') order by start_time desc, span_id desc limit 15`;
    const shown = await list
      .locator("li")
      .evaluateAll((all) =>
        all
          .sort((left, right) => Number(left.getAttribute("aria-posinset")) - Number(right.getAttribute("aria-posinset")))
          .map((row) => row.getAttribute("data-span")),
      );
    expect(shown.slice(0, 15)).toEqual(rows.map((row) => row.id));
    const call = await one(
      sql<
        { id: string; cost: string }[]
      >`select encode(span_id, 'hex') as id, cost_nusd as cost from spans where is_call order by start_time desc limit 1`,
    );
    await expect.poll(() => list.locator(`[data-span="${call.id}"] data`).last().getAttribute("value")).toBe(call.cost);
  });

  it("what is new waits behind a pill, and nothing moves until it is asked for", async () => {
    const page = await open("/brain");
    await live(page);
    const first = page.getByRole("list", { name: "events" }).locator("[aria-posinset='1']");
    const before = await first.getAttribute("data-span");
    await page.mouse.wheel(0, 600);
    await page.waitForTimeout(300);
    const at = await page.evaluate(() => window.scrollY);
    expect(at).toBeGreaterThan(300);
    await writeSpans(database.url, makeTurn("agent:newcomer:main", "newcomer", Date.now(), 411));
    const pill = page.getByRole("button", { name: /^3 new$/ });
    await pill.waitFor();
    expect(await page.evaluate(() => window.scrollY)).toBe(at);
    expect(await page.getByText("newcomer").count()).toBe(0);
    await pill.click();
    await page.getByText("newcomer").first().waitFor();
    expect(await page.evaluate(() => window.scrollY)).toBe(0);
    expect(await first.getAttribute("data-span")).not.toBe(before);
    await pill.waitFor({ state: "detached" });
  });

  it("filters are in the address, narrow the rows, and survive a reload", async () => {
    const page = await open("/brain");
    await page.getByRole("radio", { name: "Tools" }).click();
    await page.getByRole("button", { name: "Errors" }).click();
    await page.getByRole("combobox", { name: "Channel" }).selectOption("telegram");
    await page.waitForURL(/kind=tool.*|errors=true/);
    await expect.poll(() => page.url()).toMatch(/channel=telegram/);
    await page.reload();
    const { count } = await one(
      sql<
        { count: number }[]
      >`select count(*)::int as count from spans where operation = 'execute_tool' and status = 2 and channel = 'telegram'`,
    );
    expect(count).toBeGreaterThan(0);
    await expect.poll(() => page.getByRole("list", { name: "events" }).locator("li").count()).toBe(count);
    await expect.poll(() => page.getByRole("button", { name: "Errors" }).getAttribute("aria-pressed")).toBe("true");
  });
});

describe("routes", () => {
  it("pools: what is now from the scheduler, what was from the record, and where it breaks even", async () => {
    const page = await open("/routes?open=l40s");
    const row = page.locator("tr[data-pool=l40s]");
    await row.getByText("16 of 16").waitFor();
    await row.getByText("7 waiting").waitFor();
    const stored = await one(sql<{ cost: string; busy: number; baseline: string; met: number; measured: number; hours: number }[]>`
      select sum(cost_nusd) as cost, sum(busy_ms) as busy, sum(baseline_nusd) as baseline, sum(sla_met)::int as met, sum(sla_met + sla_missed)::int as measured,
        extract(epoch from now() - date_trunc('hour', now() - interval '24 hours'))::float8 / 3600 as hours
      from route_hour where pool = 'l40s' and hour >= date_trunc('hour', now() - interval '24 hours')`);
    await expect.poll(() => row.locator("data").getAttribute("value")).toBe(stored.cost);
    const slotHours = stored.busy / 3_600_000;
    const breakEven = 1.86 / (16 * (Number(stored.baseline) / 1e9 / slotHours));
    const cells = await row.locator("td").allTextContents();
    expect(cells[5]).toBe(formatShare(slotHours / (16 * stored.hours)));
    expect(cells[6]).toBe(formatShare(breakEven));
    expect(cells[7]).toBe(formatShare(stored.met / stored.measured));

    const holder = await one(sql<{ session_id: string; share: number }[]>`
      select session_id, sum(duration_ns) / sum(sum(duration_ns)) over () as share from session_hour
      where pool = 'l40s' and hour >= date_trunc('hour', now() - interval '24 hours') group by session_id order by share desc limit 1`);
    expect(holder.session_id).toBe(RUNAWAY_SESSION);
    const first = page.getByRole("list", { name: "sessions that held l40s" }).getByRole("listitem").first();
    await expect
      .poll(() => first.textContent())
      .toContain(`scout and ${RUNAWAY_SUB_AGENTS} sub-agents${formatShare(Number(holder.share))}`);
    await page.getByText("Since it was set up its hours cost $9.00: $6.50 while it worked, $2.50 while it stood idle.").waitFor();
    await page.locator("tr[data-pool=ryzen-npu]").getByText("unhealthy").waitFor();
  });

  it("decisions: filtered by pool and by what went wrong, each with its candidates", async () => {
    const page = await open("/routes");
    await page.getByRole("radio", { name: "Retried" }).click();
    const list = page.getByRole("list", { name: "decisions" });
    const { count } = await one(sql<{ count: number }[]>`select count(distinct parent_span_id)::int as count from spans where attempt > 1`);
    expect(count).toBeGreaterThan(0);
    await expect.poll(() => list.locator(":scope > li").count()).toBe(count);
    await list.getByRole("button").first().click();
    await list.getByText("Chosen").waitFor();
    await list
      .getByText(/^Rejected: /)
      .first()
      .waitFor();
    await page.getByRole("radio", { name: "All", exact: true }).click();
    await page.getByRole("combobox", { name: "Pool" }).selectOption("ryzen-npu");
    const npu = await one(
      sql<{ count: number }[]>`select count(*)::int as count from spans where operation = 'schedule' and pool = 'ryzen-npu'`,
    );
    await expect.poll(() => list.locator(":scope > li").count()).toBe(npu.count);
  });

  it("without the scheduler the record is still there, and what is unknown is said", async () => {
    const alone = await startDashboard(database.readerUrl);
    try {
      const page = await open("/routes?open=epyc-a", { of: alone });
      await page.getByText("The scheduler is not answering").waitFor();
      await expect.poll(() => page.locator("tr[data-pool]").count()).toBe(4);
      await page.getByText("Its rate and slots are unknown").waitFor();
      await page.close();
    } finally {
      await alone.stop();
    }
  });
});

it("agents: the runaway is marked, its tree adds up, and opens", async () => {
  const page = await open("/agents?show=runaway");
  const tree = page.locator(`[data-tree="${RUNAWAY_SESSION}"]`);
  await tree.getByText("runaway").waitFor();
  const stored = await one(sql<
    { cost: string; sub: string }[]
  >`select sum(cost_nusd) as cost, sum(cost_nusd) filter (where agent_id <> session_id) as sub
    from spans where is_call and session_id = ${RUNAWAY_SESSION}`);
  const amounts = await tree.locator("data").evaluateAll((all) => all.map((one) => (one as HTMLDataElement).value));
  expect(amounts.slice(0, 2)).toEqual([stored.sub, stored.cost]);
  // alone on the page it is open from the start, and stays closed once closed
  await expect.poll(() => tree.locator("tr[data-agent]").count()).toBe(RUNAWAY_SUB_AGENTS + 1);
  await tree.getByRole("button", { name: "hide the agents of scout" }).click();
  await expect.poll(() => tree.locator("tr[data-agent]").count()).toBe(0);
  await expect.poll(() => page.url()).toContain("open=none");
  await goTo(page, page.url());
  await tree.getByRole("button", { name: "show the agents of scout" }).click();
  await expect.poll(() => tree.locator("tr[data-agent]").count()).toBe(RUNAWAY_SUB_AGENTS + 1);
});

describe("explain", () => {
  /** The text of each claim, by its kind. */
  const claims = async (page: Page) =>
    Object.fromEntries(
      await page
        .locator("[data-statement]")
        .evaluateAll((all) => all.map((one) => [one.getAttribute("data-statement"), one.querySelector("p")?.textContent ?? ""])),
    ) as Record<string, string>;

  it("answers the question: how many on which silicon, what the spike was, and how much smaller than one vendor", async () => {
    const page = await open("/explain");
    await page.locator("[data-statement]").first().waitFor();
    const said = await claims(page);
    // every number again, from spans alone
    const bounds = sql`date_trunc('hour', now() - interval '24 hours')`;
    const periods = await one(sql<{ cost: string; calls: number; before: string; unknown: number; comparable: string; baseline: string }[]>`
      with c as (select *, start_time >= ${bounds} as is_now from spans where is_call and start_time >= ${bounds} - interval '25 hours')
      select sum(cost_nusd) filter (where is_now) as cost, count(*) filter (where is_now)::int as calls, sum(cost_nusd) filter (where not is_now) as before,
        count(*) filter (where is_now and cost_nusd is null)::int as unknown,
        sum(cost_nusd) filter (where is_now and cost_nusd is not null and baseline_nusd > 0) as comparable,
        sum(baseline_nusd) filter (where is_now and cost_nusd is not null and baseline_nusd > 0) as baseline from c`);
    const change = BigInt(periods.cost) - BigInt(periods.before);
    const size = change < 0n ? -change : change;
    expect(said.total).toBe(
      `${formatMoney({ nanousd: periods.cost })} over ${periods.calls} model calls, ${formatMoney({ nanousd: String(size) })} (${formatShare(Number(size) / Number(periods.before))}) ${change < 0n ? "less" : "more"} than in the period before.`,
    );

    const burst = await one(sql<{ agents: number; seconds: number }[]>`
      with first as (select agent_id, min(start_time) as at from spans where session_id = ${RUNAWAY_SESSION} and agent_id <> session_id group by agent_id)
      select count(*)::int as agents, extract(epoch from max(at) - min(at))::float8 as seconds from first`);
    expect(burst.agents).toBe(RUNAWAY_SUB_AGENTS);
    expect(said.spike ?? said.burst).toContain(
      `one runaway agent that spawned ${burst.agents} sub-agents within ${Math.round(burst.seconds)} s in one Telegram thread`,
    );
    expect(said.spike ?? said.burst).toContain("scout");

    const kinds = await sql<{ silicon: string; sessions: number; all: number }[]>`
      with parts as (select session_id, coalesce(silicon, '') as silicon, count(*) as calls from spans where is_call and start_time >= ${bounds} group by 1, 2),
      most as (select distinct on (session_id) session_id, silicon from parts order by session_id, calls desc, silicon)
      select silicon, count(*)::int as sessions, (sum(count(*)) over ())::int as all from most group by silicon`;
    for (const [silicon, words] of [
      ["gpu", "on the GPU queue"],
      ["cpu", "on CPU"],
    ] as const) {
      const kind = kinds.find((row) => row.silicon === silicon);
      expect(said.silicon).toMatch(
        new RegExp(`${formatShare((kind?.sessions ?? 0) / (kind?.all ?? 1))}( of the ${kind?.all} sessions ran mostly)? ${words}`),
      );
    }
    const ratio = Number(periods.baseline) / Number(periods.comparable);
    expect(ratio).toBeGreaterThan(1);
    expect(said.baseline).toBe(
      `A single vendor (claude-opus-4-6) would have charged ${formatMoney({ nanousd: periods.baseline })} for these calls: this was ${ratio.toLocaleString("en-US", { maximumFractionDigits: ratio < 10 ? 1 : 0 })}× smaller.`,
    );
    expect(said.unknown).toContain(`The cost of ${periods.unknown} calls is unknown`);
  });

  it("a clicked spike is explained by itself: most of it is the runaway", async () => {
    const spike = await one(sql<{ at: string; cost: string; top: string; share: number }[]>`
      with sessions as (select date_trunc('hour', start_time) as hour, session_id, sum(cost_nusd) as cost from spans where is_call and session_id = ${RUNAWAY_SESSION} group by 1, 2)
      select extract(epoch from s.hour)::bigint * 1000 as at, (select sum(cost_nusd) from spans where is_call and date_trunc('hour', start_time) = s.hour) as cost,
        s.session_id as top, s.cost::float8 as share from sessions s order by s.cost desc limit 1`);
    const page = await open("/explain");
    const chart = page.getByRole("application");
    await chart.waitFor();
    await chart.focus();
    // the last two bars are the hours that the runaway can be in
    for (let steps = 0; steps < 3 && !page.url().includes(spike.at); steps++) {
      await page.keyboard.press("ArrowLeft");
      await page.keyboard.press("Enter");
      await page.waitForURL(/at=\d+/);
      await page.waitForTimeout(150);
    }
    expect(page.url()).toContain(`at=${spike.at}`);
    const total = page.locator("[data-statement=total]");
    await expect.poll(() => total.textContent()).toContain(formatMoney({ nanousd: spike.cost }));
    const row = page.locator("[data-contribution=scout]").filter({ hasText: "thread:77" });
    const stored = await one(sql<
      { cost: string }[]
    >`select sum(cost_nusd) as cost from spans where is_call and session_id = ${RUNAWAY_SESSION}
      and start_time >= to_timestamp(${Number(spike.at) / 1000}) and start_time < to_timestamp(${Number(spike.at) / 1000 + 3600})`);
    await expect.poll(() => row.locator("data").first().getAttribute("value")).toBe(stored.cost);
    // and its tree is the session, all agents below the root
    await page.getByRole("radio", { name: "Sub-agent tree" }).click();
    await page.getByText(`${RUNAWAY_SUB_AGENTS} sub-agents, telegram`).waitFor();
    await page.waitForURL(/by=tree/);
    await page.reload();
    await page.getByText(`${RUNAWAY_SUB_AGENTS} sub-agents, telegram`).waitFor();
  });

  it.each(["route", "model", "tool"] as const)("by %s the parts add up to the whole", async (by) => {
    const page = await open(`/explain?range=24h&by=${by}`);
    const rows = page.locator("[data-contribution]");
    await rows.first().waitFor();
    const bounds = sql`date_trunc('hour', now() - interval '24 hours')`;
    if (by === "tool") {
      const { tool, calls } = await one(sql<{ tool: string; calls: number }[]>`select tool_name as tool, count(*)::int as calls from spans
        where operation = 'execute_tool' and tool_name = 'sessions_spawn' and start_time >= ${bounds} group by 1`);
      await expect.poll(() => page.locator(`[data-contribution=${tool}]`).textContent()).toContain(`${calls}calls`);
      return;
    }
    const amounts = await rows.evaluateAll((all) => all.map((row) => row.querySelector("data")?.value ?? "0"));
    const { cost } = await one(sql<{ cost: string }[]>`select sum(cost_nusd) as cost from spans where is_call and start_time >= ${bounds}`);
    expect(String(amounts.reduce((sum, amount) => sum + BigInt(amount), 0n))).toBe(cost);
  });
});

describe("keys", () => {
  it("⌘K goes to pages and sessions, and does what the page can do", async () => {
    const page = await open("/");
    await page.keyboard.press("Control+k");
    await page.getByRole("combobox", { name: "page, session or action" }).fill("thread:77");
    await page.getByRole("option", { name: /scout.*thread:77/ }).waitFor();
    await page.keyboard.press("Enter");
    await page.getByRole("heading", { name: "scout" }).waitFor();
    await page.keyboard.press("Control+k");
    await page.keyboard.type("kill");
    await page.getByRole("option", { name: "Kill this session" }).waitFor();
    await page.keyboard.press("Enter");
    await page.getByRole("heading", { name: "Kill scout?" }).waitFor();
    await page.keyboard.press("Escape");
    await page.keyboard.press("Control+k");
    await page.keyboard.type("brain");
    await page.keyboard.press("Enter");
    await page.waitForURL(/\/brain$/);
  });

  it("/ goes to the search of the page, ? lists the keys, and letters typed there are letters", async () => {
    const page = await open("/sessions");
    await page.keyboard.press("/");
    await page.keyboard.type("k?");
    await expect.poll(() => page.getByRole("searchbox").inputValue()).toBe("k?");
    expect(await page.getByRole("dialog").count()).toBe(0);
    await page.evaluate(() => (document.activeElement as HTMLElement).blur());
    await page.keyboard.press("?");
    await page.getByRole("heading", { name: "Keys" }).waitFor();
  });
});

it("hostile content is text on every page", async () => {
  const id = `agent:hostile/${HOSTILE}:main`;
  const spans = makeTurn(id, HOSTILE, Date.now(), 512).map((span) => ({
    ...span,
    channel: HOSTILE,
    columns: {
      ...span.columns,
      ...(span.operation === "invoke_agent" ? {} : { route: HOSTILE, model: HOSTILE, pool: HOSTILE, status_message: HOSTILE }),
    },
    status: 2,
  }));
  await writeSpans(database.url, spans);
  const page = await open("/");
  for (const path of [
    "/brain",
    "/brain?errors=true",
    "/routes?range=1h",
    `/routes?open=${encodeURIComponent(HOSTILE)}`,
    "/agents",
    "/explain?range=1h",
    "/explain?range=1h&by=route",
    "/explain?range=1h&by=model",
    `/sessions/${encodeURIComponent(id)}`,
  ]) {
    await goTo(page, dashboard.url + path);
    await page.waitForTimeout(250);
    expect(await page.evaluate(() => ({ hacked: "hacked" in window, images: document.querySelectorAll("img").length })), path).toEqual({
      hacked: false,
      images: 0,
    });
  }
  await goTo(page, `${dashboard.url}/brain`);
  await page.getByRole("list", { name: "events" }).getByText(HOSTILE.replace("\u202e", "U+202E")).first().waitFor();
  await page.keyboard.press("Control+k");
  await page
    .getByRole("option")
    .filter({ hasText: HOSTILE.replace("\u202e", "U+202E") })
    .first()
    .waitFor();
});

it("names of any length that turn the reading direction turn no words of ours, and no page of a phone is wider for them", async () => {
  const name = `pay\u202e${"a-very-long-name-".repeat(20)}`;
  const id = `agent:${name}`;
  const spans = makeTurn(id, name, Date.now(), 513).map((span) => ({
    ...span,
    channel: name,
    user_id: name,
    columns: {
      ...span.columns,
      ...(span.operation === "invoke_agent" ? {} : { route: name, model: name, pool: name, status_message: name }),
    },
    status: 2,
  }));
  await writeSpans(database.url, spans);
  await seedMemory(database.url, [
    { session: id, path: name, operation: "write", diff: name, minutesAgo: 0 },
    { session: id, path: name, operation: "read", lines: name, minutesAgo: -1 },
  ]);
  const condition = { kind: "session_cost", threshold: 5, window_seconds: null, per: "session", min_calls: 0, agent: name };
  await sql`insert into alert_rules (rule_id, name, condition, for_seconds, actions, enabled, version, created_at, updated_at)
    values ('hostile', ${name}, ${sql.json(condition)}, 0, '[]', true, 1, now(), now())`;
  await sql`insert into alert_events (event_id, rule_id, rule_version, rule_name, project, kind, subject, session_id, value, threshold, message, started_at, fired_at, muted)
    values ('hostile', 'hostile', 1, ${name}, 'default', 'session_cost', ${id}, ${id}, 7, 5, ${`${id} cost $7`}, now(), now(), false)`;
  await sql`insert into saved_views (view_id, page, name, query, created_at) values ('hostile', '/sessions', ${name}, 'q=x', now())`;
  const page = await open("/", { viewport: { width: 390, height: 844 } });
  for (const path of [
    "/",
    "/alerts",
    "/memory",
    `/memory?path=${encodeURIComponent(name)}&of=${encodeURIComponent(name)}&project=default`,
    "/brain",
    "/sessions",
    "/tokens",
    "/explain?range=1h",
    "/agents",
    "/routes",
    `/sessions/${encodeURIComponent(id)}?view=agents`,
    `/sessions/${encodeURIComponent(id)}?view=decisions`,
    `/sessions/${encodeURIComponent(id)}?view=memory`,
    `/sessions/${encodeURIComponent(id)}`,
  ]) {
    await goTo(page, dashboard.url + path);
    if (path !== "/agents")
      await page
        .getByText(/^U\+202E$/)
        .filter({ visible: true })
        .first()
        .waitFor();
    await expect.poll(() => page.getByRole("status", { name: "loading" }).count(), { message: path }).toBe(0);
    await expect.poll(() => page.evaluate("document.documentElement.scrollWidth"), { message: path }).toBe(390);
    expect(await page.locator("main").innerText(), path).not.toContain("\u202e");
  }
  // what opens over the page
  await live(page);
  await page.keyboard.press("k");
  const dialog = page.getByRole("dialog");
  await dialog.getByText("Calls in flight").waitFor();
  expect(await dialog.innerText()).not.toContain("\u202e");
  await page.keyboard.press("Escape");
  await dialog.waitFor({ state: "detached" });
  await page.keyboard.press("Control+k");
  await dialog
    .getByRole("option", { name: /a-very-long-name/ })
    .nth(1)
    .waitFor();
  expect(await dialog.innerText()).not.toContain("\u202e");
});

it("on a phone a session can be killed", async () => {
  const page = await open(SESSION, { viewport: { width: 390, height: 844 } });
  await page.getByRole("button", { name: "Kill" }).click();
  const button = page.getByRole("button", { name: "Kill session" });
  await button.waitFor();
  const box = await button.boundingBox();
  expect(box && box.y + box.height <= 844 && box.x + box.width <= 390).toBe(true);
  await button.click();
  await page.getByLabel("receipt", { exact: true }).waitFor();
});
