import type postgres from "postgres";
import { beforeAll, describe, expect, it } from "vitest";
import { type FleetStage, one } from "../../support/fleet-stage.ts";
import type { TestDatabase } from "../../support/postgres.ts";
import { writeSpans } from "../../support/seed.ts";
import { makeTurn } from "../../support/seed-fleet.ts";
import { live } from "../../support/visits.ts";

/** The live stream of events. */
export const brainTests = (stage: FleetStage) =>
  describe("brain", () => {
    let database: TestDatabase;
    let sql: postgres.Sql;
    beforeAll(() => {
      ({ database, sql } = stage.fleet());
    });

    const { open } = stage;

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
