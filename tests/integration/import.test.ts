/** History on disk through the collector's own door: totals are those of the files, twice adds nothing, and what was seen live counts once. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { claudeCodeHistory } from "@signalbox/claude-code/import";
import { codexHistory } from "@signalbox/codex/import";
import { openclawHistory } from "@signalbox/openclaw/import";
import postgres from "postgres";
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from "vitest";
import { COST_CROSSINGS } from "../../collector-processor/src/alerting/sql/cost-crossings.ts";
import type { Collector } from "../../collector-processor/src/app.ts";
import { type ImportResult, importHistory } from "../../plugins/cli/src/import/run.ts";
import { spanSender } from "../../plugins/cli/src/import/send.ts";
import { type FixtureFile, readFixtures } from "../agents/capture/fixture-folder.ts";
import { addTotals, type FileTotals, noTotals, writeGenerated, writeOpenclawDatabase, writeTranscripts } from "../support/history.ts";
import { createDatabase, type TestDatabase } from "../support/postgres.ts";
import { ROLLUP_TABLES } from "../support/rollup-tables.ts";
import { recount, rollups } from "./collector-recount.ts";
import { dump, emptyTables, post, request, span, testCollector, untilReady, withoutSlots } from "./collector-support.ts";

let database: TestDatabase;
let collector: Collector;
let sql: postgres.Sql;
let home: string;

beforeAll(async () => {
  database = await createDatabase();
  collector = await testCollector(database.url, "collector: { max_future_days: 3650 }");
  await untilReady(collector.url);
  sql = postgres(database.url, { max: 2, onnotice: () => {} });
}, 60_000);
afterAll(async () => {
  await sql?.end();
  await collector?.close();
  await database?.drop();
});
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), "signalbox-import-"));
});
afterEach(async () => {
  rmSync(home, { recursive: true });
  await emptyTables(database.url);
  await sql`truncate signalbox.imported_spans`;
});

async function* everything(folder: string) {
  yield* claudeCodeHistory(join(folder, ".claude"));
  yield* codexHistory(join(folder, ".codex"));
  yield* openclawHistory(join(folder, ".openclaw"));
}

async function importAll(folder = home, content = true): Promise<ImportResult> {
  const sender = spanSender(collector.url, undefined);
  const result = await importHistory(everything(folder), { sinceMs: 0, content, send: sender.add });
  await sender.end();
  return result;
}

async function totals(): Promise<FileTotals> {
  const [row] = await sql`select coalesce(sum(calls), 0)::int as calls, coalesce(sum(input_tokens), 0)::int as input,
    coalesce(sum(cache_read_tokens), 0)::int as "cacheRead", coalesce(sum(cache_write_tokens), 0)::int as "cacheWrite",
    coalesce(sum(output_tokens), 0)::int as output from signalbox.sessions`;
  return { ...(row as unknown as FileTotals) };
}

/** What the agent itself exported. */
async function live(fixture: FixtureFile): Promise<void> {
  for (const record of fixture.records) {
    if (record.kind !== "otlp" || record.signal === "metrics") continue;
    const { status } = await post(collector.url, record.body, {}, `/v1/${record.signal}`);
    expect(status).toBe(200);
  }
}

const captured = () => [...readFixtures("claude-code"), ...readFixtures("codex")];
const scenario = (agent: string, name: string) => readFixtures(agent).find(({ header }) => header.scenario === name) as FixtureFile;

it("has the totals of a thousand generated sessions and of every captured one, and nothing more the second time", async () => {
  const files = noTotals();
  addTotals(files, writeGenerated(home, 1_000));
  for (const fixture of captured()) addTotals(files, writeTranscripts(fixture, home));
  addTotals(files, writeOpenclawDatabase(join(home, ".openclaw")));

  const result = await importAll();
  expect(result.malformed).toEqual([]);
  expect({ calls: result.calls, input: result.input_tokens, output: result.output_tokens }).toEqual({
    calls: files.calls,
    input: files.input,
    output: files.output,
  });
  expect(await totals()).toEqual(files);
  expect(await rollups(sql)).toEqual(await recount(sql));
  const [row] = await sql`select count(*)::int as priced from signalbox.spans where is_call and cost_source = 'priced'`;
  expect(row?.priced).toBeGreaterThan(2_500);

  const first = withoutSlots(await dump(database.url));
  await importAll();
  expect(withoutSlots(await dump(database.url))).toEqual(first);
}, 180_000);

