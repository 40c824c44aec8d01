/** What cost most, and where sessions ran, as the dashboard reads it from indexes: the same as from all spans added up. */
import { Operation } from "@signalbox/otel/conventions";
import postgres from "postgres";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { MARK_STORED_ALIASES } from "../../collector-processor/src/sql/stored-aliases.ts";
import type { CostGroup } from "../../web/src/api/cost.ts";
import { costByGroup } from "../../web/src/queries/cost-by-group.ts";
import { explainSessions } from "../../web/src/queries/explain-sessions.ts";
import { listSessions } from "../../web/src/queries/list-sessions.ts";
import { listTrees } from "../../web/src/queries/list-trees.ts";
import { connectionOptions } from "../../web/src/server/database.ts";
import { loneSpan } from "../support/lone-span.ts";
import { createDatabase, type TestDatabase } from "../support/postgres.ts";
import { randomSource } from "../support/random-source.ts";
import { writeSpans } from "../support/seed.ts";
import type { SeedSpan } from "../support/seed-fleet.ts";

const HOUR_US = 3_600_000_000;
const BEGIN_US = Date.parse("2026-11-01T00:00:00Z") * 1000;
const HOURS = 120;
const MOST = 12;

const next = randomSource(7);
const random = (below: number) => Math.floor(next() * below);

const call = (
  session: string,
  agent: string,
  at: number,
  cost: number | null,
  silicon: string | null,
  parent: string | null = null,
): SeedSpan =>
  loneSpan(session, at, {
    agent_id: agent,
    parent_agent_id: parent,
    depth: parent === null ? 0 : 1,
    name: "chat",
    operation: Operation.chat,
    kind: 3,
    is_call: true,
    agent_name: agent,
    columns: { cost_nusd: cost, silicon },
  });

const SILICONS = ["cpu", "gpu", "npu", "cloud", "tpu", null];
/** Many cost the same, some nothing, some an unknown sum; a few take days. Every fourth has sub-agents; two ids are agents of several sessions. */
function fleet(): SeedSpan[] {
  const spans: SeedSpan[] = [];
  for (let number = 0; number < 240; number++) {
    const id = number % 6 === 5 ? `t:${number.toString(16).padStart(32, "0")}` : `session-${number}`;
    const begins = random(HOURS * 60) * 60_000_000;
    const takes = number % 7 === 0 ? 40 * HOUR_US : HOUR_US / 2;
    const calls = 1 + random(6);
    for (let index = 0; index < calls; index++) {
      const isSub = number % 4 === 0 && index > 0;
      const agent = isSub
        ? index === 5
          ? "shared-sub"
          : `${id}-sub-${index % 3}`
        : number % 9 === 0
          ? ""
          : number % 11 === 0
            ? "shared"
            : id;
      const at = BEGIN_US + Math.min(begins + random(1000) * (takes / 1000), HOURS * HOUR_US - 1);
      const cost = number % 13 === 0 ? 0 : random(20) === 0 ? null : random(4) * 1_000 * (number % 29 === 0 ? 50 : 1);
      spans.push(call(id, agent, at, cost, SILICONS[random(SILICONS.length)] ?? null, isSub ? id : null));
    }
  }
  return spans;
}

/** alias, session: traces that a session was named for later, sub-agents that named themselves, one below the other. */
const FIRST_ALIASES = [0, 1, 2, 3, 4, 5].map(
  (place) => [`t:${(place * 24 + 5).toString(16).padStart(32, "0")}`, `session-${place * 3 + 1}`] as const,
);
const LATER_ALIASES = [
  ...[6, 7, 8].map((place) => [`t:${(place * 24 + 5).toString(16).padStart(32, "0")}`, `session-${place * 3 + 1}`] as const),
  ["session-20", "session-21"],
  ["session-21", "session-22"],
  // so long that roots_between() follows it one by one
  ["session-22", "session-23"],
  ["session-23", "session-24"],
  ["session-100", "session-28"],
  ["session-31", "session-104"],
] as const;

let database: TestDatabase;
let sql: postgres.Sql;
let spans: SeedSpan[];
const aliases = new Map<string, string>();

beforeAll(async () => {
  database = await createDatabase();
  sql = postgres(database.url, { ...connectionOptions(), max: 1 });
  spans = fleet();
  await writeSpans(database.url, spans);
  // as a collector: calls that name no agent have no row there
  await sql`delete from agents where agent_id = ''`;
});
afterAll(async () => {
  await sql?.end();
  await database?.drop();
});

async function join(some: readonly (readonly [string, string])[]): Promise<void> {
  for (const [alias, session] of some) {
    aliases.set(alias, session);
    await sql`insert into session_aliases (alias, session_id) values (${alias}, ${session})`;
  }
}
function rootOf(id: string): string {
  let root = id;
  for (let next = aliases.get(root); next !== undefined; next = aliases.get(root)) root = next;
  return root;
}

