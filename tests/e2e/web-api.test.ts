import { PROJECT_SEPARATOR } from "@signalbox/otel/conventions";
import postgres from "postgres";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { z } from "zod";
import { memoryAccessesOf } from "../../collector-processor/src/sql/memory-accesses.ts";
import { AgentPage } from "../../web/src/api/agent.ts";
import { AlertPage } from "../../web/src/api/alert.ts";
import { CostPage, MOST_COUNTED_CALLS } from "../../web/src/api/cost.ts";
import { DecisionPage } from "../../web/src/api/decision.ts";
import { ErrorBody } from "../../web/src/api/error.ts";
import { EventPage } from "../../web/src/api/event.ts";
import { Explanation } from "../../web/src/api/explain.ts";
import { MemoryPage } from "../../web/src/api/memory.ts";
import { Session, SessionPage } from "../../web/src/api/session.ts";
import { SpanPage } from "../../web/src/api/span.ts";
import { AgentTreePage } from "../../web/src/api/tree.ts";
import { type Dashboard, startDashboard } from "../support/dashboard.ts";
import { createDatabase, type TestDatabase } from "../support/postgres.ts";
import { seed, writeSpans } from "../support/seed.ts";
import { makeTurn, RUNAWAY_SESSION, UNKNOWN_MODEL } from "../support/seed-fleet.ts";
import { wholeHour } from "../support/whole-hour.ts";

let database: TestDatabase;
let dashboard: Dashboard;
let sql: postgres.Sql;

beforeAll(async () => {
  database = await createDatabase();
  await seed(database.url);
  sql = postgres(database.url, { max: 1, onnotice: () => {}, connection: { search_path: "signalbox" } });
  dashboard = await startDashboard(database.readerUrl);
});
afterAll(async () => {
  await dashboard?.stop();
  await sql?.end();
  await database?.drop();
});

const ask = (path: string, headers: Record<string, string> = { authorization: `Bearer ${dashboard.token}` }) =>
  fetch(dashboard.url + path, { headers });
/** Answers are read by the very schemas that openapi.json is made from. */
async function get<T>(path: string, schema: z.ZodType<T>): Promise<T> {
  const response = await ask(path);
  expect(response.status, path).toBe(200);
  return schema.parse(await response.json());
}
async function everyPage<T>(path: string, schema: z.ZodType<{ data: T[]; next: string | null }>): Promise<T[]> {
  const rows: T[] = [];
  let cursor: string | null = "";
  do {
    const page: { data: T[]; next: string | null } = await get(`${path}&cursor=${encodeURIComponent(cursor)}`, schema);
    rows.push(...page.data);
    cursor = page.next;
  } while (cursor !== null && rows.length < 10_000);
  return rows;
}
const session = encodeURIComponent(RUNAWAY_SESSION);

describe("stops", () => {
  const stop = (id: string, state: string) => sql`insert into session_controls values (${id}, ${state}, 'test', 'budget', now())`;
  const shown = async () => {
    const { control } = await get(`/api/v1/sessions/${session}`, Session);
    const { data } = await get("/api/v1/trees?limit=500", AgentTreePage);
    const [listed] = data.filter(({ session_id }) => session_id === RUNAWAY_SESSION);
    return [control?.state ?? null, listed?.control_state ?? null];
  };
  afterEach(() => sql`delete from session_controls`);

  it("of the session's own project hold, of another's do not; a kill stands before a pause, and a page lists it once", async () => {
    await stop(`another${PROJECT_SEPARATOR}${RUNAWAY_SESSION}`, "killed");
    expect(await shown()).toEqual([null, null]);
    await stop(RUNAWAY_SESSION, "paused");
    expect(await shown()).toEqual(["paused", "paused"]);
    await stop(`default${PROJECT_SEPARATOR}${RUNAWAY_SESSION}`, "killed");
    expect(await shown()).toEqual(["killed", "killed"]);
    const all = await everyPage("/api/v1/sessions?limit=500", SessionPage);
    expect(all.filter(({ session_id }) => session_id === RUNAWAY_SESSION)).toHaveLength(1);
  });
});

