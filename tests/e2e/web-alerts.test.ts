import type postgres from "postgres";
import { beforeAll, describe, expect, it } from "vitest";
import { poolConfig, startGateway, TOKEN } from "../integration/admission-support.ts";
import { alertingCollector, call, change, eventually, sendNow, spawned } from "../integration/alerting-support.ts";
import { type Dashboard, startDashboard } from "../support/dashboard.ts";
import { type OtlpSink, otlpSink } from "../support/otlp-sink.ts";
import type { TestDatabase } from "../support/postgres.ts";
import { type Provider, startProvider } from "../support/provider.ts";
import { seed } from "../support/seed.ts";
import { RUNAWAY_SUB_AGENTS } from "../support/seed-fleet.ts";
import { goTo, violations } from "../support/visits.ts";
import { webStage } from "../support/web-stage.ts";

/** What a browser says of a change that was refused: these tests ask for some that are. */
const REFUSED = /responded with a status of (400|503)/;
const HOSTILE = `<img src=x onerror="window.hacked=1">`;

let database: TestDatabase;
let sql: postgres.Sql;
let provider: Provider;
let gateway: Awaited<ReturnType<typeof startGateway>>;
let collector: Awaited<ReturnType<typeof alertingCollector>>;
let dashboard: Dashboard;
let sink: OtlpSink;
const stage = webStage(REFUSED);

beforeAll(async () => {
  ({ database, sql } = await stage.database());
  provider = stage.keep(await startProvider({ script: () => ({ text: "hello", usage: { input: 10, output: 2 } }) }));
  gateway = stage.keep(await startGateway(poolConfig(provider.url), database.url));
  collector = stage.keep(await alertingCollector(database.url, { schedulerUrl: gateway.url }));
  // after it: the seed takes the partitions that the collector made
  await seed(database.url);
  dashboard = await stage.dashboard(database.readerUrl, { schedulerUrl: gateway.url, collectorUrl: collector.url, token: TOKEN });
  sink = stage.keep(await otlpSink());
});

const { open } = stage;
const ask = (session: string) =>
  fetch(`${gateway.url}/v1/chat/completions`, {
    method: "POST",
    headers: { "content-type": "application/json", "x-signalbox-session": session },
    body: JSON.stringify({ model: "scripted", messages: [{ role: "user", content: "hi" }] }),
  }).then(async (response) => {
    await response.text();
    return response.status;
  });

