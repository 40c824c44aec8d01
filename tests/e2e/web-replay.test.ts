import fs from "node:fs";
import path from "node:path";
import axe from "axe-core";
import type { Browser, BrowserContextOptions, Locator, Page } from "playwright-core";
import { afterEach, beforeAll, describe, expect, it } from "vitest";
import type { Dashboard } from "../support/dashboard.ts";
import type { TestDatabase } from "../support/postgres.ts";
import { writeSpans } from "../support/seed.ts";
import type { SeedSpan } from "../support/seed-fleet.ts";
import { makeLongSession, writeMessages, writePayloads } from "../support/seed-replay.ts";
import { webStage } from "../support/web-stage.ts";

const ID = "agent:marathon:replay";
const STEPS = 1_200;
const SUB_AGENTS = 20;
const START = Date.parse("2026-11-20T09:00:00Z");
const REPLAY = `/sessions/${encodeURIComponent(ID)}?view=replay`;
/** The call whose words and bytes attack the page: the costliest, so that one key leads to it. */
const HOSTILE_STEP = 10;
const HOSTILE = `<script>window.hacked=1</script><img src="http://evil.example/a.png" onerror="window.hacked=1"> [x](javascript:alert(1)) ![i](http://evil.example/b.png) invoice\u202efdp.exe pay\u200bpal {{7*7}}`;
const SENT = Buffer.from(JSON.stringify({ model: "qwen3-8b", messages: [{ role: "user", content: HOSTILE }] }));
const RECEIVED = Buffer.concat([Buffer.from('data: {"x":"'), Buffer.from([0xff, 0xfe, 0x00]), Buffer.from('"}\n\n')]);

let database: TestDatabase;
let dashboard: Dashboard;
let spans: SeedSpan[];
const stage = webStage();
const foreign: string[] = [];

beforeAll(async () => {
  ({ database } = await stage.database());
  ({ spans } = makeLongSession({ id: ID, startMs: START, steps: STEPS, subAgents: SUB_AGENTS }));
  await writeSpans(database.url, spans);
  const hostile = spans[HOSTILE_STEP] as SeedSpan;
  await writeMessages(database.url, hostile, {
    input: [
      { role: "user", parts: [{ type: "text", content: "an older question" }] },
      { role: "assistant", parts: [{ type: "text", content: "an older answer" }] },
      {
        role: "user",
        parts: [
          { type: "text", content: HOSTILE },
          { type: "uri", modality: "image", uri: "http://evil.example/c.png" },
        ],
      },
    ],
    output: [{ role: "assistant", parts: [{ type: "text", content: "I will not run that." }] }],
  });
  await writePayloads(database.url, hostile, { sent: SENT, received: RECEIVED });
  dashboard = await stage.dashboard(database.readerUrl);
});
afterEach(() => {
  expect(foreign.splice(0)).toEqual([]);
});

const open = (path: string, options?: BrowserContextOptions): Promise<Page> =>
  stage.open(path, {
    ...options,
    onPage: (page) => page.on("request", (request) => !request.url().startsWith(dashboard.url) && foreign.push(request.url())),
  });

/** All steps are there, and the page stands. */
async function openReplay(address = REPLAY, options: Parameters<Browser["newContext"]>[0] = {}): Promise<Page> {
  const page = await open(address, options);
  await expect.poll(() => clock(page)).toMatch(new RegExp(`of ${STEPS}$`));
  return page;
}
const clock = async (page: Page) => (await page.locator("[data-clock]").textContent()) ?? "";
const stepNumber = async (page: Page) => Number(/step (\d+)/.exec(await clock(page))?.[1]);
const current = (page: Page): Locator => page.getByRole("region", { name: "step", exact: true });
const button = (page: Page, name: string | RegExp) => page.getByRole("button", { name, exact: typeof name === "string" });
const atOf = (page: Page) => Number(new URL(page.url()).searchParams.get("at"));

