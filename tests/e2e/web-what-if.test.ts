/** What-if in a real browser: the demo fleet's decisions, a real scheduler, its simulator. */

import { mkdtemp, rm } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { beforeAll, expect, it } from "vitest";
import { startScheduler } from "../../scheduler/src/app.ts";
import { parseConfig } from "../../scheduler/src/config.ts";
import { createLog } from "../../scheduler/src/log.ts";
import { seed } from "../support/seed.ts";
import { violations } from "../support/visits.ts";
import { webStage } from "../support/web-stage.ts";

const TOKEN = "what-if-token";
const POLICY = `
pools:
  - { name: small, silicon: cpu, engine: openai-compatible, base_url: "http://127.0.0.1:9/v1", models: [{ id: m, tier: 3 }], slots: 4, hourly_usd: 1, rates: { prefill_tokens_per_second: 2000, decode_tokens_per_second: 40 } }
`;
/** What a browser says of a change that was refused: this test asks for one. */
const REFUSED = /responded with a status of 400/;

const stage = webStage(REFUSED);

beforeAll(async () => {
  const { database } = await stage.database();
  await seed(database.url);
  const home = await mkdtemp(path.join(os.tmpdir(), "signalbox-what-if-web-"));
  stage.keep({ close: () => rm(home, { recursive: true, force: true }) });
  const scheduler = stage.keep(
    await startScheduler({
      config: parseConfig(POLICY, "policy.yaml", {}),
      home,
      token: TOKEN,
      databaseUrl: database.url,
      log: createLog(() => {}),
    }),
  );
  await stage.dashboard(database.readerUrl, { schedulerUrl: scheduler.url, token: TOKEN });
});

it("plays stored decisions through an edited policy, compares, and says where a policy is wrong", async () => {
  const page = await stage.open("/routes");
  await page.getByRole("link", { name: "What if…" }).click();
  await page.getByRole("heading", { name: "What if" }).waitFor();
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

  expect(await violations(page)).toEqual([]);

  const screenshots = process.env.SIGNALBOX_SCREENSHOTS;
  if (screenshots) await page.screenshot({ path: path.join(screenshots, "what-if.png"), fullPage: true });
  await page.setViewportSize({ width: 390, height: 844 });
  await expect.poll(() => page.evaluate(() => document.documentElement.scrollWidth <= window.innerWidth)).toBe(true);
});
