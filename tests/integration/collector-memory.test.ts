import { Attribute, IMPORT_SERVICE } from "@signalbox/otel/conventions";
import postgres from "postgres";
import { afterAll, afterEach, beforeAll, expect, it } from "vitest";
import { connect } from "../../collector-processor/src/exporters/postgres-connection.ts";
import { expire } from "../../collector-processor/src/retention/expire.ts";
import { retentionLimits } from "../../collector-processor/src/retention/limits.ts";
import { retentionSchema } from "../../collector-processor/src/retention/retention-config.ts";
import { createDatabase, type TestDatabase } from "../support/postgres.ts";
import { recount, rollups } from "./collector-recount.ts";
import { dump, emptyTables, NOW, post, request, span, testCollector, untilReady } from "./collector-support.ts";

const DAY = 86_400_000;
let database: TestDatabase;
let collector: Awaited<ReturnType<typeof testCollector>>;
let sql: postgres.Sql;
beforeAll(async () => {
  database = await createDatabase();
  sql = postgres(database.url, { max: 1, onnotice: () => {} });
  collector = await testCollector(database.url);
  await untilReady(collector.url);
});
afterEach(() => emptyTables(database.url));
afterAll(async () => {
  await collector.close();
  await sql.end();
  await database.drop();
});

/** A session's read or write of a file, so many milliseconds after NOW. */
const access = (id: number, session: string, operation: string, path: string, at: number) =>
  span({
    trace: id,
    id,
    at,
    attributes: {
      "session.id": session,
      "gen_ai.operation.name": "memory",
      "signalbox.memory.path": path,
      "signalbox.memory.operation": operation,
    },
  });
const send = async (...spans: ReturnType<typeof access>[]) => expect((await post(collector.url, request(spans))).status).toBe(200);
const files = () => sql`
  select session_id, path, reads::int, writes::int, (extract(epoch from last_read) * 1000)::bigint - ${NOW} as read, (extract(epoch from last_write) * 1000)::bigint - ${NOW} as written
  from signalbox.session_memory order by session_id, path`;

const SPANS = [
  access(1, "a", "read", "/CLAUDE.md", 10),
  access(2, "a", "write", "/CLAUDE.md", 20),
  access(3, "a", "read", "notes.md", 30),
  access(4, "b", "read", "/CLAUDE.md", 40),
  access(5, "a", "read", "/CLAUDE.md", 50),
] as const;

it("keeps who read and wrote a memory file, in whatever order and however often it is told", async () => {
  await send(...SPANS);
  const kept = await dump(database.url);
  expect(await rollups(sql)).toEqual(await recount(sql));
  expect((await files()).map(Object.values)).toEqual([
    ["a", "/CLAUDE.md", 2, 1, "50", "20"],
    ["a", "notes.md", 1, 0, "30", null],
    ["b", "/CLAUDE.md", 1, 0, "40", null],
  ]);
  await emptyTables(database.url);

  const [one, two, three, four, five] = SPANS;
  await send(five, three);
  await Promise.all([send(one, two), send(four), send(two, five)]);
  await send(...SPANS);
  const again = await dump(database.url);
  expect(again.memory_accesses).toEqual(kept.memory_accesses);
  expect(again.session_memory).toEqual(kept.session_memory);
});

it("lists a path that is too long for an index cut, with a mark, and keeps two apart that begin alike", async () => {
  const long = (end: string) => `/${"deep/".repeat(300)}${end}`;
  await send(
    access(1, "a", "write", long("one.md"), 10),
    access(2, "a", "read", long("two.md"), 20),
    access(3, "a", "read", long("one.md"), 30),
  );
  const listed = (await files()) as unknown as { path: string; reads: number; writes: number }[];
  expect(listed.map(({ reads, writes }) => [reads, writes]).sort()).toEqual([
    [1, 0],
    [1, 1],
  ]);
  for (const { path } of listed) expect(path).toMatch(/^\/deep\/deep\/.*~[0-9a-f]{16}$/);
  const spans = await sql<{ path: string }[]>`select distinct attributes->>'signalbox.memory.path' as path from signalbox.spans order by 1`;
  expect(spans.map(({ path }) => path)).toEqual(listed.map(({ path }) => path).sort());
  expect(await rollups(sql)).toEqual(await recount(sql));
});

