/** Memory files of days that are added up: read in place of each session's, and never instead of what has changed since. */
import { Attribute, IMPORT_SERVICE } from "@signalbox/otel/conventions";
import postgres from "postgres";
import { afterAll, afterEach, beforeAll, expect, it } from "vitest";
import { type Connection, connect } from "../../collector-processor/src/exporters/postgres-connection.ts";
import { addUpDays } from "../../collector-processor/src/retention/add-up-days.ts";
import { expire } from "../../collector-processor/src/retention/expire.ts";
import { retentionLimits } from "../../collector-processor/src/retention/limits.ts";
import { retentionSchema } from "../../collector-processor/src/retention/retention-config.ts";
import { createDatabase, type TestDatabase } from "../support/postgres.ts";
import { randomSource } from "../support/random-source.ts";
import { MEMORY_BY_DAYS, recount, rollups } from "./collector-recount.ts";
import { emptyTables, NOW, post, request, span, testCollector, untilReady } from "./collector-support.ts";

const HOUR = 3_600_000;
const DAY = 24 * HOUR;

let database: TestDatabase;
let collector: Awaited<ReturnType<typeof testCollector>>;
let sql: postgres.Sql;
let connection: Connection;
beforeAll(async () => {
  database = await createDatabase();
  sql = postgres(database.url, { max: 2, onnotice: () => {} });
  connection = await connect(database.url);
  collector = await testCollector(database.url);
  await untilReady(collector.url);
});
afterEach(() => emptyTables(database.url));
afterAll(async () => {
  await collector.close();
  await connection.close();
  await sql.end();
  await database.drop();
});

/** So many hours before NOW, which is ten in the morning of 2026-11-20. */
const at = (id: number, hoursAgo: number, attributes: Record<string, string | number>) =>
  span({ trace: id, id, at: -hoursAgo * HOUR, attributes });
const access = (id: number, hoursAgo: number, more: Record<string, string> = {}) =>
  at(id, hoursAgo, {
    "session.id": `s${id}`,
    "gen_ai.operation.name": "memory",
    [Attribute.memoryPath]: `${id % 3}.md`,
    [Attribute.memoryOperation]: id % 4 === 0 ? "write" : "read",
    ...more,
  });
const turn = (id: number, session: string, name: string) =>
  at(id, 1, { "session.id": session, "gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": name });
const send = async (spans: ReturnType<typeof span>[], service?: string) =>
  expect((await post(collector.url, request(spans, { "service.name": service ?? "test" }))).status).toBe(200);

/** A session every sixth hour of the last four days. */
const fourDays = () => Array.from({ length: 16 }, (_, place) => access(place + 1, place * 6));
const days = async () => (await sql`select to_char(day, 'MM-DD') as day from signalbox.memory_days order by day`).map(({ day }) => day);
const ALL_DAYS = ["11-16", "11-17", "11-18", "11-19"];
async function expectRecount(): Promise<void> {
  const [kept, counted] = [await rollups(sql), await recount(sql)];
  expect(kept.session_memory).toEqual(counted.session_memory);
  expect(kept.memory_days).toEqual(counted.memory_days);
}
/** Adds up what is to be, which is as many days as this, and looks at all of it. */
async function expectAddedUp(count: number): Promise<void> {
  expect(await addUpDays(connection, NOW)).toBe(count);
  await expectRecount();
  expect(await addUpDays(connection, NOW)).toBe(0);
}

it("adds up the days that are over, an hour after their end", async () => {
  await send(fourDays());
  await expectRecount();
  await expectAddedUp(4);
  expect(await days()).toEqual(ALL_DAYS);
  const [row] = await sql`select count(*)::int as rows, sum(sessions)::int as sessions from signalbox.memory_day`;
  expect(row).toEqual({ rows: 11, sessions: 14 });
  // ten hours and a half before NOW it was half past eleven
  expect(await addUpDays(connection, NOW - 10.5 * HOUR + DAY)).toBe(0);
  expect(await addUpDays(connection, NOW - 9 * HOUR + DAY)).toBe(1);
  await expectRecount();
});

it("takes a day out when an access is late, and both days where it is a file's first", async () => {
  await send(fourDays());
  await expectAddedUp(4);
  await send([access(20, 40), access(21, 1)]);
  expect(await days()).toEqual(["11-16", "11-17", "11-19"]);
  await expectRecount();
  await expectAddedUp(1);

  // one more of session 5, whose first was ten o'clock of the 19th
  const again = (id: number, hoursAgo: number) => access(id, hoursAgo, { "session.id": "s5", [Attribute.memoryPath]: "2.md" });
  await send([again(22, 2)]);
  expect(await days()).toEqual(["11-16", "11-17", "11-18"]);
  await expectRecount();
  await expectAddedUp(1);
  await send([again(23, 70)]);
  expect(await days()).toEqual(["11-16", "11-18"]);
  await expectRecount();
  await expectAddedUp(2);
  // what was there already changes nothing
  await send([again(23, 70), access(20, 40)]);
  expect(await days()).toEqual(ALL_DAYS);
});

it("takes a day out when the agent's name of one of its sessions comes late", async () => {
  await send(fourDays());
  await expectAddedUp(4);
  await send([turn(30, "s10", "helper"), turn(31, "s1", "helper")]);
  expect(await days()).toEqual(["11-16", "11-17", "11-19"]);
  await expectRecount();
  await expectAddedUp(1);
  await send([turn(32, "s10", "helper")]);
  expect(await days()).toEqual(ALL_DAYS);
});