describe("who may read", () => {
  it.each(["/api/v1/sessions", "/api/v1/cost", "/api/v1/live", "/api/v1/openapi.json", `/api/v1/sessions/x/spans`])(
    "%s without a token is 401",
    async (path) => {
      for (const headers of [{}, { authorization: "Bearer wrong" }, { cookie: "signalbox_login_4321=1.2.3" }]) {
        const response = await ask(path, headers as Record<string, string>);
        expect(response.status).toBe(401);
        expect(ErrorBody.parse(await response.json()).error.code).toBe("unauthorized");
      }
    },
  );

  it("no other origin: no CORS headers, and a foreign POST is refused", async () => {
    const response = await ask("/api/v1/sessions", { authorization: `Bearer ${dashboard.token}`, origin: "http://evil.example" });
    expect(response.headers.get("access-control-allow-origin")).toBeNull();
    const post = await fetch(`${dashboard.url}/logout`, { method: "POST", headers: { origin: "http://evil.example" } });
    expect(post.status).toBe(403);
  });

  it("health is open and holds no secret", async () => {
    for (const path of ["/healthz", "/readyz", "/metrics"]) expect((await ask(path, {})).status).toBe(200);
    expect(await (await ask("/metrics", {})).text()).toContain("signalbox_web_live_connections 0");
  });

  it("the login is a reader's: Postgres refuses its writes", async () => {
    // even where it asks for a transaction that may write
    const reader = postgres(database.readerUrl, { max: 1, onnotice: () => {} });
    await reader`set default_transaction_read_only = off`;
    await expect(reader`delete from signalbox.sessions`).rejects.toThrow(/permission denied/);
    await reader.end();
  });
});

describe("bad parameters", () => {
  it.each([
    ["/api/v1/sessions?limit=0", "limit"],
    ["/api/v1/sessions?limit=many", "limit"],
    ["/api/v1/sessions?lmit=5", "lmit"],
    ["/api/v1/sessions?cursor=garbage", "cursor"],
    ["/api/v1/sessions?show=odd", "show"],
    ["/api/v1/sessions?q=%00", "q"],
    ["/api/v1/sessions?limit=1&limit=2", "limit"],
    ["/api/v1/cost?group_by=colour", "group_by"],
    ["/api/v1/cost?from=soon", "from"],
    ["/api/v1/cost?from=-1h&to=-2h", "to"],
    ["/api/v1/cost?from=-7d&bucket=minute", "bucket"],
    ["/api/v1/decisions?cursor=e30", "cursor"],
    [`/api/v1/sessions/${session}/spans?span_id=xyz`, "span_id"],
    ["/api/v1/events?kind=turn,thought", "kind"],
    ["/api/v1/events?cursor=e30", "cursor"],
    ["/api/v1/events?errors=yes", "errors"],
    ["/api/v1/decisions?show=odd", "show"],
    ["/api/v1/pools?from=yesterday", "from"],
    ["/api/v1/trees?sort=depth", "sort"],
    ["/api/v1/trees?cursor=e30", "cursor"],
    ["/api/v1/explain?from=-1h&to=-2h", "to"],
    ["/api/v1/explain?from=soon", "from"],
  ])("%s is a 400 that names %s", async (path, field) => {
    const response = await ask(path);
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ error: { code: "invalid_parameter", field } });
  });

  it.each(["/api/v1/sessions/nobody", "/api/v1/sessions/nobody/spans", "/api/v1/sessions/nobody/agents", "/api/v1/sessions/a%2541%2Fb"])(
    "%s is a 404",
    async (path) => {
      expect((await ask(path)).status).toBe(404);
    },
  );
});

