import postgres from "postgres";
import { afterEach, beforeEach, expect, it } from "vitest";
import { createDatabase, type TestDatabase } from "../support/postgres.ts";
import { alertingCollector, call, change, eventually, sendNow, spawned } from "./alerting-support.ts";

let database: TestDatabase;
let sql: postgres.Sql;
let collector: Awaited<ReturnType<typeof alertingCollector>>;
// a second try has to find nothing of the first
beforeEach(async () => {
  database = await createDatabase();
  sql = postgres(database.url, { max: 1, onnotice: () => {}, connection: { search_path: "signalbox" } });
  collector = await alertingCollector(database.url, { yaml: "resolve_seconds: 1" });
});
afterEach(async () => {
  await collector.close();
  await sql.end();
  await database.drop();
});

const tool = (session: string, name: string, given: string) => ({
  name: `execute_tool ${name}`,
  attributes: {
    "session.id": session,
    "gen_ai.operation.name": "execute_tool",
    "gen_ai.tool.name": name,
    "gen_ai.tool.call.arguments": given,
  },
});
const routed = (session: string, route: string, failed: boolean) =>
  call(session, 0.1, { attributes: { "signalbox.route": route, "signalbox.sla.met": !failed }, ...(failed && { error: "overloaded" }) });
const many = <T>(count: number, make: (index: number) => T): T[] => Array.from({ length: count }, (_, index) => make(index));

const CONDITIONS = [
  { kind: "session_cost", threshold: 5 },
  { kind: "sub_agents", threshold: 3, window_seconds: 2 },
  { kind: "sub_agents", threshold: 3, window_seconds: 2, per: "agent" },
  { kind: "spend_rate", threshold: 3, window_seconds: 3 },
  { kind: "spend_rate", threshold: 1, window_seconds: 60, per: "session" },
  { kind: "error_rate", threshold: 0.4, window_seconds: 60, per: "route", min_calls: 5 },
  { kind: "sla_missed", threshold: 0.4, window_seconds: 3, per: "all", min_calls: 5 },
  { kind: "loop", threshold: 3, window_seconds: 60 },
  { kind: "silence", threshold: 1 },
];

/** What a subject's alert began and ended with, to the second: a live one and one that is looked back at. */
interface Seen {
  subject: string;
  started: number;
  ended: number | null;
}
const seconds = (time: string | Date) => Math.round(new Date(time).getTime() / 1000);
const inOrder = (seen: Seen[]) => seen.sort((a, b) => a.subject.localeCompare(b.subject) || a.started - b.started);

// Rules are looked at once a second: on a machine that stalls for longer, what held for a second is not seen live. What comes just before a second is
// over is seen a second later live, and looked back at in its place: so all comes in the first half of one.
const PHASE_MS = 150;
const AGAIN = { timeout: 60_000, retry: 2 };
it("a preview over what was stored says of every kind of rule just what it did when the spans arrived", AGAIN, async () => {
  const rules = new Map<string, object>();
  for (const [index, condition] of CONDITIONS.entries()) {
    const { rule_id } = await change(collector.url, "rules", { name: `${index}`, condition });
    rules.set(rule_id as string, condition);
  }
  const started = Math.ceil(Date.now() / 1000) * 1000 + PHASE_MS;
  const from = new Date(started - 1_000).toISOString();
  const after = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, started + milliseconds - Date.now()));
  // the time between is what is tested: windows pass, and silences last
  await after(0);
  await sendNow(collector.url, [...many(6, () => routed("s1", "a", false)), ...many(3, (index) => spawned("s1", `s1:${index}`))]);
  await after(1_000);
  await sendNow(collector.url, [
    ...many(6, () => routed("s2", "a", true)),
    ...many(6, () => routed("s1", "b", false)),
    ...many(5, (index) => spawned("s2", `s2:${index}`)),
    ...many(4, () => tool("s1", "read", '{"file":"same"}')),
    ...many(4, (index) => tool("s2", "read", `{"file":"${index}"}`)),
    call("s1", 4.9),
  ]);
  await after(4_000);
  await sendNow(collector.url, [
    ...many(5, (index) => spawned("s2", `s2:again:${index}`)),
    call("s1", 0.2),
    ...many(20, () => routed("s3", "b", false)),
  ]);
  await after(6_000);
  await sendNow(collector.url, [call("s4", 0.01)]);

  const fired = new Map<string, number>();
  for (const [rule_id, condition] of rules) {
    await eventually(
      async () => {
        const to = new Date().toISOString();
        type Preview = { alerts: { subject: string; started_at: string; ended_at: string | null }[] };
        const { alerts } = await change<Preview>(collector.url, "preview", { condition, from, to });
        const looked = inOrder(
          alerts.map(({ subject, started_at, ended_at }) => ({
            subject,
            started: seconds(started_at),
            ended: ended_at === null ? null : seconds(ended_at),
          })),
        );
        const rows = await sql`select subject, started_at, ended_at from alert_events where rule_id = ${rule_id}`;
        const lived = inOrder(
          rows.map(({ subject, started_at, ended_at }) => ({
            subject,
            started: seconds(started_at),
            ended: ended_at === null ? null : seconds(ended_at),
          })),
        );
        fired.set(JSON.stringify(condition), lived.length);
        try {
          expect(lived).toEqual(looked);
        } catch {
          return undefined;
        }
        return true;
      },
      `the same alerts of ${JSON.stringify(condition)}`,
      8,
    );
  }
  // a comparison of nothing with nothing would say nothing
  expect([...fired].filter(([, count]) => count === 0)).toEqual([]);
});

it("of what only the scheduler knows there is no history, and it says so", async () => {
  const ask = {
    condition: { kind: "budget", threshold: 0.8 },
    from: new Date(Date.now() - 3_600_000).toISOString(),
    to: new Date().toISOString(),
  };
  expect(await change(collector.url, "preview", ask)).toMatchObject({ unavailable: expect.stringContaining("no history"), count: 0 });
  await expect(change(collector.url, "preview", { ...ask, from: ask.to, to: ask.from })).rejects.toThrow("400: from: is not before to");
});
