/** Totals by minute: which of them are there, and who takes them away. That they equal a recount is seen wherever hours are (collector-recount.ts). */
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { migrate } from "@signalbox/collector-processor/migrate";
import postgres from "postgres";
import { afterEach, beforeEach, expect, inject, it } from "vitest";
import { type Connection, connect } from "../../collector-processor/src/exporters/postgres-connection.ts";
import { keepMinutes } from "../../collector-processor/src/retention/keep-minutes.ts";
import { retentionLimits } from "../../collector-processor/src/retention/limits.ts";
import { retentionSchema } from "../../collector-processor/src/retention/retention-config.ts";
import { createDatabase, type TestDatabase } from "../support/postgres.ts";
import { databaseUrl } from "../support/postgres-server.ts";
import { recount, rollups } from "./collector-recount.ts";
import { NOW, post, request, span, testCollector, untilReady } from "./collector-support.ts";

const HOUR = 3_600_000;
const closing: (() => Promise<unknown>)[] = [];
let database: TestDatabase;
let sql: postgres.Sql;
let connection: Connection;
beforeEach(async () => {
  database = await createDatabase();
  sql = postgres(database.url, { max: 1, onnotice: () => {}, connection: { TimeZone: "UTC" } });
  connection = await connect(database.url);
});
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
  await connection.close();
  await sql.end();
  await database.drop();
});

const call = (id: number, hoursAgo: number, attributes: Record<string, string> = {}) =>
  span({
    trace: id,
    id,
    at: -hoursAgo * HOUR,
    attributes: { "session.id": "s", "gen_ai.operation.name": "chat", "gen_ai.usage.input_tokens": 1, ...attributes },
  });
const tool = (id: number, hoursAgo: number) => call(id, hoursAgo, { "gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "grep" });
const minuteOf = (time: number) => Math.floor(time / 60_000) * 60_000;
/** Milliseconds since 1970; -Infinity: ever. */
const since = async () => (await sql`select extract(epoch from since)::float8 * 1000 as ms from signalbox.minutes_kept`)[0]?.ms;
const hoursAgo = async (table: string) => {
  const rows = await sql.unsafe(
    `select (extract(epoch from minute) * 1000)::float8 as at from signalbox.${table} where calls > 0 order by minute desc`,
  );
  return rows.map(({ at }) => Math.round((NOW - at) / HOUR));
};
const limits = (projects = {}) => retentionLimits({ ...retentionSchema.parse({ projects }), payload_days: 7 });

async function collector(hours: number): Promise<(spans: ReturnType<typeof span>[]) => Promise<void>> {
  const started = await testCollector(database.url, `collector: { retention: { minute_hours: ${hours} } }`);
  closing.push(() => started.close());
  await untilReady(started.url);
  return async (spans) => expect((await post(started.url, request(spans))).status).toBe(200);
}

it("has all minutes where there was no span before, then those of so many hours: readers stop first, deleted is the next time", async () => {
  // the janitor of a collector looks when it starts
  expect(await since()).toBe(Number.NEGATIVE_INFINITY);
  const send = await collector(10);
  await expect.poll(since).toEqual(minuteOf(NOW - 10 * HOUR));
  await send([call(1, 0), call(2, 3), tool(3, 3), call(4, 8), tool(5, 8)]);
  const tables = ["place_minute", "payer_minute", "tool_minute"];
  const left = () => Promise.all(tables.map(hoursAgo));
  expect(await left()).toEqual([
    [0, 3, 8],
    [0, 3, 8],
    [3, 8],
  ]);

  await keepMinutes(connection, 5, limits(), NOW);
  expect(await since()).toEqual(minuteOf(NOW - 5 * HOUR));
  expect((await left())[0]).toEqual([0, 3, 8]);
  // of what is late nobody asks for the minutes
  await send([call(6, 7), tool(7, 7), call(8, 4), tool(9, 4)]);
  expect((await left())[0]).toEqual([0, 3, 4, 8]);
  // to keep more brings nothing back
  await keepMinutes(connection, 20, limits(), NOW);
  expect(await since()).toEqual(minuteOf(NOW - 5 * HOUR));
  expect(await left()).toEqual([
    [0, 3, 4],
    [0, 3, 4],
    [3, 4],
  ]);
  expect(await rollups(sql)).toEqual(await recount(sql));
});

it("keeps them in no project longer than its hours", async () => {
  await keepMinutes(connection, 40, limits({ short: { rollup_days: 1 } }), NOW);
  expect(await since()).toEqual(minuteOf(NOW - 24 * HOUR));
});

it("of a database with spans begins with the next minute, and has what a clock that is ahead had stored", async () => {
  const folder = new URL("../../collector-processor/migrations/", import.meta.url);
  const before = fs.mkdtempSync(path.join(os.tmpdir(), "signalbox-migrate-"));
  const name = `minutes_${Math.random().toString(36).slice(2)}`;
  const admin = postgres(inject("postgres").url, { max: 1, onnotice: () => {} });
  await admin.unsafe(`create database ${name}`);
  const url = databaseUrl(inject("postgres").url, name);
  const own = postgres(url, { max: 1, onnotice: () => {} });
  closing.push(async () => {
    await own.end();
    await admin.unsafe(`drop database ${name} with (force)`);
    await admin.end();
    fs.rmSync(before, { recursive: true, force: true });
  });
  for (const file of fs.readdirSync(folder).filter((each) => each < "000029.sql"))
    fs.copyFileSync(new URL(file, folder), path.join(before, file));
  await migrate(url, pathToFileURL(`${before}/`));
  await own`create table signalbox.spans_now partition of signalbox.spans for values from ('2026-01-01') to ('2100-01-01')`;
  await own`insert into signalbox.spans (session_id, start_time, span_id, trace_id, duration_ns, project, name, operation, is_call, pool, cost_nusd, baseline_nusd, input_tokens,
      tool_name, status, prefill_ms)
    select 's', now() + make_interval(mins => minutes), int8send(id), int8send(id), 5, 'p', 'a', operation, operation = 'chat', 'pool', 7, 9, 11, 'grep', id % 3, 1.5
    from (values (1, -5, 'chat'), (2, 2, 'chat'), (3, 2, 'execute_tool'), (4, 90, 'chat'), (5, 90, 'chat'), (6, -5, 'execute_tool')) spans (id, minutes, operation)`;
  expect((await migrate(url)).applied).toEqual(["000029.sql"]);
  const [kept] =
    await own`select since > now() and since <= now() + interval '1 minute' and since = date_trunc('minute', since) as is_next from signalbox.minutes_kept`;
  expect(kept).toEqual({ is_next: true });
  const { place_minute, payer_minute, tool_minute } = await rollups(own);
  const counted = await recount(own);
  expect([place_minute.length, payer_minute.length, tool_minute.length]).toEqual([2, 2, 1]);
  expect({ place_minute, payer_minute, tool_minute }).toEqual({
    place_minute: counted.place_minute,
    payer_minute: counted.payer_minute,
    tool_minute: counted.tool_minute,
  });
});