describe("replay controls", () => {
  it("steps, jumps, and leaves the moment in the address", async () => {
    const page = await openReplay();
    await expect.poll(() => stepNumber(page)).toBe(1);
    await button(page, "step forward").click();
    await button(page, "step forward").click();
    await expect.poll(() => stepNumber(page)).toBe(3);
    await button(page, "step back").click();
    await expect.poll(() => stepNumber(page)).toBe(2);
    await expect.poll(() => atOf(page)).toBe(START + 400);

    await button(page, /^Next error/).click();
    await expect.poll(() => stepNumber(page)).toBe(98);
    await current(page).getByText("step 97 broke").waitFor();
    await page.keyboard.press("e");
    await expect.poll(() => stepNumber(page)).toBe(195);
    await button(page, /^Next sub-agent/).click();
    const first = spans.findIndex((span, index) => index > 194 && span.operation === "invoke_agent");
    await expect.poll(() => stepNumber(page)).toBe(first + 1);
    await page.keyboard.press("c");
    await expect.poll(() => stepNumber(page)).toBe(HOSTILE_STEP + 1);
    await page.keyboard.press("ArrowRight");
    await expect.poll(() => stepNumber(page)).toBe(HOSTILE_STEP + 2);
  });

  it("plays at the chosen speed, pauses where it is, and scrubs", async () => {
    const page = await openReplay();
    await page.getByRole("radio", { name: "16×" }).click();
    const began = Date.now();
    await button(page, "play").click();
    await expect.poll(() => stepNumber(page)).toBeGreaterThan(60);
    await button(page, "pause").click();
    const playedMs = (Date.now() - began) * 16;
    const at = await stepNumber(page);
    // slower where frames took long, never faster than 16 ×
    expect(at).toBeLessThanOrEqual(Math.ceil(playedMs / 400) + 2);
    await expect.poll(() => Math.floor((atOf(page) - START) / 400) + 1).toBe(at);
    expect(await stepNumber(page)).toBe(at);

    await page.getByRole("slider", { name: "moment" }).fill("5000");
    await expect.poll(async () => Math.abs((await stepNumber(page)) - STEPS / 2)).toBeLessThan(12);
    await page.keyboard.press("End");
    await expect.poll(() => stepNumber(page)).toBe(STEPS);
    // from the end it plays from the beginning
    await button(page, "play").click();
    await expect.poll(() => stepNumber(page)).toBeLessThan(STEPS / 2);
    await button(page, "pause").click();
  });

  it("opens at the moment of a link, with that step in sight", async () => {
    const page = await openReplay(`${REPLAY}&at=${START + 700 * 400 + 20}`);
    await expect.poll(() => stepNumber(page)).toBe(701);
    const row = page.locator(`[data-step="${spans[700]?.span_id}"]`);
    await row.waitFor();
    const list = await page.getByRole("region", { name: "transcript" }).boundingBox();
    const box = await row.boundingBox();
    expect((box?.y ?? 0) > (list?.y ?? 0) && (box?.y ?? 0) < (list?.y ?? 0) + (list?.height ?? 0)).toBe(true);
    await expect.poll(() => current(page).getAttribute("data-current")).toBe(spans[700]?.span_id);
  });

  it("draws only the rows in sight, and a click goes there", async () => {
    const page = await openReplay();
    const list = page.getByRole("list", { name: "steps" });
    await expect.poll(() => list.getByRole("listitem").count()).toBeLessThan(40);
    await list.locator("[data-step]").nth(4).getByRole("button").click();
    await expect.poll(() => stepNumber(page)).toBe(5);
    await current(page).getByRole("button", { name: "All of this span" }).click();
    await page.getByRole("complementary", { name: "span" }).waitFor();
  });
});

describe("timeline", () => {
  it("has a line an agent with its cost, folds sub-agents into one, zooms, and takes clicks", async () => {
    const page = await openReplay();
    const lanes = page.getByRole("region", { name: "agents over time" });
    const root = lanes.locator(`[data-lane="${ID}"]`);
    const own = await root.locator("data").getAttribute("value");
    await lanes.locator(`[data-lane="${ID}:sub:1"]`).waitFor();
    await root.getByRole("button").click();
    await lanes.locator(`[data-lane="${ID}:sub:1"]`).waitFor({ state: "detached" });
    const sum = spans.reduce((total, span) => total + BigInt(span.columns.cost_nusd?.toString() ?? "0"), 0n);
    await expect.poll(() => root.locator("data").getAttribute("value")).toBe(String(sum));
    expect(BigInt(own ?? "0")).toBeLessThan(sum);

    const bars = root.locator("[data-strip] path").first();
    const before = await bars.getAttribute("d");
    await button(page, "zoom in").click();
    await expect.poll(() => bars.getAttribute("d")).not.toBe(before);
    await button(page, "whole session").click();
    await expect.poll(() => bars.getAttribute("d")).toBe(before);
    const track = page.locator("[data-track]");
    const box = await track.boundingBox();
    await page.mouse.click((box?.x ?? 0) + (box?.width ?? 0) / 4, (box?.y ?? 0) + 8);
    await expect.poll(async () => Math.abs((await stepNumber(page)) - STEPS / 4)).toBeLessThan(12);
  });
});

