import type postgres from "postgres";
import { beforeAll, describe, expect, it } from "vitest";
import type { Dashboard } from "../../support/dashboard.ts";
import type { FleetStage } from "../../support/fleet-stage.ts";
import type { TestDatabase } from "../../support/postgres.ts";
import { writeSpans } from "../../support/seed.ts";
import { makeTurn } from "../../support/seed-fleet.ts";
import { seedMemory } from "../../support/seed-memory.ts";
import { goTo, live } from "../../support/visits.ts";

const HOSTILE = `<img src=x onerror="window.hacked=1">'"\u202e{{7*7}}`;

/** Content and names that attack the page. What they store stays: these are the last. */
export const hostileTests = (stage: FleetStage) =>
  describe("hostile content", () => {
    let database: TestDatabase;
    let sql: postgres.Sql;
    let dashboard: Dashboard;
    beforeAll(() => {
      ({ database, sql, dashboard } = stage.fleet());
    });

    const { open } = stage;

    it("is text on every page", async () => {
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
  });