const time = (hour: number) => new Date((BEGIN_US + hour * HOUR_US) / 1000).toISOString();
const within = (from: number, to: number) => (span: SeedSpan) =>
  span.start_us >= BEGIN_US + from * HOUR_US && span.start_us < BEGIN_US + to * HOUR_US;
const costOf = (some: readonly SeedSpan[]) => some.reduce((sum, span) => sum + Number(span.columns.cost_nusd ?? 0), 0);
const byText = (left: string, right: string) => (left < right ? -1 : Number(left > right));

/** The order of the statements' own: the most, then calls, then the name. */
function dearest(name: (span: SeedSpan) => string, from: number, to: number) {
  return [...Map.groupBy(spans.filter(within(from, to)), name)]
    .map(([id, calls]) => ({ id, cost: costOf(calls), calls: calls.length }))
    .sort((left, right) => right.cost - left.cost || right.calls - left.calls || byText(left.id, right.id));
}

async function expectAll(): Promise<void> {
  for (const [beforeFrom, from, to] of [
    [0, 60, 120],
    [40, 60, 80],
    [10, 11, 12],
    [-120, 0, 120],
    [100, 110, 120],
    [-20, -10, 0],
  ] as const)
    await expectExplained(beforeFrom, from, to);
  for (const [from, to] of [
    [0, 120],
    [30, 70],
    [64, 65],
    [-10, 0],
  ] as const) {
    for (const top of [1, 7, 50, 1_000]) await expectAgents(from, to, top);
    for (const offset of [0, 5, 40]) await expectSessions(from, to, offset);
  }
  await expectLists();
}

async function expectExplained(beforeFrom: number, from: number, to: number): Promise<void> {
  const rows = await explainSessions(sql, { source: "hours", beforeFrom: time(beforeFrom), from: time(from), to: time(to) });
  const groups = [...Map.groupBy(spans.filter(within(beforeFrom, to)), (span) => rootOf(span.session_id))].map(([id, calls]) => {
    const [now, before] = [calls.filter(within(from, to)), calls.filter(within(beforeFrom, from))];
    return { id, now, before, change: Math.abs(costOf(now) - costOf(before)), calls: calls.length };
  });
  const expected = groups.sort((a, b) => b.change - a.change || b.calls - a.calls || byText(a.id, b.id)).slice(0, MOST);
  const found = rows.filter((row) => row.by === "session");
  const key = (row: { session_id: string | null }) => row.session_id ?? "";
  expect(found.map((row) => [key(row), row.calls, row.before_calls, row.cost_nusd, row.before_cost_nusd].join()).sort()).toEqual(
    expected.map(({ id, now, before }) => [id, now.length, before.length, costOf(now), costOf(before)].join()).sort(),
  );
  // each agent of these, and none of another
  const agents = expected.flatMap(({ id, now, before }) => [...new Set([...now, ...before].map((span) => `${id} ${span.agent_id}`))]);
  expect(rows.flatMap((row) => (row.by === "agent" ? [`${row.session_id} ${row.agent_id}`] : [])).sort()).toEqual(agents.sort());

  const silicons = groups.filter(({ now }) => now.length > 0).map(({ now }) => mostOf(now.map((span) => String(span.columns.silicon))));
  const counted = [...Map.groupBy(silicons, (silicon) => silicon)].map(([silicon, all]) => ({ silicon, sessions: all.length }));
  expect(rows.find((row) => row.sessions_by_silicon)?.sessions_by_silicon ?? []).toEqual(
    counted.sort((a, b) => b.sessions - a.sessions || byText(a.silicon, b.silicon)),
  );
}

function mostOf(silicons: readonly string[]): string {
  const names = ["cloud", "cpu", "gpu", "npu"];
  const counts = names.map((name) => ({ name, calls: silicons.filter((silicon) => silicon === name).length }));
  const other = { name: "", calls: silicons.filter((silicon) => !names.includes(silicon)).length };
  return [...counts, other].reduce((most, one) => (one.calls > most.calls ? one : most)).name;
}

const grouped = (group: CostGroup, from: number, to: number, more: { top?: number; limit: number; offset: number }) =>
  costByGroup(sql, {
    source: "session_hour",
    groupBy: [group],
    from: time(from),
    to: time(to),
    bucket: null,
    tz: "UTC",
    top: undefined,
    ...more,
  });