describe("lists", () => {
  it("sessions: pages give every session once, by time and by cost", async () => {
    const stored = await sql`select session_id from sessions`;
    for (const sort of ["recent", "cost"]) {
      const rows = await everyPage(`/api/v1/sessions?limit=4&sort=${sort}`, SessionPage);
      expect(rows.map((row) => row.session_id).sort()).toEqual(stored.map((row) => row.session_id).sort());
    }
  });

  it("sessions: search takes what it is given as text", async () => {
    const found = await get("/api/v1/sessions?q=SCOUT", SessionPage);
    expect(found.data).toHaveLength(2);
    expect((await get("/api/v1/sessions?q=%25", SessionPage)).data).toEqual([]);
    expect((await get(`/api/v1/sessions?q=${encodeURIComponent("'; drop table")}`, SessionPage)).data).toEqual([]);
  });

  it("spans: pages give every span once, in order, with nanoseconds and attributes", async () => {
    const rows = await everyPage(`/api/v1/sessions/${session}/spans?limit=37`, SpanPage);
    const [{ count } = { count: 0 }] = await sql<
      { count: number }[]
    >`select count(*)::int as count from spans where session_id = ${RUNAWAY_SESSION}`;
    expect(new Set(rows.map((row) => row.span_id)).size).toBe(count);
    expect(rows).toHaveLength(count);
    const times = rows.map((row) => row.start_time);
    expect(times).toEqual([...times].sort());
    expect(rows[0]?.start_time).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z$/);
    expect(rows[0]?.trace_id).toMatch(/^[0-9a-f]{32}$/);
    expect(rows.some((row) => row.attributes?.["signalbox.routed"] === true)).toBe(true);
  });

  it("decisions: candidates, and the cost of their attempts", async () => {
    const rows = await everyPage(`/api/v1/decisions?session=${session}&limit=10`, DecisionPage);
    const [{ count, cost } = { count: 0, cost: "" }] = await sql<{ count: number; cost: string }[]>`
      select count(*) filter (where operation = 'schedule')::int as count, sum(cost_nusd) filter (where is_call) as cost from spans where session_id = ${RUNAWAY_SESSION}`;
    expect(rows).toHaveLength(count);
    expect(String(rows.reduce((sum, row) => sum + BigInt(row.cost_nanousd ?? 0), 0n))).toBe(cost);
    expect(rows[0]?.candidates).toHaveLength(4);
    expect(rows[0]?.candidates.filter((candidate) => candidate.chosen)).toHaveLength(1);
  });

  it("events: pages give every turn, call, tool and decision once, and a kind by itself", async () => {
    const rows = await everyPage("/api/v1/events?limit=333", EventPage);
    const stored = await sql<{ kind: string; count: number }[]>`
      select case when is_call then 'call' when operation = 'invoke_agent' then 'turn' when operation = 'execute_tool' then 'tool' else 'decision' end as kind,
        count(*)::int as count from spans where is_call or operation in ('invoke_agent', 'execute_tool', 'schedule') group by 1`;
    expect(new Set(rows.map((row) => row.span_id)).size).toBe(rows.length);
    for (const { kind, count } of stored) expect(rows.filter((row) => row.kind === kind)).toHaveLength(count);
    const times = rows.map((row) => row.time);
    expect(times).toEqual([...times].sort().reverse());
    const failed = await everyPage("/api/v1/events?kind=tool,call&errors=true&channel=telegram", EventPage);
    const [{ count } = { count: 0 }] = await sql<{ count: number }[]>`select count(*)::int as count from spans
      where (is_call or operation = 'execute_tool') and status = 2 and channel = 'telegram'`;
    expect(failed).toHaveLength(count);
  });

  it("trees: fan-out, speed and cost of each session with sub-agents", async () => {
    const { data } = await get("/api/v1/trees", AgentTreePage);
    expect(data).toHaveLength(1);
    const [{ cost, depth } = { cost: "", depth: 0 }] = await sql<{ cost: string; depth: number }[]>`select
      (select sum(cost_nusd) from spans where is_call and session_id = ${RUNAWAY_SESSION}) as cost, max(depth)::int as depth from agents where session_id = ${RUNAWAY_SESSION}`;
    expect(data[0]).toMatchObject({
      session_id: RUNAWAY_SESSION,
      sub_agents: 17,
      peak_per_minute: 17,
      widest: 6,
      depth,
      is_runaway: true,
      cost_nanousd: cost,
    });
  });

  it("alerts are honestly empty", async () => {
    expect(await get("/api/v1/alerts", AlertPage)).toEqual({ data: [], next: null });
  });

  it("memory: reads and writes of memory files, newest first, by session and path, page by page", async () => {
    expect(await get("/api/v1/memory", MemoryPage)).toEqual({ data: [], next: null });
    const access = (id: number, operation: string, path: string) => sql`
      insert into spans (session_id, agent_id, project, trace_id, span_id, start_time, start_nanos, duration_ns, name, operation, attributes)
      select ${RUNAWAY_SESSION}, 'child', 'default', decode(lpad(to_hex(${id}::int), 32, '0'), 'hex'), decode(lpad(to_hex(${id}::int), 16, '0'), 'hex'),
        max(start_time) + make_interval(secs => ${id}), 7, 0, 'memory', 'memory',
        jsonb_build_object('signalbox.memory.path', ${path}::text, 'signalbox.memory.operation', ${operation}::text, 'signalbox.memory.lines', '1-9')
      from (select max(start_time) as start_time from spans where operation <> 'memory') newest`;
    await access(1, "read", "/p/CLAUDE.md");
    await access(2, "write", "/p/CLAUDE.md");
    await access(3, "read", "/p/AGENTS.md");
    await sql.unsafe(memoryAccessesOf("spans"));
    await sql`insert into messages (session_id, hash, body) values (${RUNAWAY_SESSION}, '\\x01', '{"role":"user","parts":[{"type":"text","content":"- a\\n+ b"}]}')`;
    await sql`insert into span_messages select session_id, start_time, span_id, 'input', array['\\x01'::bytea] from spans where name = 'memory' and span_id = '\\x0000000000000002'`;
    const list = async (query: string) =>
      (await everyPage(`/api/v1/memory?limit=1${query}`, MemoryPage)).map(({ operation, path }) => `${operation} ${path}`);
    expect(await list("")).toEqual(["read /p/AGENTS.md", "write /p/CLAUDE.md", "read /p/CLAUDE.md"]);
    expect(await list("&path=/p/CLAUDE.md")).toEqual(["write /p/CLAUDE.md", "read /p/CLAUDE.md"]);
    expect(await list("&session=nobody")).toEqual([]);
    const { data } = await get(`/api/v1/memory?session=${session}`, MemoryPage);
    expect(data[1]).toMatchObject({ session_id: RUNAWAY_SESSION, agent_id: "child", lines: "1-9", diff: "- a\n+ b" });
    await sql`delete from spans where operation = 'memory'`;
    await sql`truncate memory_accesses, session_memory, memory_days`;
  });
});

