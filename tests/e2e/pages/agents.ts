import type postgres from "postgres";
import { beforeAll, describe, expect, it } from "vitest";
import { type FleetStage, one } from "../../support/fleet-stage.ts";
import { RUNAWAY_SESSION, RUNAWAY_SUB_AGENTS } from "../../support/seed-fleet.ts";
import { goTo } from "../../support/visits.ts";

/** Trees of agents. */
export const agentsTests = (stage: FleetStage) =>
  describe("agents", () => {
    let sql: postgres.Sql;
    beforeAll(() => {
      ({ sql } = stage.fleet());
    });

    const { open } = stage;

    it("the runaway is marked, its tree adds up, and opens", async () => {
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
  });
