/** Days that are added up: read in place of their hours, and never instead of what has changed since. */
import { PRICES, type PriceRow } from "@signalbox/otel/prices";
import postgres from "postgres";
import { afterEach, beforeEach, expect, it } from "vitest";
import type { Collector } from "../../collector-processor/src/app.ts";
import { type Connection, connect } from "../../collector-processor/src/exporters/postgres-connection.ts";
import { reprice } from "../../collector-processor/src/prices/reprice.ts";
import { addUpDays } from "../../collector-processor/src/retention/add-up-days.ts";
import { expire } from "../../collector-processor/src/retention/expire.ts";
import { retentionLimits } from "../../collector-processor/src/retention/limits.ts";
import { retentionSchema } from "../../collector-processor/src/retention/retention-config.ts";
import { createDatabase, type TestDatabase } from "../support/postgres.ts";
import { recount, rollups } from "./collector-recount.ts";
import { NOW, post, request, span, testCollector, untilReady } from "./collector-support.ts";

const HOUR = 3_600_000;
const DAY = 24 * HOUR;

let database: TestDatabase;
let collector: Collector;
let sql: postgres.Sql;
let connection: Connection;
beforeEach(async () => {
  database = await createDatabase();
  sql = postgres(database.url, { max: 2, onnotice: () => {} });
  connection = await connect(database.url);
  collector = await testCollector(database.url);
  await untilReady(collector.url);
});
afterEach(async () => {
  await collector.close();
  await connection.close();
  await sql.end();
  await database.drop();
});

/** A call so many hours before NOW, which is ten in the morning of 2026-11-20. */
const call = (id: number, hoursAgo: number, attributes: Record<string, string | number> = {}) =>
  span({
    trace: id,
    id,
    at: -hoursAgo * HOUR,
    attributes: {
      "session.id": `s${id % 5}`,
      "signalbox.route": `route-${id % 3}`,
      "signalbox.user.id": `user-${id % 2}`,
      "gen_ai.operation.name": "chat",
      "gen_ai.request.model": "claude-haiku-4-5",
      "gen_ai.usage.input_tokens": 100 + id,
      "gen_ai.usage.output_tokens": 10,
      ...attributes,
    },
  });
const send = async (spans: ReturnType<typeof span>[]) => expect((await post(collector.url, request(spans))).status).toBe(200);
const days = async () => (await sql`select to_char(day, 'MM-DD') as day from signalbox.rollup_days order by day`).map(({ day }) => day);
const expectRecount = async () => expect(await rollups(sql)).toEqual(await recount(sql));
/** Of every third hour of the last four days, the one that goes on among them. */
const fourDays = () => Array.from({ length: 32 }, (_, place) => call(place + 1, place * 3));

it("adds up the days that are over, an hour after their end, and answers as their hours do", async () => {
  await send(fourDays());
  const before = await rollups(sql);
  expect(await addUpDays(connection, NOW)).toBe(4);
  expect(await days()).toEqual(["11-16", "11-17", "11-18", "11-19"]);
  expect(await rollups(sql)).toEqual(before);
  expect(await addUpDays(connection, NOW)).toBe(0);
  // ten hours and a half before NOW it was half past eleven
  expect(await addUpDays(connection, NOW - 10.5 * HOUR + DAY)).toBe(0);
  expect(await addUpDays(connection, NOW - 9 * HOUR + DAY)).toBe(1);

  const calls = async (since: string, upto: string) => {
    const [row] = await sql`select
      (select coalesce(sum(calls), 0)::int from signalbox.place_between(${since}::text::timestamptz, ${upto}::text::timestamptz)) as by_days,
      (select count(*)::int from signalbox.place_between(${since}::text::timestamptz, ${upto}::text::timestamptz)) as rows,
      (select coalesce(sum(calls), 0)::int from signalbox.place_hour where hour >= ${since}::text::timestamptz and hour < ${upto}::text::timestamptz) as by_hours`;
    expect(row?.by_days).toBe(row?.by_hours);
    return row?.rows;
  };
  // whole days and what is left at both ends, within a day, between days, and of days that are not there
  const ofTwoDays = await calls("2026-11-17T00:00Z", "2026-11-19T00:00Z");
  expect(await calls("2026-11-16T22:00Z", "2026-11-19T03:00Z")).toBeGreaterThan(ofTwoDays);
  await calls("2026-11-17T03:00Z", "2026-11-17T15:00Z");
  await calls("2026-11-17T23:00Z", "2026-11-18T01:00Z");
  await calls("2020-01-01T00:00Z", "2030-01-01T00:00Z");
  expect(await calls("2026-11-18T00:00Z", "2026-11-18T00:00Z")).toBe(0);
});