it("agents: a tree of 18, each with a cost of its own, that adds up to the session's", async () => {
  const { data } = await get(`/api/v1/sessions/${session}/agents`, AgentPage);
  expect(data).toHaveLength(18);
  expect(data.every((agent) => agent.calls > 0 && BigInt(agent.cost_nanousd ?? 0) > 0n)).toBe(true);
  const root = data.find((agent) => agent.agent_id === RUNAWAY_SESSION);
  expect(root).toMatchObject({ descendants: 17, parent_agent_id: null });
  const [{ cost } = { cost: "" }] = await sql<
    { cost: string }[]
  >`select sum(cost_nusd) as cost from spans where is_call and session_id = ${RUNAWAY_SESSION}`;
  expect(root?.rollup_cost_nanousd).toBe(cost);
  expect(String(data.reduce((sum, agent) => sum + BigInt(agent.cost_nanousd ?? 0), 0n))).toBe(cost);
});

describe("cost", () => {
  it("by agent each is called what it calls itself", async () => {
    const { data } = await get("/api/v1/cost?group_by=agent&from=-30d&limit=500", CostPage);
    const stored = await sql<
      { agent_id: string; agent_name: string | null }[]
    >`select agent_id, min(agent_name) as agent_name from agents group by 1`;
    const names = new Map(stored.map((row) => [row.agent_id, row.agent_name]));
    expect(names.get(RUNAWAY_SESSION)).toBe("scout");
    expect(data.length).toBeGreaterThan(20);
    for (const row of data) expect([row.agent, row.agent_name]).toEqual([row.agent, names.get(String(row.agent)) ?? null]);
  });

  it("equals the spans, by model and pool, over any range and bucket", async () => {
    const stored = await sql<{ model: string; pool: string; cost: string | null; calls: number }[]>`
      select coalesce(model, '') as model, coalesce(pool, '') as pool, sum(cost_nusd) as cost, count(*)::int as calls from spans where is_call group by 1, 2`;
    for (const query of ["from=-7d", "from=-7d&bucket=hour", "from=-7d&bucket=6h", "from=-30d&bucket=day&tz=Europe/Berlin"]) {
      const { data } = await get(`/api/v1/cost?group_by=model,pool&${query}`, CostPage);
      for (const { model, pool, cost, calls } of stored) {
        const rows = data.filter((row) => row.model === model && row.pool === pool);
        expect(
          rows.reduce((sum, row) => sum + row.calls, 0),
          `${query} ${model} ${pool}`,
        ).toBe(calls);
        if (cost === null) expect(rows.every((row) => row.cost_nanousd === null && row.cost_usd === null)).toBe(true);
        else expect(String(rows.reduce((sum, row) => sum + BigInt(row.cost_nanousd ?? 0), 0n))).toBe(cost);
      }
    }
  });

  it("short ranges come from the calls themselves, to the minute", async () => {
    const { data, from } = await get("/api/v1/cost?group_by=session&from=-1h&bucket=minute", CostPage);
    const [stored] = await sql<{ cost: string }[]>`select sum(cost_nusd) as cost from spans where is_call and start_time >= ${from}`;
    expect(String(data.reduce((sum, row) => sum + BigInt(row.cost_nanousd ?? 0), 0n))).toBe(stored?.cost);
  });

  /** Of a range that ended, so that nothing of it changes while it is asked for again. */
  const lastHour = () => {
    const at = (minutesAgo: number) => encodeURIComponent(new Date(Date.now() - minutesAgo * 60_000).toISOString());
    return `from=${at(63)}&to=${at(2)}`;
  };
  const since = (time: string) => sql`update minutes_kept set since = ${time}::text::timestamptz`;

  it("short ranges say the same from minutes as from the calls, and these where the minutes do not reach back so far", async () => {
    const [kept] = await sql<{ since: string }[]>`select since::text from minutes_kept`;
    const range = lastHour();
    const groups = [
      "route,pool",
      "model,provider,hardware",
      "silicon",
      "sla_class,channel",
      "user",
      "key,agent_kind",
      "project",
      "task",
      "agent",
    ];
    const all = () =>
      Promise.all(
        groups.flatMap((group) =>
          ["", "&bucket=minute", "&bucket=minute&top=2"].map((more) => get(`/api/v1/cost?group_by=${group}&${range}${more}`, CostPage)),
        ),
      );
    try {
      const byMinutes = await all();
      expect(byMinutes.every(({ data, from }) => data.length > 0 && from.endsWith(":00.000000000Z"))).toBe(true);
      // what the minutes say is read from nowhere else
      await sql`update place_minute set calls = calls + 1000`;
      const { data } = await get(`/api/v1/cost?group_by=silicon&${range}`, CostPage);
      expect(data.every(({ calls }) => calls > 1000)).toBe(true);
      await since("infinity");
      expect(await all()).toEqual(byMinutes);
      await sql`update place_minute set calls = calls - 1000`;
      // one minute too few
      const from = byMinutes[0]?.from as string;
      await since(new Date(Date.parse(from) + 60_000).toISOString());
      await sql`update payer_minute set calls = calls + 1000`;
      const users = () => get(`/api/v1/cost?group_by=user&${range}`, CostPage);
      expect((await users()).data.every(({ calls }) => calls < 1000)).toBe(true);
      await since(from);
      expect((await users()).data.every(({ calls }) => calls > 1000)).toBe(true);
      await sql`update payer_minute set calls = calls - 1000`;
    } finally {
      await since(kept?.since as string);
    }
  });

  it("groups without totals by minute come by whole hours where their calls are too many", async () => {
    const range = lastHour();
    const { from } = await get(`/api/v1/cost?group_by=agent&${range}`, CostPage);
    await sql`insert into place_minute select 99, ${from}::text::timestamptz, 'busy', '', '', '', '', '', '', '', '', ${MOST_COUNTED_CALLS}, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0`;
    for (const query of ["group_by=agent&bucket=minute&top=100", "group_by=task&bucket=minute", "group_by=session"]) {
      const page = await get(`/api/v1/cost?${query}&${range}`, CostPage);
      expect([query, page.bucket]).toEqual([query, query.endsWith("session") ? null : "hour"]);
      expect(Date.parse(page.from) % 3_600_000).toBe(0);
      const [stored] = await sql<{ cost: string }[]>`select sum(cost_nusd) as cost from spans where is_call and start_time >= ${page.from}
        and start_time < date_trunc('hour', ${page.to}::text::timestamptz) + interval '1 hour'`;
      expect([query, String(page.data.reduce((sum, row) => sum + BigInt(row.cost_nanousd ?? 0), 0n))]).toEqual([query, stored?.cost]);
    }
    expect((await get(`/api/v1/cost?group_by=silicon&bucket=minute&${range}`, CostPage)).bucket).toBe("minute");
    await sql`delete from place_minute where slot = 99`;
  });

  it("an explanation says the same from minutes as from the calls, and goes by whole hours where these are too many", async () => {
    const [kept] = await sql<{ since: string }[]>`select since::text from minutes_kept`;
    const range = lastHour();
    const explain = () => get(`/api/v1/explain?${range}`, Explanation);
    try {
      const byMinutes = await explain();
      expect(byMinutes).toMatchObject({ by: "minute", to: expect.stringMatching(/:00\.000000000Z$/) });
      const [{ from, before_from: before }, { to }] = [byMinutes, await get(`/api/v1/cost?group_by=silicon&${range}`, CostPage)];
      const counted = async (unit: string, since: string, until: string) => {
        const [row] = await sql<{ calls: number; cost_nanousd: string; tools: number }[]>`
          select count(*) filter (where is_call)::int as calls, coalesce(sum(cost_nusd) filter (where is_call), 0) as cost_nanousd,
            count(*) filter (where operation = 'execute_tool')::int as tools
          from spans where start_time >= ${since} and start_time < date_trunc(${unit}, ${until}::text::timestamptz - interval '1 microsecond') + ${`1 ${unit}`}::interval`;
        return row;
      };
      const now = await counted("minute", from, to);
      expect(byMinutes.now).toMatchObject({ calls: now?.calls, cost_nanousd: now?.cost_nanousd });
      expect(byMinutes.before).toMatchObject({ calls: (await counted("minute", before, from))?.calls });
      expect(byMinutes.contributions.filter(({ by }) => by === "tool").reduce((sum, { calls }) => sum + calls, 0)).toBe(now?.tools);
      await since("infinity");
      expect(await explain()).toEqual(byMinutes);
      await since(kept?.since as string);

      // a busy fleet: so many calls in a minute of the period before
      const busy = sql`date_trunc('minute', ${before}::text::timestamptz)`;
      await sql`insert into place_minute select 99, ${busy}, 'busy', '', '', '', '', '', '', '', '', ${MOST_COUNTED_CALLS}, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0`;
      const byHours = await explain();
      await sql`delete from place_minute where slot = 99`;
      expect(byHours.by).toBe("hour");
      expect(Date.parse(byHours.from) % 3_600_000).toBe(0);
      expect(Date.parse(byHours.from)).toBeLessThanOrEqual(Date.parse(from));
      // the hour that is not over is left out: beside a whole one it would look like a fall
      const { to: end } = byHours;
      expect(Date.parse(end) % 3_600_000).toBe(0);
      expect(Date.now() - Date.parse(end)).toBeLessThan(3_600_000 + 30_000);
      expect(Date.now() - Date.parse(end)).toBeGreaterThanOrEqual(0);
      expect(Date.parse(end) - Date.parse(byHours.from)).toBe(Date.parse(byHours.from) - Date.parse(byHours.before_from));
      expect(byHours.now).toMatchObject({ calls: (await counted("hour", byHours.from, end))?.calls });
      expect(byHours.before).toMatchObject({ calls: (await counted("hour", byHours.before_from, byHours.from))?.calls });
    } finally {
      await since(kept?.since as string);
    }
  });

  it("says unknown for a model without a price", async () => {
    const { data } = await get("/api/v1/cost?group_by=model&from=-7d", CostPage);
    expect(data.find((row) => row.model === UNKNOWN_MODEL)).toMatchObject({ cost_nanousd: null, cost_usd: null, unknown_cost_calls: 3 });
  });
});

