import type { Page } from "playwright-core";
import type postgres from "postgres";
import { beforeAll, beforeEach, describe, expect, it } from "vitest";
import { MOST_COUNTED_CALLS } from "../../../web/src/api/cost.ts";
import { formatMoney } from "../../../web/src/model/money.ts";
import { formatShare } from "../../../web/src/model/numbers.ts";
import { type FleetStage, one } from "../../support/fleet-stage.ts";
import { RUNAWAY_SESSION, RUNAWAY_SUB_AGENTS } from "../../support/seed-fleet.ts";
import { wholeHour } from "../../support/whole-hour.ts";

/** Why it cost what it did. */
export const explainTests = (stage: FleetStage) =>
  describe("explain", () => {
    let sql: postgres.Sql;
    beforeAll(() => {
      ({ sql } = stage.fleet());
    });
    beforeEach(() => wholeHour());

    const { open } = stage;

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
      const periods = await one(sql<
        { cost: string; calls: number; before: string; unknown: number; comparable: string; baseline: string }[]
      >`
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

    it("says which two periods it compares, and that a busy hour goes by whole hours", async () => {
      const periods = async (address: string) => {
        const page = await open(address);
        const said = (await page.locator("[data-periods]").textContent()) ?? "";
        return said.replaceAll(/\d\d:\d\d/g, "T");
      };
      expect(await periods("/explain?range=1h")).toBe("by whole minutes: T to T, against T to T");
      await sql`insert into place_minute select 99, date_trunc('minute', now()) - interval '3 minutes', 'busy', '', '', '', '', '', '', '', '', ${MOST_COUNTED_CALLS}, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0`;
      try {
        expect(await periods("/explain?range=1h")).toBe("by whole hours: T to T, against T to T, for these are more than 50,000 calls");
        const tokens = await open("/tokens?range=1h&group=agent");
        await tokens.getByText("by whole hours, for these are more than 50,000 calls").waitFor();
      } finally {
        await sql`delete from place_minute where slot = 99`;
      }
      expect(await periods("/explain?range=24h")).toMatch(/^by whole hours: \d+ \w+, T to [^,]+, T, against [^,]+, T to [^,]+, T$/);
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
      const { cost } = await one(
        sql<{ cost: string }[]>`select sum(cost_nusd) as cost from spans where is_call and start_time >= ${bounds}`,
      );
      expect(String(amounts.reduce((sum, amount) => sum + BigInt(amount), 0n))).toBe(cost);
    });
  });