it.each([
  ["claude-code", "nested-sub-agents"],
  ["claude-code", "cached-prompt"],
  ["codex", "tool-call"],
  ["codex", "nested-sub-agents"],
])(
  "counts a live session of %s once (%s), imported before or after",
  async (agent, name) => {
    const fixture = scenario(agent, name);
    const files = writeTranscripts(fixture, home);
    await live(fixture);
    const onlyLive = await totals();
    expect(onlyLive.calls).toBe(files.calls);
    await importAll();
    expect(await totals()).toEqual(onlyLive);
    await expectCounted();
    const liveFirst = withoutSlots(await dump(database.url));

    await emptyTables(database.url);
    await sql`truncate signalbox.imported_spans`;
    await importAll();
    expect((await totals()).calls).toBe(files.calls);
    await live(fixture);
    await importAll();
    const importFirst = withoutSlots(await dump(database.url));
    expect(await totals()).toEqual(onlyLive);
    expect(importFirst.spans).toEqual(liveFirst.spans);
    expect(importFirst.sessions).toEqual(liveFirst.sessions);
    expect(importFirst.agents).toEqual(liveFirst.agents);
    for (const table of ROLLUP_TABLES) expect(nonZero(importFirst[table])).toEqual(nonZero(liveFirst[table]));
  },
  60_000,
);

/** The hours and minutes equal a count of the stored calls. */
async function expectCounted(): Promise<void> {
  const kept = await rollups(sql);
  const counted = await recount(sql);
  for (const table of ROLLUP_TABLES) {
    expect(kept[table].filter((row) => (row as { calls: string }).calls !== "0")).toEqual(counted[table]);
  }
}

/** Hours whose calls were all taken away again have rows of zeros. */
const nonZero = (rows: unknown[] | undefined) => (rows ?? []).filter((row) => (row as [string, { calls: number }])[1].calls !== 0);

it("brings in what was not seen of a session that was, in any order", async () => {
  const fixture = scenario("claude-code", "nested-sub-agents");
  const files = writeTranscripts(fixture, home);
  const seen: FixtureFile = { ...fixture, records: fixture.records.map((record) => withoutLogsAndHalf(record)) };
  await live(seen);
  expect((await totals()).calls).toBe(3);
  await importAll();
  expect(await totals()).toEqual(files);
  await emptyTables(database.url);
  await sql`truncate signalbox.imported_spans`;
  await importAll();
  await live(seen);
  expect(await totals()).toEqual(files);
}, 60_000);

type FixtureItem = FixtureFile["records"][number];

/** The first three model calls of the spans, and no logs. */
function withoutLogsAndHalf(record: FixtureItem): FixtureItem {
  if (record.kind !== "otlp") return record;
  if (record.signal === "logs") return { ...record, signal: "metrics" };
  let calls = 0;
  const body = JSON.parse(JSON.stringify(record.body), (key, value) =>
    key === "spans" ? value.filter((span: { name: string }) => span.name !== "claude_code.llm_request" || calls++ < 3) : value,
  );
  return { ...record, body };
}

it("counts a history that was copied into another session once", async () => {
  const fixture = scenario("claude-code", "tool-call");
  const files = writeTranscripts(fixture, home);
  const copy = mkdtempSync(join(tmpdir(), "signalbox-copy-"));
  const [first] = fixture.records.flatMap((record) => (record.kind === "transcript" ? [record.file] : []));
  const sessionId = /([0-9a-f-]{36})\.jsonl$/.exec(first ?? "")?.[1] as string;
  for (const other of ["00000000-0000-4000-8000-000000000001", "ffffffff-0000-4000-8000-000000000001"]) {
    const text = JSON.stringify(fixture.records).replaceAll(sessionId, other);
    writeTranscripts({ ...fixture, records: JSON.parse(text) }, copy);
  }
  await importAll();
  await importAll(copy);
  expect(await totals()).toEqual(files);
  await importAll();
  expect(await totals()).toEqual(files);
  expect(await sql`select session_id from signalbox.sessions where calls > 0`).toEqual([
    { session_id: "00000000-0000-4000-8000-000000000001" },
  ]);
  rmSync(copy, { recursive: true });
}, 60_000);