describe("page me if any session exceeds $5, or any agent spawns more than 10 sub-agents in 60 seconds", () => {
  it("a channel is added, and a test arrives there", async () => {
    const page = await open("/alerts");
    await page.getByText("Nothing is watched yet").waitFor();
    await page.getByRole("button", { name: "Add channel" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByLabel("Name").fill("on-call");
    await dialog.getByLabel("Address").fill("not an address");
    await dialog.getByRole("button", { name: "Add channel" }).click();
    await dialog.getByText("must be an http or https address").waitFor();
    await dialog.getByLabel("Address").fill(`${sink.url}/page-me`);
    await dialog.getByLabel(/^Secret/).fill("the signing secret");
    expect(await violations(page)).toEqual([]);
    await dialog.getByRole("button", { name: "Add channel" }).click();
    const channels = page.getByRole("list", { name: "channels" });
    await channels.getByText("on-call").waitFor();
    expect(await page.content()).not.toContain("signing secret");
    await channels.getByRole("button", { name: "Send test" }).click();
    await channels.getByText("The test was taken").waitFor();
    expect(JSON.parse(String(sink.requests[0]?.body))).toMatchObject({ occasion: "test" });
  });

  it("both rules are made with the keyboard, previewed over history, and fire; the one that is told to kills", async () => {
    const page = await open("/alerts");
    await page.getByRole("button", { name: "New rule" }).press("Enter");
    const form = page.getByRole("form", { name: "rule" });
    await expect.poll(() => page.evaluate("document.activeElement.getAttribute('aria-label')")).toBe("agent");
    await form.getByText(/^Would (not )?have fired/).waitFor();
    await form.getByRole("button", { name: "on-call" }).click();
    await form.getByRole("button", { name: "Create rule" }).click();
    const rules = page.getByRole("list", { name: "rules" });
    await rules.getByText("When any session costs more than $5 in total").waitFor();

    await page.getByRole("button", { name: "New rule" }).click();
    await form.getByLabel("what happens").selectOption("sub_agents");
    // the seeded fleet has one that spawned 17 at once
    await form.getByText("Would have fired 1 time in the last 7 days").waitFor();
    await form.getByRole("list", { name: "would have fired" }).getByText(String(RUNAWAY_SUB_AGENTS), { exact: true }).waitFor();
    await form.getByLabel("threshold").fill("no number");
    await expect.poll(() => form.getByRole("button", { name: "Create rule" }).getAttribute("aria-disabled")).toBe("true");
    await form.getByLabel("threshold").fill("10");
    await form.getByRole("button", { name: "on-call" }).click();
    await form.getByLabel("what is done to it").selectOption("kill");
    expect(await violations(page)).toEqual([]);
    await form.getByRole("button", { name: "Create rule" }).click();
    await rules.getByText("then notify on-call and kill it").waitFor();

    expect(await ask("agent:runs-away:main")).toBe(200);
    sink.requests.splice(0);
    const burst = Array.from({ length: 11 }, (_, index) => spawned("agent:runs-away:main", `sub:${index}`, { at: index - 100 }));
    await sendNow(collector.url, [...burst, call("agent:spends:main", 5.01)]);
    const history = page.getByRole("list", { name: "alerts" });
    await history.getByText(/agent:runs-away:main spawned 11 sub-agents within 60 s/).waitFor();
    await history.getByText(/killed with 11 sub-agents/).waitFor();
    await history.getByText(/agent:spends:main spent \$5\.01/).waitFor();
    await expect.poll(() => sink.requests.length).toBe(2);
    expect(await ask("agent:runs-away:main")).toBe(403);
    expect(await ask("agent:spends:main")).toBe(200);
    expect(await violations(page)).toEqual([]);

    await goTo(page, dashboard.url);
    await page.getByRole("link", { name: /agent:spends:main spent \$5\.01/ }).click();
    const row = history.getByRole("listitem").filter({ hasText: "agent:spends:main" }).first();
    await row.getByRole("button", { name: "Acknowledge" }).click();
    await row.getByText("acknowledged").waitFor();
    await goTo(page, dashboard.url);
    await page.getByRole("link", { name: /agent:runs-away:main spawned/ }).waitFor();
    expect(await page.getByRole("link", { name: /agent:spends:main spent/ }).count()).toBe(0);
  });

  it("a rule is muted, changed, switched off and deleted", async () => {
    const page = await open("/alerts");
    const rules = page.getByRole("list", { name: "rules" });
    const rule = rules.getByRole("listitem").filter({ hasText: "costs more than" });
    await rule.getByRole("button", { name: "Mute 1 h" }).click();
    await rule.getByText(/^muted until/).waitFor();
    await rule.getByRole("button", { name: "Unmute" }).click();
    await rule.getByRole("button", { name: "Mute 1 h" }).waitFor();
    await rule.getByRole("button", { name: /^Change/ }).click();
    await page.getByLabel("threshold").fill("7.5");
    await page.getByRole("button", { name: "Save changes" }).click();
    await rule.getByText("costs more than $7.5 in total").waitFor();
    await rule.getByRole("button", { name: "Switch off" }).click();
    await rule.getByText("off", { exact: true }).waitFor();
    await rule.getByRole("button", { name: /^Delete/ }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Delete" }).click();
    await rule.waitFor({ state: "detached" });
    expect((await sql`select from alert_rules`).length).toBe(1);
  });
});

it("a delivery that fails is shown, and what the emitters wrote stays text", async () => {
  const { channel_id } = await change(collector.url, "channels", { name: HOSTILE, target: { kind: "slack", url: `${sink.url}/slack` } });
  sink.answerAlways({ status: 500, body: Buffer.from(HOSTILE) });
  const condition = { kind: "session_cost", threshold: 5 };
  await change(collector.url, "rules", { name: HOSTILE, condition, actions: [{ do: "notify", channel_id }] });
  await sendNow(collector.url, [call(HOSTILE, 6)]);
  const page = await open("/alerts");
  await page
    .getByRole("list", { name: "alerts" })
    .getByText(/failed \d+ times?: 127\.0\.0\.1:\d+ answered 500.*trying again/)
    .first()
    .waitFor();
  await page
    .getByRole("list", { name: "channels" })
    .getByText(/last notification: .* answered 500/)
    // an earlier test's channel may have something to say as well, now that its alert is over
    .first()
    .waitFor();
  expect(await page.evaluate("window.hacked")).toBeUndefined();
  expect(await violations(page)).toEqual([]);
});

it("on a phone nothing is wider than the page", async () => {
  const page = await open("/alerts?edit=new", { viewport: { width: 390, height: 844 } });
  await page.getByRole("form", { name: "rule" }).waitFor();
  await expect.poll(() => page.evaluate("document.documentElement.scrollWidth")).toBe(390);
});

it("without the collector a rule cannot be made, and the page says so", async () => {
  const alone = await startDashboard(database.readerUrl);
  try {
    const page = await open("/alerts?edit=new", { of: alone });
    await page.getByRole("button", { name: "Create rule" }).click();
    await page
      .getByRole("form")
      .getByText(/The collector did not do it\..*refuses the connection/)
      .first()
      .waitFor();
    stage.complaints.splice(0);
  } finally {
    await alone.stop();
  }
});

it("refuses a change from another site, without the login, and what the collector finds wrong", async () => {
  const rule = { name: "x", condition: { kind: "sub_agents", threshold: 1 } };
  const send = (headers: Record<string, string>) =>
    fetch(`${dashboard.url}/api/v1/alerts/rules`, {
      method: "POST",
      headers: { "content-type": "application/json", ...headers },
      body: JSON.stringify(rule),
    });
  expect((await send({})).status).toBe(403);
  expect((await send({ authorization: "Bearer wrong" })).status).toBe(401);
  const wrong = await send({ authorization: `Bearer ${TOKEN}` });
  expect(wrong.status).toBe(400);
  expect(await wrong.json()).toEqual({
    error: {
      code: "invalid_parameter",
      message: "condition.window_seconds: sub_agents needs a window",
      field: "condition.window_seconds",
    },
  });
  await eventually(async () => ((await sql`select from alert_rules where name = 'x'`).length === 0 ? true : undefined), "no rule");
});
