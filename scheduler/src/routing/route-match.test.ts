import { expect, test } from "vitest";
import { parseConfig } from "../config.ts";
import { compileExpression } from "./expression.ts";
import { createRouteTable, type RouteSubject } from "./route-match.ts";
import { createTimeWindow } from "./time-window.ts";

const SUBJECT: RouteSubject = {
  task: undefined,
  sla: "standard",
  user: undefined,
  key: undefined,
  role: undefined,
  applications: () => [],
  endpoint: "chat",
  agentKind: "other",
  agentName: undefined,
  agentDepth: undefined,
  promptTokens: 100,
  promptBytes: 400,
  now: Date.parse("2026-11-21T12:00:00Z"),
  tools: false,
  images: () => false,
  lastUserText: () => "",
};

/** The table of a config file's `routes`, so that defaults are the schema's. */
function table(routes: string, more = "") {
  const config = parseConfig(
    `pools: [{ name: p, silicon: gpu, engine: openai-compatible, base_url: "http://x/v1", models: [{ id: m }] }]
keys: [{ name: laptop, key: 12345678, role: admin }]
semantic: { embeddings: { pool: p, model: m } }
routes: [${routes}]
${more}`.replace("12345678", '"12345678"'),
    "c.yaml",
    {},
  );
  return createRouteTable(config.routes);
}
const route = (when: string, name = "r") => `{ name: ${name}, when: ${when}, use: {} }`;

test.each<[string, Partial<RouteSubject>, Partial<RouteSubject>, string]>([
  ["{ keys: [laptop] }", { key: "laptop" }, { key: undefined }, "key laptop"],
  ["{ roles: [admin] }", { role: "admin" }, { role: "guest" }, "role admin"],
  [
    "{ applications: [claude-cli/*] }",
    { applications: () => ["Claude-CLI/2.1"] },
    { applications: () => ["curl/8"] },
    "application claude-cli/2.1",
  ],
  ["{ endpoints: [embeddings] }", { endpoint: "embeddings" }, { endpoint: "chat" }, "endpoint embeddings"],
  ["{ agents: [codex] }", { agentKind: "codex" }, { agentKind: "openclaw" }, "agent codex"],
  ["{ agent_names: [Explore*] }", { agentName: "Explorer" }, {}, "agent name Explorer"],
  ["{ agent_depth_above: 0 }", { agentDepth: 1 }, { agentDepth: undefined }, "depth 1 > 0"],
  ["{ agent_depth_below: 1 }", { agentDepth: 0 }, { agentDepth: 1 }, "depth 0 < 1"],
  ["{ tools: true }", { tools: true }, { tools: false }, "tools"],
  ["{ tools: false }", { tools: false }, { tools: undefined }, "no tools"],
  ["{ images: true }", { images: () => true }, { images: () => false }, "images"],
  ["{ prompt_bytes_above: 500 }", { promptBytes: 501 }, { promptBytes: 500 }, "prompt bytes 501 > 500"],
  ["{ prompt_tokens_below: 50 }", { promptTokens: 49 }, { promptTokens: 50 }, "prompt tokens 49 < 50"],
  ["{ keywords: [Invoice] }", { lastUserText: () => "the INVOICE of may" }, { lastUserText: () => "voice" }, 'keyword "invoice"'],
  [
    '{ pattern: "(?i)\\\\bjira-[0-9]+" }',
    { lastUserText: () => "see JIRA-12" },
    { lastUserText: () => "jira" },
    "pattern (?i)\\bjira-[0-9]+",
  ],
  ["{ users: [acme/*], task: [cron] }", { user: "acme/a", task: "cron" }, { user: "acme/a" }, "task cron, user acme/a"],
])("%s holds, and says why", (when, holds, fails, why) => {
  const { choose } = table(route(when));
  expect(choose({ ...SUBJECT, ...holds })).toMatchObject({ route: { name: "r" }, why });
  expect(choose({ ...SUBJECT, ...fails })).toEqual({ route: undefined, why: "no route matched", score: undefined });
});

