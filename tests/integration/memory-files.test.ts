/** Memory files and their accesses, as the dashboard reads them from indexes: the same as each access looked at by itself. */
import { Attribute, Operation } from "@signalbox/otel/conventions";
import postgres from "postgres";
import { afterAll, beforeAll, expect, it } from "vitest";
import { connect } from "../../collector-processor/src/exporters/postgres-connection.ts";
import { addUpDays } from "../../collector-processor/src/retention/add-up-days.ts";
import { NAME_MEMORY } from "../../collector-processor/src/sql/memory-accesses.ts";
import { listMemory } from "../../web/src/queries/list-memory.ts";
import { listMemoryFiles } from "../../web/src/queries/list-memory-files.ts";
import { connectionOptions } from "../../web/src/server/database.ts";
import { loneSpan } from "../support/lone-span.ts";
import { createDatabase, type TestDatabase } from "../support/postgres.ts";
import { randomSource } from "../support/random-source.ts";
import { writeSpans } from "../support/seed.ts";
import type { SeedSpan } from "../support/seed-fleet.ts";

const MINUTE_US = 60_000_000;
const BEGIN_US = Date.parse("2026-11-01T00:00:00Z") * 1000;
const MINUTES = 100 * 60;
const ALL = 5_000;

const next = randomSource(11);
const random = (below: number) => Math.floor(next() * below);
const one = <Value>(values: readonly Value[]): Value => values[random(values.length)] as Value;

const access = (session: string, name: string | null, path: string, isWrite: boolean, at: number): SeedSpan =>
  loneSpan(session, at, {
    name: "memory",
    operation: Operation.memory,
    kind: 1,
    // null: the column may be
    agent_name: name as string,
    attributes: { [Attribute.memoryPath]: path, [Attribute.memoryOperation]: isWrite ? "write" : "read" },
  });

const NAMES = ["ada", "bob", "ada\u001fbob", "", null];
// the second is the first with the separator of a file's key and a length in it
const PATHS = ["MEMORY.md", "9\u001fMEMORY.md", "notes.md", "/etc/notes.md", "~/notes.md", "C:\\notes.md"];
const idOf = (number: number) => (number % 6 === 5 ? `t:${number.toString(16).padStart(32, "0")}` : `session-${number}`);

let used = 0;
/** Sessions that use files for minutes, for an hour, or for days; no two accesses at once. */
function fleet(from: number, to: number): SeedSpan[] {
  const spans: SeedSpan[] = [];
  for (let number = from; number < to; number++) {
    const name = number % 6 === 5 ? null : one(NAMES);
    const takes = one([10, 60, 40 * 60]);
    const begins = random(MINUTES - takes);
    const paths = [one(PATHS), one(PATHS)];
    for (let index = 0; index < 8; index++) {
      const minute = index === 0 ? begins : index === 1 ? begins + takes : begins + random(takes);
      spans.push(access(idOf(number), name, one(paths), random(3) === 0, BEGIN_US + minute * MINUTE_US + used++ * 1000));
    }
  }
  return spans;
}

let database: TestDatabase;
let sql: postgres.Sql;
beforeAll(async () => {
  database = await createDatabase();
  sql = postgres(database.url, { ...connectionOptions(), max: 1 });
  await writeSpans(database.url, fleet(0, 200));
  // for an hour to the microsecond, which an end of a range cuts
  const hour = [20, 21].map((at) => access("session-hour", "ada", "hour.md", false, BEGIN_US + at * 60 * MINUTE_US));
  await writeSpans(database.url, hour);
  await writeSpans(database.url, fleet(200, 240), "oth\u001fer");
});
afterAll(async () => {
  await sql?.end();
  await database?.drop();
});

interface Access {
  session: string;
  path: string;
  project: string;
  is_write: boolean;
  time: string;
  span: string;
  root: string;
  owner: string;
}