it("has a file bear its agent's name, whenever and however often that is said", async () => {
  const turn = (id: number, session: string, name: string) =>
    span({
      trace: id,
      id,
      at: id,
      attributes: { "session.id": session, "gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": name },
    });
  const read = (id: number, session: string, path = "notes.md") => access(id, session, "read", path, id);
  const names = async () =>
    (await sql`select session_id, path, agent_name from signalbox.session_memory order by session_id, path`).map(Object.values);

  await send(read(1, "before"), read(2, "nameless"), turn(3, "after", "helper"), turn(4, "twice", "zoe"), read(5, "twice"));
  await send(turn(6, "before", "helper"), read(7, "after"), turn(8, "twice", "adam"));
  const expected = [
    ["after", "notes.md", "helper"],
    ["before", "notes.md", "helper"],
    ["nameless", "notes.md", null],
    ["twice", "notes.md", "adam"],
  ];
  expect(await names()).toEqual(expected);
  // said again, and of another file
  await send(turn(9, "twice", "zoe"), read(10, "twice", "more.md"), turn(11, "before", "helper"));
  expect(await names()).toEqual([...expected.slice(0, 3), ["twice", "more.md", "adam"], ["twice", "notes.md", "adam"]]);
  expect(await rollups(sql)).toEqual(await recount(sql));
});

it("tells when a file was first and last used by what is left, where a live record takes the place of an imported one", async () => {
  const call = (id: number, at: number, more: object) =>
    span({
      trace: id,
      id,
      at,
      attributes: { "session.id": "a", "gen_ai.operation.name": "chat", "gen_ai.usage.input_tokens": 10, ...more },
    });
  const hangsOn = (one: ReturnType<typeof span>, response: string) => {
    (one.attributes as object[]).push({ key: Attribute.importCallIds, value: { arrayValue: { values: [{ stringValue: response }] } } });
    return one;
  };
  const history = [
    hangsOn(call(1, 100, {}), "one"),
    hangsOn(access(2, "a", "read", "/CLAUDE.md", 10), "one"),
    hangsOn(access(3, "a", "write", "/CLAUDE.md", 90), "one"),
    hangsOn(access(4, "a", "read", "/gone.md", 20), "one"),
    hangsOn(call(5, 900_000, {}), "two"),
    hangsOn(access(6, "a", "read", "/CLAUDE.md", 40), "two"),
  ];
  expect((await post(collector.url, request(history, { "service.name": IMPORT_SERVICE }))).status).toBe(200);
  expect((await files()).map(Object.values)).toEqual([
    ["a", "/CLAUDE.md", 2, 1, "40", "90"],
    ["a", "/gone.md", 1, 0, "20", null],
  ]);
  await send(call(7, 100, { "gen_ai.response.id": "one" }), access(8, "a", "write", "/CLAUDE.md", 30));
  expect((await files()).map(Object.values)).toEqual([["a", "/CLAUDE.md", 1, 1, "40", "30"]]);
  expect((await rollups(sql)).session_memory).toEqual((await recount(sql)).session_memory);
});

it("forgets accesses with their spans, whole days and those of one project", async () => {
  await send(
    access(1, "a", "read", "/CLAUDE.md", -40 * DAY),
    access(2, "a", "write", "/CLAUDE.md", -1 * DAY),
    access(3, "b", "read", "/old.md", -40 * DAY),
  );
  await sql`update signalbox.spans set project = 'long' where session_id = 'b'`;
  await sql`update signalbox.memory_accesses set project = 'long' where session_id = 'b'`;
  await sql`update signalbox.session_memory set project = 'long' where session_id = 'b'`;
  const connection = await connect(database.url);
  try {
    const settings = { ...retentionSchema.parse(undefined), payload_days: 7, span_days: 30 };
    await expire(connection, { limits: retentionLimits({ ...settings, projects: { long: { span_days: "forever" } } }), now: NOW });
    expect(await files()).toMatchObject([
      { session_id: "a", reads: 0, writes: 1, read: null },
      { session_id: "b", reads: 1, writes: 0 },
    ]);
    expect((await rollups(sql)).session_memory).toEqual((await recount(sql)).session_memory);
    await expire(connection, { limits: retentionLimits(settings), now: NOW });
    expect(await sql`select session_id from signalbox.memory_accesses`).toMatchObject([{ session_id: "a" }]);
    expect(await sql`select session_id from signalbox.session_memory`).toMatchObject([{ session_id: "a" }]);
  } finally {
    await connection.close();
  }
});