it("a trace that named no session is folded into the one it was joined to", async () => {
  const id = "agent:fold/me:100%:main";
  const alias = `t:${"0f".repeat(16)}`;
  await writeSpans(database.url, makeTurn(id, "folded", Date.now(), 91));
  await writeSpans(database.url, makeTurn(alias, "folded", Date.now(), 92));
  const before = await get(`/api/v1/sessions/${encodeURIComponent(id)}`, Session);
  await sql`insert into session_aliases values (${alias}, ${id})`;
  const after = await get(`/api/v1/sessions/${encodeURIComponent(id)}`, Session);
  expect(after.session_id).toBe(id);
  expect(after.calls).toBe(before.calls + 1);
  expect(await get(`/api/v1/sessions/${encodeURIComponent(alias)}`, Session)).toEqual(after);
  expect((await get("/api/v1/sessions?q=fold", SessionPage)).data.map((row) => row.session_id)).toEqual([id]);
  const spans = await get(`/api/v1/sessions/${encodeURIComponent(id)}/spans`, SpanPage);
  expect(spans.data).toHaveLength(after.spans);
  expect(new Set(spans.data.map((row) => row.session_id))).toEqual(new Set([id]));
  const cost = await get("/api/v1/cost?group_by=session&from=-1h", CostPage);
  expect(cost.data.find((row) => row.session === alias)).toBeUndefined();
  expect(cost.data.find((row) => row.session === id)?.cost_nanousd).toBe(after.cost_nanousd);
});