it("keeps OpenClaw's sub-agents in their root's session, below the spawner", async () => {
  writeOpenclawDatabase(join(home, ".openclaw"));
  await importAll();
  const agents = await sql`select agent_id, parent_agent_id, depth, agent_name, turns::int, calls::int, tool_calls::int
    from signalbox.agents order by depth`;
  const root = "1cfca3d1-d796-4eb0-a32c-a711833004ff";
  expect(agents).toEqual([
    { agent_id: root, parent_agent_id: null, depth: 0, agent_name: "main", turns: 3, calls: 5, tool_calls: 2 },
    {
      agent_id: "agent:main:subagent:d05a5ce3-c1e5-4202-a800-2107108fb991",
      parent_agent_id: root,
      depth: 1,
      agent_name: "kid",
      turns: 1,
      calls: 2,
      tool_calls: 1,
    },
  ]);
});

it("knows a call that the gateway translated by its id's own part", async () => {
  const files = writeGenerated(home, 2);
  await importAll();
  const [call = {}] = await sql`select session_id, start_time, input_tokens::int, output_tokens::int from signalbox.spans
    where is_call and attributes->>'gen_ai.response.id' = 'resp_1_0'`;
  const nanos = String(BigInt((call.start_time as Date).getTime()) * 1_000_000n);
  const said = {
    "session.id": call.session_id,
    "gen_ai.operation.name": "chat",
    "gen_ai.response.id": "chatcmpl-1_0",
    "signalbox.attempt": 1,
  };
  const tokens = { "gen_ai.usage.input_tokens": call.input_tokens, "gen_ai.usage.output_tokens": call.output_tokens };
  const attempt = { ...span({ trace: 7, id: 7, attributes: { ...said, ...tokens } }), startTimeUnixNano: nanos, endTimeUnixNano: nanos };
  await post(collector.url, request([attempt]));
  expect(await totals()).toMatchObject({ calls: files.calls, input: files.input, output: files.output });
});

it("lets no cost alert fire for what is past", async () => {
  const fixture = scenario("claude-code", "tool-call");
  writeTranscripts(fixture, home);
  const crossings = () => sql.unsafe(COST_CROSSINGS, ["null", 0, 4e15, "", "", 1]);
  await importAll();
  expect(await crossings()).toEqual([]);
  await live(fixture);
  expect(await crossings()).toHaveLength(1);
});

it("sends no content where it is not wanted", async () => {
  writeTranscripts(scenario("claude-code", "tool-call"), home);
  await importAll(home, false);
  expect(await sql`select 1 from signalbox.messages`).toHaveLength(0);
  await importAll();
  expect((await totals()).calls).toBe(2);
});

it("brings in the memory files that a thread of Codex began with, read and wrote, with the lines that changed", async () => {
  writeTranscripts(scenario("codex", "memory"), home);
  await importAll();
  const rows = await sql`
    select s.name, s.attributes->>'signalbox.memory.path' as path, s.attributes->>'signalbox.memory.lines' as lines,
      m.body->'parts'->0->>'content' as diff
    from signalbox.spans s
    left join signalbox.span_messages c on c.span_id = s.span_id and c.direction = 'input'
    left join signalbox.messages m on m.session_id = s.session_id and m.hash = c.hashes[1]
    where s.operation = 'memory' order by s.start_time`;
  const path = "/home/user/project/AGENTS.md";
  expect(rows.map((row) => ({ ...row }))).toEqual([
    { name: "memory read", path, lines: null, diff: null },
    { name: "memory read", path, lines: null, diff: null },
    { name: "memory read", path, lines: "1-2", diff: null },
    { name: "memory write", path, lines: null, diff: "- The favourite colour is teal.\n+ The favourite colour is green." },
    { name: "memory write", path, lines: null, diff: null },
  ]);
});
