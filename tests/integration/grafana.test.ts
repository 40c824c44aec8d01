import { readdirSync, readFileSync } from "node:fs";
import postgres from "postgres";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createDatabase, type TestDatabase } from "../support/postgres.ts";
import { seed } from "../support/seed.ts";

/** Grafana's dashboards against a real database, as the login that it gets. Grafana itself is not here: its macros are filled in as it documents. */

interface Target {
  rawSql?: string;
  format?: string;
}
interface Panel {
  title: string;
  type: string;
  targets: Target[];
}
const folder = new URL("../../deploy/grafana/dashboards/", import.meta.url);
const dashboards = readdirSync(folder).map((file) => ({
  file,
  panels: (JSON.parse(readFileSync(new URL(file, folder), "utf8")) as { panels: Panel[] }).panels,
}));
const HOUR = 3_600_000;
const NOW = Date.now();

let database: TestDatabase;
let reader: postgres.Sql;
let owner: postgres.Sql;
beforeAll(async () => {
  database = await createDatabase();
  await seed(database.url, { now: NOW });
  reader = postgres(database.readerUrl, { max: 1, onnotice: () => {} });
  owner = postgres(database.url, { max: 1, onnotice: () => {} });
  const at = new Date(NOW - HOUR);
  await owner`insert into signalbox.alert_events ${owner({
    event_id: "e1",
    rule_id: "r1",
    rule_version: 1,
    rule_name: "runaway",
    kind: "session_cost",
    subject: "s1",
    value: 6,
    threshold: 5,
    message: "s1 cost $6",
    started_at: at,
    fired_at: at,
    muted: false,
  })}`;
  await owner`insert into signalbox.alert_deliveries ${owner({
    delivery_id: "d1",
    rule_id: "r1",
    event_ids: ["e1"],
    action: "notify",
    occasion: "fired",
    state: "failed",
    attempts: 8,
    next_attempt_at: at,
    created_at: at,
  })}`;
  await owner`insert into signalbox.session_controls ${owner({ id: "s1", state: "killed", reason: "", source: "api", changed_at: at })}`;
});
afterAll(async () => {
  await Promise.all([reader?.end(), owner?.end()]);
  await database?.drop();
});

const literal = (text: string) => `'${text.replaceAll("'", "''")}'`;

/** As Grafana sends it: https://grafana.com/docs/grafana/latest/datasources/postgres/ */
async function filled(sql: string, from = NOW - 24 * HOUR, to = NOW): Promise<string> {
  const projects = await owner`select distinct project from signalbox.route_hour`;
  const text = sql
    .replaceAll("$__timeFrom()", literal(new Date(from).toISOString()))
    .replaceAll("$__timeTo()", literal(new Date(to).toISOString()))
    // biome-ignore lint/suspicious/noTemplateCurlyInString: Grafana's way to write a variable
    .replaceAll("${project:sqlstring}", projects.map(({ project }) => literal(project)).join(","));
  expect(text, "a macro that is not filled in").not.toMatch(/\$\{|\$__/);
  return text;
}

const targets = dashboards.flatMap(({ file, panels }) =>
  panels.flatMap((panel) => panel.targets.flatMap(({ rawSql, format }) => (rawSql === undefined ? [] : [{ file, panel, rawSql, format }]))),
);

it("there is something to ask", () => expect(targets.length).toBeGreaterThan(20));

describe.each(targets)("$file: $panel.title", ({ panel, rawSql, format }) => {
  it("has an answer for the read-only login", async () => {
    const rows = await reader.unsafe(await filled(rawSql));
    expect(rows.length).toBeGreaterThan(0);
    const names = rows.columns.map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
    if (format === "time_series") {
      expect(names).toHaveLength(3);
      expect(names.slice(0, 2)).toEqual(["time", "metric"]);
      for (const row of rows) {
        expect(row.time).toBeInstanceOf(Date);
        expect(row.metric, "a legend's name").toBeTruthy();
      }
    }
    if (panel.type === "stat") expect(rows).toHaveLength(1);
    expect(rows.some((row) => Object.values(row).some((value) => value !== null))).toBe(true);
  });

  it("has no error where there is nothing", async () => {
    await reader.unsafe(await filled(rawSql, NOW - 400 * 24 * HOUR, NOW - 399 * 24 * HOUR));
  });
});

it("says what the spans say: cost by route adds up to the cost of the calls", async () => {
  const panel = dashboards.find(({ file }) => file === "cost.json")?.panels.find(({ type }) => type === "timeseries");
  const rows = await reader.unsafe(await filled(panel?.targets[0]?.rawSql ?? "", NOW - 400 * 24 * HOUR, NOW));
  const [calls] = await owner`select sum(cost_nusd) / 1e9 as usd from signalbox.spans where is_call`;
  expect(rows.reduce((sum, row) => sum + Number(row.usd), 0)).toBeCloseTo(Number(calls?.usd), 6);
  expect(Number(calls?.usd)).toBeGreaterThan(0);
});

it("asks no more than the tables that deploy/README.md grants", () => {
  const granted = readFileSync(new URL("../../deploy/README.md", import.meta.url), "utf8").match(/grant select on ([^;]+) to grafana/)?.[1];
  const asked = new Set(targets.flatMap(({ rawSql }) => rawSql.match(/signalbox\.\w+/g) ?? []));
  expect([...asked].sort()).toEqual(granted?.split(/,\s*/).sort());
});

it("the login reads and can do nothing else", async () => {
  await expect(reader`delete from signalbox.spans`).rejects.toThrow(/permission denied|read-only/);
  await expect(reader`select * from signalbox.channel_secrets`).rejects.toThrow("permission denied");
});