it("a sub-agent's sub-agent, each under an id of its own, is part of the root session", async () => {
  const [root, child, grandchild] = ["nested-root", "nested-child", "nested-grandchild"] as const;
  for (const [index, id] of [root, child, grandchild].entries())
    await writeSpans(database.url, makeTurn(id, "nested", Date.now(), 95 + index));
  const apart = await Promise.all([root, child, grandchild].map((id) => get(`/api/v1/sessions/${id}`, Session)));
  await sql`insert into session_aliases values (${child}, ${root}), (${grandchild}, ${child})`;
  const whole = await get(`/api/v1/sessions/${root}`, Session);
  expect(whole.calls).toBe(apart.reduce((sum, { calls }) => sum + calls, 0));
  for (const id of [child, grandchild]) expect(await get(`/api/v1/sessions/${id}`, Session)).toEqual(whole);
  expect((await get("/api/v1/sessions?q=nested", SessionPage)).data.map((row) => row.session_id)).toEqual([root]);
  expect((await get(`/api/v1/sessions/${root}/spans`, SpanPage)).data).toHaveLength(whole.spans);
  const cost = await get("/api/v1/cost?group_by=session&from=-1h", CostPage);
  expect(cost.data.filter((row) => row.session?.startsWith("nested-"))).toMatchObject([
    { session: root, cost_nanousd: whole.cost_nanousd },
  ]);
});

