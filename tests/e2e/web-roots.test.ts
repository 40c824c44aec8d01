import postgres from "postgres";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Dashboard, startDashboard } from "../support/dashboard.ts";
import { createDatabase, type TestDatabase } from "../support/postgres.ts";
import { seed, writeSpans } from "../support/seed.ts";
import { makeTurn, type SeedSpan } from "../support/seed-fleet.ts";

/** A root; a sub-agent that named only itself; one of that one; and a trace of the last that named no session. */
const ROOT = "agent:chain:main";
const CHAIN = [ROOT, "chain-sub", "chain-sub-sub"] as const;

let database: TestDatabase;
let dashboard: Dashboard;
let sql: postgres.Sql;
let members: string[];
let spans: SeedSpan[];

beforeAll(async () => {
  database = await createDatabase();
  sql = postgres(database.url, { max: 1, onnotice: () => {}, connection: { search_path: "signalbox", TimeZone: "UTC" } });
  await seed(database.url);
  const now = Date.now();
  const turns = CHAIN.map((id, index) => makeTurn(id, "chain", now - index * 1_000, 500 + index));
  const stray = makeTurn("stray", "chain", now - 4_000, 510);
  const trace = `t:${stray[0]?.trace_id}`;
  spans = [...turns.flat(), ...stray.map((span) => ({ ...span, session_id: trace, agent_id: trace }))];
  for (const span of turns[2] ?? [])
    if (span.is_call) Object.assign(span, { status: 2, columns: { ...span.columns, status_message: "the far end of a chain broke" } });
  await writeSpans(database.url, spans);
  members = [...CHAIN, trace];
  for (const [index, id] of members.entries())
    if (index > 0) {
      await sql`insert into session_aliases values (${id}, ${members[index - 1] as string})`;
      await sql`update agents set parent_agent_id = ${members[index - 1] as string}, depth = ${index} where session_id = ${id}`;
    }
  dashboard = await startDashboard(database.readerUrl);
});
afterAll(async () => {
  await dashboard?.stop();
  await sql?.end();
  await database?.drop();
});

interface Row {
  [name: string]: unknown;
  session_id: string;
}
async function get<T = { data: Row[]; next: string | null }>(path: string): Promise<T> {
  const response = await fetch(`${dashboard.url}/api/v1/${path}`, { headers: { authorization: `Bearer ${dashboard.token}` } });
  expect(response.status, path).toBe(200);
  return (await response.json()) as T;
}
const ofChain = (rows: readonly Row[]) => rows.filter((row) => members.includes(row.session_id));
const costOf = (some: readonly SeedSpan[]) =>
  String(some.reduce((sum, span) => sum + BigInt(span.is_call ? Number(span.columns.cost_nusd) : 0), 0n));

describe("whatever stands for another session, at any depth, is shown under its root", () => {
  it("the list of sessions has the root alone, with what all of them did", async () => {
    const rows = ofChain((await get("sessions?limit=500")).data);
    expect(rows).toMatchObject([
      { session_id: ROOT, cost_nanousd: costOf(spans), calls: spans.filter((span) => span.is_call).length, sub_agents: 3 },
    ]);
    for (const id of members) {
      expect(await get<Row>(`sessions/${encodeURIComponent(id)}`)).toMatchObject({ session_id: ROOT });
      const { data } = await get(`sessions/${encodeURIComponent(id)}/timeline?limit=5000`);
      expect(data.map((span) => span.span_id).sort()).toEqual(spans.map((span) => span.span_id).sort());
    }
  });

  it("events and decisions", async () => {
    for (const path of ["events?limit=500", "decisions?limit=500"]) {
      const rows = ofChain((await get(path)).data);
      expect(rows.length).toBeGreaterThanOrEqual(members.length);
      expect(new Set(rows.map((row) => row.session_id))).toEqual(new Set([ROOT]));
    }
    const { data } = await get(`decisions?session=${encodeURIComponent(members[3] as string)}`);
    expect(data).toHaveLength(spans.filter((span) => span.operation === "schedule").length);
  });

  it("trees, in every order", async () => {
    for (const order of ["sort=recent", "sort=agents", "sort=cost", "show=active"]) {
      const { data } = await get(`trees?limit=500&${order}`);
      expect(ofChain(data)).toMatchObject([{ session_id: ROOT, sub_agents: 3, depth: 3, cost_nanousd: costOf(spans) }]);
    }
  });

  it("cost by session, the explanation, who holds a pool, and what needs attention", async () => {
    expect((await get("cost?group_by=session&from=-24h")).data.filter((row) => members.includes(String(row.session)))).toMatchObject([
      { session: ROOT, cost_nanousd: costOf(spans) },
    ]);
    for (const from of ["-1h", "-24h", "-7d"]) {
      const { contributions } = await get<{ contributions: Row[] }>(`explain?from=${from}`);
      const rows = ofChain(contributions.filter((row) => row.by === "session"));
      expect(rows.map((row) => row.session_id)).not.toEqual(expect.arrayContaining(members.slice(1)));
      for (const row of rows) expect(row).toMatchObject({ session_id: ROOT, cost_nanousd: costOf(spans) });
    }
    const held = (await get("pools?from=-24h")).data.flatMap((pool) => pool.holders as Row[]);
    expect(held.filter((row) => members.slice(1).includes(row.session_id))).toEqual([]);
    const { data } = await get("attention");
    expect(data.find((item) => item.kind === "errors" && item.detail === "the far end of a chain broke")).toMatchObject({
      session_id: ROOT,
    });
  });
});

it("decisions with a second attempt come newest first, page by page, each once", async () => {
  const retried: SeedSpan[] = [];
  for (let index = 0; index < 60; index++) {
    const turn = makeTurn(`agent:retried:${index % 7}`, "retried", Date.now() - index * 90_000, 900 + index);
    const attempt = turn.find((span) => span.is_call && span.columns.attempt !== undefined);
    if (!attempt) throw new Error("a turn has an attempt");
    // some wait for long: their second attempt begins after those of later decisions
    const late = index % 3 === 0 ? 600e6 : 1e6;
    const again = [2, 3].map((number) => ({
      ...attempt,
      span_id: attempt.span_id.slice(0, 14) + String(number).padStart(2, "0"),
      start_us: attempt.start_us + late * number,
      columns: { ...attempt.columns, attempt: number },
    }));
    retried.push(...turn, ...again);
  }
  await writeSpans(database.url, retried);
  const expected = await sql<{ id: string }[]>`
    select encode(d.span_id, 'hex') as id from spans d where d.operation = 'schedule'
      and exists (select from spans a where a.attempt > 1 and a.trace_id = d.trace_id and a.parent_span_id = d.span_id)
    order by d.start_time desc, d.span_id desc`;
  expect(expected.length).toBeGreaterThanOrEqual(60);
  const seen: unknown[] = [];
  for (let cursor: string | null = ""; cursor !== null; ) {
    const page: { data: Row[]; next: string | null } = await get(
      `decisions?show=retried&limit=7${cursor && `&cursor=${encodeURIComponent(cursor)}`}`,
    );
    seen.push(...page.data.map((row) => row.span_id));
    cursor = page.next;
  }
  expect(seen).toEqual(expected.map((row) => row.id));
});