it("takes a day out when a late span changes it, and adds it up anew", async () => {
  await send(fourDays());
  await addUpDays(connection, NOW);
  await send([call(100, 40), call(101, 1)]);
  expect(await days()).toEqual(["11-16", "11-17", "11-19"]);
  await expectRecount();
  expect(await addUpDays(connection, NOW)).toBe(1);
  await expectRecount();
  // what was there already changes nothing
  await send([call(100, 40)]);
  expect(await days()).toHaveLength(4);
  await expectRecount();
});

it("takes a day out when its calls are priced anew", async () => {
  await send([...fourDays(), call(100, 40, { "gen_ai.request.model": "house-model" })]);
  await addUpDays(connection, NOW);
  const own: PriceRow = { own: true, provider: "*", model: /^house-model$/, input: 3, output: 9, source: "a test", read: "2026-11-21" };
  const period = { from: new Date(NOW - 30 * DAY), to: new Date(NOW + DAY) };
  expect(await reprice(sql, [own, ...PRICES], period, false)).toMatchObject({ changed: 1 });
  expect(await days()).toEqual(["11-16", "11-17", "11-19"]);
  await expectRecount();
  await addUpDays(connection, NOW);
  await expectRecount();
});

it("loses of a day what retention takes of its hours", async () => {
  await send([...fourDays(), call(100, 70, { "signalbox.project": "short" }), call(101, 46, { "signalbox.project": "short" })]);
  await addUpDays(connection, NOW);
  const settings = retentionSchema.parse({ projects: { short: { rollup_days: 2 } } });
  await expire(connection, { limits: retentionLimits({ ...settings, payload_days: 7 }), now: NOW });
  const left = async () => {
    const [row] = await sql`select (select sum(calls)::int from signalbox.route_between('-infinity', 'infinity')) as by_days,
      (select sum(calls)::int from signalbox.route_hour) as by_hours, (select count(*)::int from signalbox.route_day where project = 'short') as short`;
    return row;
  };
  expect(await left()).toMatchObject({ by_days: 33, by_hours: 33 });
  await addUpDays(connection, NOW);
  expect(await left()).toEqual({ by_days: 33, by_hours: 33, short: 1 });
  expect(await days()).toHaveLength(4);
});

const waitsForLock = () =>
  expect
    .poll(() => sql`select from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()`, { timeout: 10_000 })
    .toHaveLength(1);

it("waits for who is changing an hour, and has the change", async () => {
  await send(fourDays());
  const writer = await connect(database.url);
  try {
    await writer.run("begin; update signalbox.route_hour set calls = calls + 1000 where hour = '2026-11-18T01:00Z'");
    const adding = addUpDays(connection, NOW);
    await waitsForLock();
    await writer.run("commit");
    await adding;
    const [row] =
      await sql`select sum(calls)::int % 1000 as few, sum(calls)::int / 1000 as added from signalbox.route_between('-infinity', 'infinity')`;
    expect(row).toEqual({ few: 32, added: 1 });
  } finally {
    await writer.close();
  }
});

it("has a span that comes while its day is being added up take the day out afterwards", async () => {
  await send(fourDays());
  const slow = await connect(database.url);
  try {
    // as a day is added up, and not yet committed
    await slow.run(`begin; lock table signalbox.route_hour in share mode;
      insert into signalbox.rollup_days select '2026-11-18Z'::timestamptz`);
    const sending = send([call(100, 40)]);
    await waitsForLock();
    await slow.run("commit");
    await sending;
    expect(await days()).toEqual([]);
    await addUpDays(connection, NOW);
    await expectRecount();
  } finally {
    await slow.close();
  }
});