/** All that there is, the earliest first, with the root at the end of each chain of aliases and whose file it is. */
async function accesses(): Promise<Access[]> {
  const aliases = new Map((await sql`select alias, session_id from session_aliases`).map((row) => [row.alias as string, row.session_id]));
  const names = new Map((await sql`select session_id, agent_name from sessions`).map((row) => [row.session_id as string, row.agent_name]));
  const rows = await sql<Omit<Access, "root" | "owner">[]>`
    select session_id as session, path, project, is_write, start_time as time, encode(span_id, 'hex') as span from memory_accesses order by start_time, span_id`;
  return rows.map((row) => {
    let root = row.session;
    for (let next = aliases.get(root); next !== undefined; next = aliases.get(root)) root = next;
    return { ...row, root, owner: /^([/~\\]|[A-Za-z]:)/.test(row.path) ? "" : (names.get(root) ?? "") };
  });
}

const fileOf = ({ project, path, owner }: Pick<Access, "project" | "path" | "owner">) => JSON.stringify([path, owner, project]);
const last = (some: readonly Access[]) => some.at(-1)?.time ?? null;

/** Files of the accesses since then, the latest first. */
function filesOf(all: readonly Access[], from: string) {
  const files = Map.groupBy(
    all.filter(({ time }) => Date.parse(time) >= Date.parse(from)),
    fileOf,
  );
  return [...files.values()]
    .map((of) => {
      const { project, path, owner } = of[0] as Access;
      const [reads, writes] = [of.filter((row) => !row.is_write), of.filter((row) => row.is_write)];
      const counts = { reads: reads.length, writes: writes.length, sessions: new Set(of.map(({ root }) => root)).size };
      return { project, path, owner, ...counts, last_time: last(of), last_read: last(reads), last_write: last(writes) };
    })
    .sort((left, right) => Date.parse(String(right.last_time)) - Date.parse(String(left.last_time)));
}

const files = (from: string, limit = ALL, offset = 0) => listMemoryFiles(sql, { q: undefined, from, limit, offset });
const RANGES = [0, 1, 20 * 60 + 30, 50 * 60, 80 * 60, 99 * 60, MINUTES].map((minute) =>
  new Date((BEGIN_US + minute * MINUTE_US) / 1000).toISOString(),
);

/** As they are found, and again once their days are added up. */
async function expectFiles(all: readonly Access[]): Promise<void> {
  for (const from of RANGES) expect([...(await files(from))], from).toEqual(filesOf(all, from));
  const connection = await connect(database.url);
  await addUpDays(connection, Date.parse("2026-12-01"));
  await connection.close();
  for (const from of RANGES) expect([...(await files(from))], `days added up, ${from}`).toEqual(filesOf(all, from));
}

async function expectAll(): Promise<void> {
  const all = await accesses();
  await expectFiles(all);
  // to the microsecond
  const middle = all[Math.floor(all.length / 2)]?.time as string;
  const since = all.filter(({ time }) => time >= middle);
  expect((await files(middle)).reduce((sum, { reads, writes }) => sum + reads + writes, 0)).toBe(since.length);
  const rows = await listMemory(sql, { limit: ALL });
  expect(rows.map(({ span_id, session_id, owner }) => [span_id, session_id, owner])).toEqual(
    all.toReversed().map(({ span, root, owner }) => [span, root, owner]),
  );
  const writers = new Map<string, Access>();
  const before = new Map<string, string | null>();
  for (const row of all) {
    before.set(row.span, row.is_write ? null : (writers.get(fileOf(row))?.span ?? null));
    if (row.is_write) writers.set(fileOf(row), row);
  }
  expect(rows.map(({ span_id, written_by }) => [span_id, written_by?.span_id ?? null])).toEqual(
    rows.map(({ span_id }) => [span_id, before.get(span_id)]),
  );
  for (const [file, of] of Map.groupBy(all, fileOf)) {
    const { project, path, owner } = of[0] as Access;
    const ofFile = await listMemory(sql, { limit: ALL, project, path, owner });
    const expected = of.toReversed().map(({ span }) => [span, before.get(span)]);
    expect(
      ofFile.map(({ span_id, written_by }) => [span_id, written_by?.span_id ?? null]),
      file,
    ).toEqual(expected);
  }
}