describe("hostile content", () => {
  it("is text: it runs nothing, loads nothing, and cannot lie about its direction", async () => {
    const page = await openReplay();
    await page.keyboard.press("c");
    const said = page.getByRole("region", { name: "what was said" });
    await said.getByText("I will not run that.").waitFor();
    await said.getByText("after 2 earlier messages of this conversation").waitFor();
    const text = (await said.textContent()) ?? "";
    expect(text).toContain(`<script>window.hacked=1</script><img src="http://evil.example/a.png"`);
    expect(text).toContain("invoiceU+202Efdp.exe payU+200Bpal {{7*7}}");
    expect(text).not.toMatch(/[\u202e\u200b]/);
    expect(text).not.toContain("an older question");
    expect(await said.locator("img, script, a, iframe, object, svg").count()).toBe(0);
    expect(await page.evaluate(() => "hacked" in window)).toBe(false);
  });

  it("raw: toggled by button and key, byte for byte, and as base64 where it is no text", async () => {
    const page = await openReplay();
    await page.keyboard.press("c");
    await page.getByRole("radio", { name: "Raw" }).click();
    const sent = page.getByRole("region", { name: "sent" });
    await sent.waitFor();
    const shown = ((await sent.locator("pre").textContent()) ?? "").replaceAll("U+202E", "\u202e").replaceAll("U+200B", "\u200b");
    expect(shown).toBe(SENT.toString());
    await expect.poll(() => page.getByRole("region", { name: "received" }).locator("pre").textContent()).toBe(RECEIVED.toString("base64"));
    await page.waitForURL(/raw=true/);
    expect(await page.evaluate(() => "hacked" in window)).toBe(false);
    await button(page, "step forward").click();
    await current(page).getByText("Only model calls have bytes that went over a wire.").waitFor();
    await button(page, "step forward").click();
    await button(page, "step forward").click();
    await current(page).getByText("Its bytes are not kept").waitFor();
    await page.keyboard.press("r");
    await expect.poll(() => page.url()).not.toContain("raw=true");
  });
});

it("the API gives steps, words and bytes by page, and says what is wrong", async () => {
  const get = async (address: string) => {
    const answer = await fetch(`${dashboard.url}/api/v1/sessions/${encodeURIComponent(ID)}/${address}`, {
      headers: { authorization: `Bearer ${dashboard.token}` },
    });
    return { status: answer.status, body: await answer.json() };
  };
  const seen: string[] = [];
  for (let cursor: string | null = ""; cursor !== null; ) {
    const { body } = await get(`steps?limit=500&cursor=${cursor}`);
    seen.push(...body.data.map((step: { span_id: string }) => step.span_id));
    cursor = body.next;
  }
  expect(seen).toEqual(spans.map((span) => span.span_id));
  const span = spans[HOSTILE_STEP]?.span_id;
  const at = new Date(START + HOSTILE_STEP * 400).toISOString();
  const { body } = await get(`content?spans=${span}&from=${at}&to=${at}&characters=20`);
  expect(body.data[0].messages[0].parts[0]).toEqual({ type: "text", name: null, text: HOSTILE.slice(0, 20), characters: HOSTILE.length });
  const bytes = await get(`payloads?span_id=${span}&offset=5&limit=10`);
  expect(bytes.body.data[0]).toMatchObject({
    direction: "sent",
    bytes: SENT.length,
    encoding: "utf-8",
    text: SENT.toString().slice(5, 15),
  });
  expect(await get("payloads?span_id=nonsense")).toMatchObject({ status: 400, body: { error: { field: "span_id" } } });
  expect(await get(`content?spans=${span}&from=yesterday&to=${at}`)).toMatchObject({ status: 400, body: { error: { field: "from" } } });
  expect(await get("steps?cursor=nonsense")).toMatchObject({ status: 400, body: { error: { field: "cursor" } } });
});

describe.each(["dark", "light"] as const)("%s", (colorScheme) => {
  it.each([
    ["desktop", { width: 1440, height: 900 }],
    ["phone", { width: 390, height: 844 }],
  ] as const)("%s: axe finds nothing serious, and nothing is wider than the screen", async (name, viewport) => {
    for (const address of [`${REPLAY}&at=${START + HOSTILE_STEP * 400}`, `${REPLAY}&raw=true&at=${START + HOSTILE_STEP * 400}`]) {
      const page = await openReplay(address, { colorScheme, viewport });
      await current(page).getByText("evil.example").first().waitFor();
      await page.evaluate(axe.source);
      const { violations } = await page.evaluate(() => (window as unknown as { axe: typeof axe }).axe.run());
      const serious = violations.filter(({ impact }) => impact === "serious" || impact === "critical");
      expect(serious.map(({ id, nodes }) => `${id}: ${nodes[0]?.html.slice(0, 300)}`)).toEqual([]);
      await expect.poll(() => page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(viewport.width);
      const folder = process.env.SCREENSHOTS;
      if (folder) {
        fs.mkdirSync(folder, { recursive: true });
        await page.screenshot({
          path: path.join(folder, `replay-${name}-${colorScheme}${address.includes("raw") ? "-raw" : ""}.png`),
          fullPage: true,
        });
      }
    }
  });
});