it("SIGTERM ends it with code 0, an open live connection and all", async () => {
  const other = await startDashboard(database.readerUrl);
  const controller = new AbortController();
  const live = await fetch(`${other.url}/api/v1/live`, { headers: { authorization: `Bearer ${other.token}` }, signal: controller.signal });
  expect(live.headers.get("content-type")).toContain("text/event-stream");
  expect(await other.stop()).toBe(0);
  controller.abort();
});

describe("exports", () => {
  beforeEach(() => wholeHour());
  it("a CSV holds every page's rows, whatever the size of a page, and the same money", async () => {
    const response = await ask("/api/v1/cost?group_by=user,channel&from=-30d&bucket=month&limit=3&format=csv");
    expect([response.status, response.headers.get("content-type")]).toEqual([200, "text/csv; charset=utf-8"]);
    expect(response.headers.get("content-disposition")).toBe('attachment; filename="signalbox-cost.csv"');
    const [head = "", ...lines] = (await response.text()).trimEnd().split("\r\n");
    const columns = head.split(",");
    const nanousd = lines.map((line) => Number(line.split(",")[columns.indexOf("cost_nanousd")]));
    const [stored] =
      await sql`select sum(cost_nusd)::float8 as nusd, count(distinct (coalesce(user_id, ''), coalesce(channel, ''), date_trunc('month', start_time, 'UTC')))::int as groups
      from spans where is_call and start_time >= date_trunc('hour', now() - interval '30 days')`;
    expect(lines).toHaveLength(stored?.groups);
    expect(lines.length).toBeGreaterThan(3);
    expect(nanousd.reduce((sum, value) => sum + value, 0)).toBe(stored?.nusd);
  });

  it("a month's bill by project, user and key says the same from the rollup of payers, from that of routes and from the calls", async () => {
    const bill = async (groups: string) => {
      const { data } = await get(`/api/v1/cost?group_by=${groups}&from=-30d&bucket=month`, CostPage);
      const sums: Record<string, number> = {};
      for (const { key = "", user = "", cost_nanousd } of data)
        sums[`${key} ${user}`] = (sums[`${key} ${user}`] ?? 0) + Number(cost_nanousd);
      return sums;
    };
    const stored = await sql<{ payer: string; nusd: number }[]>`
      select coalesce(key_name, '') || ' ' || coalesce(user_id, '') as payer, coalesce(sum(cost_nusd), 0)::float8 as nusd
      from spans where is_call and start_time >= date_trunc('hour', now() - interval '30 days') group by 1`;
    const expected = Object.fromEntries(stored.map(({ payer, nusd }) => [payer, nusd]));
    expect(Object.keys(expected)).toEqual(expect.arrayContaining(["automation ", "laptop-jonas jonas", "laptop-ana ana", " mira"]));
    expect(await bill("project,user,key")).toEqual(expected);
    expect(await bill("user,key,model")).toEqual(expected);
  });

  it("JSON too; a list without pages or a format nobody knows is refused", async () => {
    const rows = (await (await ask("/api/v1/sessions?limit=5&format=json")).json()) as { data: object[]; cut: boolean };
    const listed = await everyPage("/api/v1/sessions?limit=50", SessionPage);
    expect({ rows: rows.data.length, cut: rows.cut }).toEqual({ rows: listed.length, cut: false });
    expect((await ask("/api/v1/sessions?format=xml")).status).toBe(400);
    expect((await ask("/api/v1/facets?format=csv")).status).toBe(400);
    expect((await ask("/api/v1/sessions?format=csv", {})).status).toBe(401);
  });
});