const joined = (alias: string, session: string) =>
  sql`insert into session_aliases (alias, session_id) values (${alias}, ${session}) on conflict (alias) do update set session_id = excluded.session_id`;

it("sessions that are a matter of their own", expectAll);

it("traces and sub-agents that are joined to a session later, one below the other, and then to another one", async () => {
  for (let number = 5; number < 200; number += 12) await joined(idOf(number), idOf(number - 2));
  for (let number = 0; number < 190; number += 9) if (number % 6 !== 5) await joined(idOf(number), idOf(number + 8));
  // chains of three and four, and a sub-agent of which nothing is stored
  for (const [alias, session] of [
    [20, 21],
    [21, 22],
    [22, 25],
    [100, 101],
    [101, 102],
  ] as const)
    await joined(idOf(alias), idOf(session));
  await joined("never-stored", idOf(40));
  await expectAll();
  for (const number of [5, 9, 18, 27]) await joined(idOf(number), idOf(number + 91));
  await expectAll();
});

it("an agent whose name is known later", async () => {
  const renamed = [1, 2, 3, 8, 25, 102, 109].map((number) => ({ session_id: idOf(number), agent_name: "aaron" }));
  for (const { session_id, agent_name } of renamed)
    await sql`update sessions set agent_name = least(agent_name collate "C", ${agent_name}) where session_id = ${session_id}`;
  await sql.unsafe(NAME_MEMORY, [JSON.stringify(renamed)]);
  await expectAll();
});

it("files of many sessions, page by page", async () => {
  const [, since = ""] = RANGES;
  await sql`insert into sessions (session_id, project, agent_name, first_time, last_time)
    select 'many-' || number, 'default', 'agent-' || number % 7, ${since}::timestamptz + number * interval '1 second', ${since}::timestamptz + interval '1 hour'
    from generate_series(1, 9000) number`;
  await sql`insert into memory_accesses (session_id, path, start_time, span_id, project, is_write)
    select session_id, 'MEMORY.md', first_time + interval '1 microsecond', int8send(row_number() over (order by first_time) + 1000000), project, false
    from sessions where session_id like 'many-%'`;
  await sql`insert into spans (start_time, duration_ns, trace_id, span_id, session_id, project, name, operation)
    select start_time, 1, int8send(0), span_id, session_id, project, 'memory', 'memory' from memory_accesses where session_id like 'many-%'`;
  await sql`insert into session_memory (session_id, path, project, reads, writes, first_time, last_read, agent_name)
    select a.session_id, a.path, a.project, 1, 0, a.start_time, a.start_time, s.agent_name from memory_accesses a join sessions s using (session_id)
    where session_id like 'many-%'`;
  await sql`insert into session_aliases (alias, session_id) select 'many-' || number, 'many-' || number - 1 from generate_series(1, 9000) number where number % 50 = 0`;
  await sql`delete from memory_days`;
  await sql`analyze session_memory`;
  await expectFiles(await accesses());
  const whole = await files(since);
  const pages = [await files(since, 4), await files(since, 4, 4)].flatMap((page) => page.slice(0, 4));
  expect(pages).toEqual(whole.slice(0, 8));

  // of more than are told apart by their sessions
  await sql`update sessions set agent_name = 'agent-1' where session_id like 'many-%'`;
  await sql`update session_memory set agent_name = 'agent-1' where session_id like 'many-%'`;
  const own = (await accesses()).filter(({ owner }) => owner === "agent-1");
  const listed = await listMemory(sql, { limit: 10_000, project: "default", path: "MEMORY.md", owner: "agent-1" });
  expect(new Set(listed.map(({ session_id }) => session_id))).toEqual(new Set(own.map(({ root }) => root)));
});