async function expectAgents(from: number, to: number, top: number): Promise<void> {
  const rows = await grouped("agent", from, to, { top, limit: 2_000, offset: 0 });
  const all = dearest((span) => span.agent_id, from, to);
  // which agents are the dearest is decided by cost, then by name
  const expected = new Set([...all].sort((a, b) => b.cost - a.cost || byText(a.id, b.id)).slice(0, top));
  expect(rows.map((row) => [row.agent, row.cost_nusd, row.calls].join())).toEqual(
    all.filter((one) => expected.has(one)).map(({ id, cost, calls }) => [id, cost, calls].join()),
  );
}

async function expectSessions(from: number, to: number, offset: number): Promise<void> {
  const rows = await grouped("session", from, to, { limit: 20, offset });
  expect(rows.map((row) => [row.session, row.cost_nusd, row.calls].join())).toEqual(
    dearest((span) => rootOf(span.session_id), from, to)
      .slice(offset, offset + 21)
      .map(({ id, cost, calls }) => [id, cost, calls].join()),
  );
}

async function expectLists(): Promise<void> {
  const own = [...Map.groupBy(spans, (span) => span.session_id)]
    .filter(([id]) => !aliases.has(id))
    .map(([id, calls]) => ({ id, cost: costOf(calls) }))
    .sort((a, b) => b.cost - a.cost || byText(b.id, a.id));
  const listed: string[] = [];
  for (let cursor: { cost: string; id: string } | undefined, more = true; more; ) {
    const page = await listSessions(sql, { show: "all", sort: "cost", limit: 30 }, cursor);
    more = page.length > 30;
    listed.push(...page.slice(0, 30).map((row) => row.session_id));
    cursor = page[29] && { cost: page[29].order_cost, id: page[29].session_id };
  }
  expect(listed).toEqual(own.map(({ id }) => id));

  const trees = [...Map.groupBy(spans, (span) => rootOf(span.session_id))]
    .filter(([, calls]) => calls.some((span) => span.parent_agent_id !== null))
    .map(([id, calls]) => ({ id, cost: costOf(calls) }))
    .sort((a, b) => b.cost - a.cost || byText(a.id, b.id));
  for (const offset of [0, 10, 40])
    expect((await listTrees(sql, { show: "all", sort: "cost", limit: 15 }, offset)).map((row) => row.session_id)).toEqual(
      trees.slice(offset, offset + 16).map(({ id }) => id),
    );
}

describe("sessions, agents and trees that cost most, and the silicon of sessions", () => {
  it("where none stands for another", expectAll);

  it("where traces and sub-agents belong to a session, before and after a collector has said which traces are stored", async () => {
    await join(FIRST_ALIASES);
    await expectAll();
    await sql.unsafe(MARK_STORED_ALIASES);
    expect(await sql`select alias from session_aliases where is_stored`).toHaveLength(FIRST_ALIASES.length);
    await expectAll();
    // later ones are not said yet
    await join(LATER_ALIASES);
    await expectAll();
    await sql.unsafe(MARK_STORED_ALIASES);
    await expectAll();
  });

  it("where spans come late: of a root, of what stands for it, and of a session that stood alone", async () => {
    const late = ["session-24", "session-20", LATER_ALIASES[0][0], "session-50"].flatMap((id, number) =>
      [-30, 5, 61, 118].map((hour) => call(id, id, BEGIN_US + hour * HOUR_US + number, 70_000 + number, "npu")),
    );
    await writeSpans(database.url, late);
    spans.push(...late);
    await expectAll();
  });

  it("where more sessions cost as much as a dear agent than are looked into one by one", async () => {
    const alike = Array.from({ length: 1_300 }, (_, number) => {
      const at = BEGIN_US + (number % HOURS) * HOUR_US;
      const id = `alike-${number}`;
      return [0, 1, 2, 3].map((sub) => call(id, `${id}-sub-${sub}`, at, 50_000 + ((number * 7 + sub * 13) % 400), "gpu", id));
    }).flat();
    await writeSpans(database.url, alike);
    spans.push(...alike);
    await expectAgents(0, 120, 100);
    await expectAgents(30, 70, 3);
    await expectExplained(0, 60, 120);
  });
});

it("finds sessions by words in either case, whatever their alphabet", async () => {
  await writeSpans(database.url, [{ ...call("Searched-1", "Searched-1", BEGIN_US, 1, null), agent_name: "Zoë 100%", user_id: "ÉMILE" }]);
  const found = async (q: string) =>
    (await listSessions(sql, { q, show: "all", sort: "recent", limit: 50 }, undefined)).map((row) => row.session_id);
  for (const q of ["searched-1", "SEARCHED", "ZO", "zoë", "ZOË", "émile", "Émile", "cli émile", "0% OTHER CLI", "Zoë 100%"])
    expect(await found(q), q).toEqual(["Searched-1"]);
  for (const q of ["zo_", "100%%", "searched_1", "zoe"]) expect(await found(q), q).toEqual([]);
});
