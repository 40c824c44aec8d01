import type postgres from "postgres";
import { beforeAll, describe, expect, it } from "vitest";
import type { ControlServer } from "../../support/control-server.ts";
import { type Dashboard, layCable, startDashboard } from "../../support/dashboard.ts";
import { type FleetStage, one } from "../../support/fleet-stage.ts";
import type { TestDatabase } from "../../support/postgres.ts";
import { writeSpans } from "../../support/seed.ts";
import { makeTurn, RUNAWAY_SESSION } from "../../support/seed-fleet.ts";
import { live } from "../../support/visits.ts";

const SESSION = `/sessions/${encodeURIComponent(RUNAWAY_SESSION)}`;

/** How a session is stopped from its page. */
export const stopTests = (stage: FleetStage) =>
  describe("kill", () => {
    let database: TestDatabase;
    let sql: postgres.Sql;
    let scheduler: ControlServer;
    let dashboard: Dashboard;
    beforeAll(() => {
      ({ database, sql, scheduler, dashboard } = stage.fleet());
    });

    const { open } = stage;
    /** What the scheduler was told to do; beside it the server looks at its pools every few seconds. */
    const commands = () => scheduler.requests.filter((request) => request.method === "POST");

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
        authorization: `Bearer ${stage.token}`,
        body: { reason: "spends too much" },
      });
      await page.keyboard.press("Escape");
      await dialog.waitFor({ state: "detached" });
    });

    it("a pause closes nothing, and its receipt counts nothing closed", async () => {
      const page = await open(SESSION);
      await page.getByRole("button", { name: "Pause" }).click();
      await page.getByRole("button", { name: "Pause session" }).click();
      await page.getByText("Calls under way end by themselves; every later call is refused.").waitFor();
      const receipt = page.getByLabel("receipt", { exact: true });
      expect(await receipt.locator("dt").allTextContents()).toEqual(["Agents that acknowledged", "Not confirmed"]);
      expect(commands().at(-1)?.path).toMatch(/\/pause$/);
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
      const blind = await startDashboard("postgres://nobody@127.0.0.1:9/none", { schedulerUrl: scheduler.url, token: stage.token });
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

    it("asked for before the session's data is there, it stays when that comes, with what was typed", async () => {
      const cable = await layCable(database.readerUrl);
      await cable.cut();
      const blind = await startDashboard(cable.url, { schedulerUrl: scheduler.url, token: stage.token });
      try {
        const page = await open(SESSION, { of: blind });
        await page.keyboard.press("k");
        const dialog = page.getByRole("dialog");
        await dialog.getByRole("heading", { name: "Kill this session?" }).waitFor();
        await dialog.getByRole("textbox").fill("it loops");
        await cable.mend();
        await page.getByRole("heading", { name: "scout", exact: true, includeHidden: true }).waitFor();
        await dialog.getByRole("heading", { name: "Kill scout?" }).waitFor();
        await dialog.getByText("the root and 17 sub-agents").waitFor();
        await dialog.getByRole("button", { name: "Kill session" }).click();
        await dialog.getByLabel("receipt", { exact: true }).waitFor();
        expect(commands().at(-1)?.body).toEqual({ reason: "it loops" });
        await page.close();
        expect(stage.complaints.splice(0).filter((complaint) => !complaint.includes("503"))).toEqual([]);
      } finally {
        await blind.stop();
        await cable.cut();
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
  });