it("takes the days out of a file that a live record takes accesses of: that of its first time before, and after", async () => {
  const call = (id: number, hoursAgo: number, more: object) =>
    at(id, hoursAgo, { "session.id": "a", "gen_ai.operation.name": "chat", "gen_ai.usage.input_tokens": 10, ...more });
  const hangsOn = (one: ReturnType<typeof span>, response: string) => {
    (one.attributes as object[]).push({ key: Attribute.importCallIds, value: { arrayValue: { values: [{ stringValue: response }] } } });
    return one;
  };
  const of = { "session.id": "a", [Attribute.memoryPath]: "/CLAUDE.md" };
  await send(
    [
      hangsOn(call(41, 70, {}), "one"),
      hangsOn(access(42, 70, of), "one"),
      hangsOn(call(43, 40, {}), "two"),
      hangsOn(access(44, 40, of), "two"),
    ],
    IMPORT_SERVICE,
  );
  await send(fourDays());
  // two of them of calls, too
  await expectAddedUp(6);
  await send([call(45, 70, { "gen_ai.response.id": "one" })]);
  expect(await days()).toEqual(["11-16", "11-19"]);
  await expectRecount();
  await expectAddedUp(3);
});

it("loses of a day what retention takes of it, and has a day of which nothing is left", async () => {
  await send([...fourDays(), access(50, 70, { "signalbox.project": "short" }), access(51, 46, { "signalbox.project": "short" })]);
  await expectAddedUp(4);
  const keep = (more: object) => ({ limits: retentionLimits({ ...retentionSchema.parse(more), payload_days: 7 }), now: NOW });
  await expire(connection, keep({ projects: { short: { span_days: 2 } } }));
  expect(await days()).toEqual(["11-16", "11-18", "11-19"]);
  await expectRecount();
  await expectAddedUp(1);
  expect(await sql`select from signalbox.memory_day where project = 'short'`).toHaveLength(1);

  await expire(connection, keep({ span_days: 2 }));
  await expectRecount();
  await expectAddedUp(2);
  expect(await sql`select distinct to_char(day, 'MM-DD') as day from signalbox.memory_day order by 1`).toEqual([
    { day: "11-18" },
    { day: "11-19" },
  ]);
});

it("shows a key of one project that project's sums alone", async () => {
  await send([...fourDays(), access(60, 40, { "signalbox.project": "other" })]);
  await expectAddedUp(4);
  const seen = (project: string) =>
    sql.begin(async (transaction) => {
      await transaction`set local role signalbox_project`;
      await transaction`select set_config('signalbox.project', ${project}, true)`;
      const [row] = await transaction`select sum(sessions)::int as sessions from signalbox.memory_day`;
      return row?.sessions;
    });
  expect([await seen("default"), await seen("other"), await seen("none")]).toEqual([14, 1, null]);
});

const waitsForLock = () =>
  expect
    .poll(() => sql`select from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()`, { timeout: 10_000 })
    .toHaveLength(1);

it("waits for who is changing a file, and has the change", async () => {
  await send(fourDays());
  const writer = await connect(database.url);
  try {
    await writer.run("begin; update signalbox.session_memory set reads = reads + 1000 where session_id = 's10'");
    const adding = addUpDays(connection, NOW);
    await waitsForLock();
    await writer.run("commit");
    await adding;
    const [row] = await sql`select max(reads)::int as reads from signalbox.memory_day`;
    expect(row?.reads).toBeGreaterThan(1000);
  } finally {
    await writer.close();
  }
});

it("has an access that comes while its day is being added up take the day out afterwards", async () => {
  await send(fourDays());
  const slow = await connect(database.url);
  try {
    // as a day is added up, and not yet committed
    await slow.run(`begin; lock table signalbox.session_memory in share mode;
      insert into signalbox.memory_days select '2026-11-18Z'::timestamptz`);
    const sending = send([access(70, 40)]);
    await waitsForLock();
    await slow.run("commit");
    await sending;
    expect(await days()).toEqual([]);
    await expectAddedUp(4);
  } finally {
    await slow.close();
  }
});

it("is what the rows are at every moment, while two collectors write late accesses and names and days are added up", async () => {
  const next = randomSource(28);
  const random = (below: number) => Math.floor(next() * below);
  const other = await testCollector(database.url);
  const reader = postgres(database.url, { max: 1 });
  const controller = new AbortController();
  const until = async (once: () => Promise<unknown>) => {
    while (!controller.signal.aborted) await once();
  };
  try {
    await untilReady(other.url);
    const sums = (rows: string) => `(select file, sum(sessions) as sessions, sum(reads) as reads, sum(writes) as writes,
      max(last_read) as last_read, max(last_write) as last_write from ${rows} group by file)`;
    const rows = `(select file, 1 as sessions, reads, writes, last_read, last_write from signalbox.session_memory) rows`;
    const [byDays, byRows] = [sums(MEMORY_BY_DAYS), sums(rows)];
    let added = 0;
    const beside = [
      until(async () => {
        added += await addUpDays(connection, NOW);
      }),
      until(async () => {
        expect(await reader.unsafe(`(${byDays} except ${byRows}) union all (${byRows} except ${byDays})`)).toEqual([]);
      }),
    ];
    let id = 100;
    const write = async (url: string) => {
      for (let group = 0; group < 25; group++) {
        const spans = Array.from({ length: 10 }, () => {
          const session = `s${random(40)}`;
          id++;
          return random(4) === 0 ? turn(id, session, `agent-${random(9)}`) : access(id, random(90), { "session.id": session });
        });
        expect((await post(url, request(spans))).status).toBe(200);
      }
    };
    try {
      await Promise.all([write(collector.url), write(other.url)]);
    } finally {
      controller.abort();
      await Promise.all(beside);
    }
    expect(added).toBeGreaterThan(4);
    await addUpDays(connection, NOW);
    await expectRecount();
  } finally {
    await reader.end();
    await other.close();
  }
});
