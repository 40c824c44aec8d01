import type postgres from "postgres";
import { beforeAll, describe, expect, it } from "vitest";
import { formatShare } from "../../../web/src/model/numbers.ts";
import { startDashboard } from "../../support/dashboard.ts";
import { type FleetStage, one } from "../../support/fleet-stage.ts";
import type { TestDatabase } from "../../support/postgres.ts";
import { RUNAWAY_SESSION, RUNAWAY_SUB_AGENTS } from "../../support/seed-fleet.ts";
import { wholeHour } from "../../support/whole-hour.ts";

/** Pools and decisions. */
export const routesTests = (stage: FleetStage) =>
  describe("routes", () => {
    let database: TestDatabase;
    let sql: postgres.Sql;
    beforeAll(() => {
      ({ database, sql } = stage.fleet());
    });

    const { open } = stage;

    it("pools: what is now from the scheduler, what was from the record, and where it breaks even", async () => {
      await wholeHour();
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
      await page
        .getByText(/^It reads 900 tokens a second and writes 48, as measured 3\s?h ago and corrected by 1,240 calls, the first /)
        .waitFor();
      await page.getByText("Since it was set up its hours cost $9.00: $6.50 while it worked, $2.50 while it stood idle.").waitFor();
      await page.locator("tr[data-pool=ryzen-npu]").getByText("unhealthy").waitFor();
    });

    it("decisions: filtered by pool and by what went wrong, each with its candidates", async () => {
      const page = await open("/routes");
      await page.getByRole("radio", { name: "Retried" }).click();
      const list = page.getByRole("list", { name: "decisions" });
      const { count } = await one(
        sql<{ count: number }[]>`select count(distinct parent_span_id)::int as count from spans where attempt > 1`,
      );
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