test("the first in the file's order wins", () => {
  const { choose } = table([route("{ task: [cron] }", "a"), route("{}", "b"), route("{ task: [cron] }", "c")].join(", "));
  expect(choose({ ...SUBJECT, task: "cron" }).route?.name).toBe("a");
  expect(choose(SUBJECT)).toMatchObject({ route: { name: "b" }, why: "no conditions" });
});

test.each([
  ["2026-11-20T08:59:59Z", false],
  ["2026-11-20T09:00:00Z", true],
  ["2026-11-20T16:59:59Z", true],
  ["2026-11-20T17:00:00Z", false],
  ["2026-11-21T12:00:00Z", false],
])("working hours at %s: %s", (at, open) => {
  const window = createTimeWindow({ days: ["mon", "tue", "wed", "thu", "fri"], from: "09:00", to: "17:00", timezone: "UTC" });
  expect(window(Date.parse(at))).toBe(open);
});

test.each([
  // Friday's night goes on into Saturday; Saturday's does not begin.
  ["2026-11-20T21:59:00Z", false],
  ["2026-11-20T22:00:00Z", true],
  ["2026-11-21T05:59:00Z", true],
  ["2026-11-21T06:00:00Z", false],
  ["2026-11-21T23:00:00Z", false],
])("Friday night at %s: %s", (at, open) => {
  expect(createTimeWindow({ days: ["fri"], from: "22:00", to: "06:00", timezone: "UTC" })(Date.parse(at))).toBe(open);
});

test("summer time is followed: nine o'clock in Berlin is another hour in July", () => {
  const open = createTimeWindow({ from: "09:00", to: "10:00", timezone: "Europe/Berlin" });
  const hours = (day: string) =>
    Array.from({ length: 24 }, (_, hour) => hour).filter((hour) => open(Date.parse(`${day}T00:30:00Z`) + hour * 3_600_000));
  expect([hours("2026-07-01"), hours("2026-12-01")]).toEqual([[7], [8]]);
});

test("of several windows one must hold", () => {
  const { choose } = table(route('{ time: [{ to: "01:00" }, { from: "11:00", to: "13:00" }] }'));
  expect(choose(SUBJECT).why).toBe("time 11:00–13:00 UTC");
  expect(choose({ ...SUBJECT, now: undefined }).route).toBeUndefined();
});

test("expressions that ruin a backtracking engine come to an end", () => {
  // JavaScript's own engine doubles its time with each further letter: 40 of them would already take minutes.
  const text = `${"a".repeat(16_384)}!`;
  for (const source of ["^(a|a|b?)*(a+)+$", "(a*)*c", "(?:a?){100}a{100}$"]) expect(compileExpression(source)(text)).toBe(false);
});

test("a route by meaning needs its score, says it, and says when there was none", () => {
  const { choose, needsLikeness } = table(
    [
      route("{ task: [cron] }", "first"),
      route("{ users: [a], semantic: { examples: [book a flight], threshold: 0.8 } }", "travel"),
      route("{}", "rest"),
    ].join(", "),
  );
  const subject = { ...SUBJECT, user: "a" };
  expect([needsLikeness(subject), needsLikeness(SUBJECT), needsLikeness({ ...subject, task: "cron" })]).toEqual([true, false, false]);
  const near = (score: number) => ({ of: () => ({ score, example: "book a flight" }) });
  expect(choose(subject, near(0.8))).toMatchObject({ route: { name: "travel" }, score: 0.8, why: 'user a, means "book a flight" (0.800)' });
  expect(choose(subject, near(0.79))).toMatchObject({ route: { name: "rest" }, score: undefined });
  expect(choose(subject, { of: () => undefined, skipped: "no vector within 50 ms" }).why).toBe(
    "no conditions; matching by meaning was left out: no vector within 50 ms",
  );
});
