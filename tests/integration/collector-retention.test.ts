import { execFile } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { zstdDecompressSync } from "node:zlib";
import { PROJECT_SEPARATOR } from "@signalbox/otel/conventions";
import { asyncBufferFromFile, parquetReadObjects } from "hyparquet";
import postgres from "postgres";
import { afterEach, beforeEach, expect, it } from "vitest";
import { type Connection, connect } from "../../collector-processor/src/exporters/postgres-connection.ts";
import { lease } from "../../collector-processor/src/lease.ts";
import { expire, wouldExpire } from "../../collector-processor/src/retention/expire.ts";
import { retentionLimits } from "../../collector-processor/src/retention/limits.ts";
import { type RetentionSettings, retentionSchema } from "../../collector-processor/src/retention/retention-config.ts";
import { createDatabase, type TestDatabase } from "../support/postgres.ts";
import { metric } from "./collector-load.ts";
import { NOW, post, request, span, testCollector, untilReady } from "./collector-support.ts";

const DAY = 86_400_000;
const closing: (() => Promise<unknown> | unknown)[] = [];
let database: TestDatabase;
let sql: postgres.Sql;
let connection: Connection;
beforeEach(async () => {
  database = await createDatabase();
  sql = postgres(database.url, { max: 1, onnotice: () => {} });
  connection = await connect(database.url);
});
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
  await connection.close();
  await sql.end();
  await database.drop();
});

const limits = (settings: Partial<RetentionSettings>) =>
  retentionLimits({ ...retentionSchema.parse(undefined), payload_days: 7, ...settings });

/** A call of so many days ago, with what was said. */
const call = (id: number, daysAgo: number, session: string, project: string, said: string[] = []) =>
  span({
    trace: id,
    id,
    at: -daysAgo * DAY,
    attributes: {
      "session.id": session,
      "signalbox.project": project,
      "gen_ai.operation.name": "chat",
      "gen_ai.request.model": "claude-sonnet-4-6",
      "gen_ai.provider.name": "anthropic",
      "gen_ai.usage.input_tokens": 10,
      "gen_ai.usage.output_tokens": 1,
      ...(said.length > 0 && { "gen_ai.input.messages": JSON.stringify(said.map((content) => ({ role: "user", content }))) }),
    },
  });

async function collector(yaml = "") {
  const started = await testCollector(database.url, yaml);
  closing.push(() => started.close());
  await untilReady(started.url);
  return started;
}
async function stored(spans: ReturnType<typeof call>[]): Promise<void> {
  const { url } = await collector();
  expect((await post(url, request(spans))).status).toBe(200);
}
/** By their sessions' plain ids. */
const spansLeft = async () =>
  (await sql`select split_part(session_id, ${PROJECT_SEPARATOR}, -1) as session_id, span_id from signalbox.spans order by span_id`).map(
    (row) => row.session_id,
  );
const partitions = async () =>
  (await sql`select relname from pg_class where relname ~ '^spans_2026' and relkind = 'r' order by 1`).map((row) => row.relname);
const rollups = () =>
  sql`select sum(calls)::int as calls, (select sum(calls)::int from signalbox.sessions) as sessions from signalbox.route_hour`;

it("drops whole days, deletes what one project does not keep, and leaves totals alone", async () => {
  await stored([
    call(1, 40, "a", "default"),
    call(2, 20, "a", "default"),
    call(3, 40, "b", "long"),
    call(4, 20, "c", "short"),
    call(5, 1, "c", "short"),
  ]);
  const before = await rollups();
  const days = await partitions();
  const kept = limits({ span_days: 30, projects: { long: { span_days: "forever" }, short: { span_days: 7 } } });
  expect(await wouldExpire(connection, kept, NOW)).toMatchObject({ spans: 2, days: [] });
  expect(await expire(connection, { limits: kept, now: NOW })).toMatchObject({ spans: 2, days: [] });
  expect(await spansLeft()).toEqual(["a", "b", "c"]);

  const shorter = limits({ span_days: 30 });
  expect(await wouldExpire(connection, shorter, NOW)).toMatchObject({ spans: 1, days: ["2026-10-11"] });
  expect(await expire(connection, { limits: shorter, now: NOW })).toMatchObject({ spans: 1, days: ["2026-10-11"] });
  expect(await partitions()).toEqual(days.filter((name) => name !== "spans_20261011"));
  expect(await rollups()).toEqual(before);
  expect(await expire(connection, { limits: shorter, now: NOW })).toMatchObject({ spans: 0, days: [] });
});

it("forgets what old spans said, and keeps messages that a later one says again", async () => {
  await stored([
    call(1, 40, "a", "default", ["only then", "always"]),
    call(2, 1, "a", "default", ["always", "now"]),
    call(3, 40, "b", "kept", ["theirs"]),
  ]);
  const kept = limits({ content_days: 30, projects: { kept: { content_days: "forever" } } });
  expect(await wouldExpire(connection, kept, NOW)).toMatchObject({ content: 1, spans: 0 });
  expect(await expire(connection, { limits: kept, now: NOW })).toMatchObject({ content: 1, spans: 0 });
  const texts = await sql`select body #>> '{parts,0,content}' as text from signalbox.messages order by 1`;
  expect(texts.map((row) => row.text)).toEqual(["always", "now", "theirs"]);
  expect(await spansLeft()).toHaveLength(3);
});

it("waits with messages for writers that say them at this moment", async () => {
  await stored([call(1, 40, "a", "default", ["said again"])]);
  const writer = await connect(database.url);
  closing.push(() => writer.close());
  await writer.run("begin; select pg_advisory_xact_lock_shared(1936289133)");
  let done = false;
  const expiring = expire(connection, { limits: limits({ content_days: 30 }), now: NOW }).then((result) => {
    done = true;
    return result;
  });
  await expect.poll(() => sql`select from pg_stat_activity where wait_event_type = 'Lock' and query like '%advisory%'`).toHaveLength(1);
  expect(done).toBe(false);
  // as a writer does: the message is there, so nothing is stored of it but that it was said
  await writer.run(`insert into signalbox.span_messages
    select session_id, now(), span_id, direction, hashes from signalbox.span_messages; commit`);
  await expiring;
  expect(await sql`select from signalbox.messages`).toHaveLength(1);
});

it("lets rollups, sessions and agents go in their own time", async () => {
  await stored([call(1, 400, "a", "default"), call(2, 40, "b", "default")]);
  const result = await expire(connection, { limits: limits({ span_days: 30, rollup_days: 365 }), now: NOW });
  // the call's hour in each of four rollups
  expect(result).toMatchObject({ spans: 2, rollups: 4, sessions: 1 });
  expect(await sql`select calls from signalbox.place_hour`).toHaveLength(1);
  expect(await sql`select session_id from signalbox.sessions`).toMatchObject([{ session_id: "b" }]);
  expect(await sql`select session_id from signalbox.session_hour`).toMatchObject([{ session_id: "b" }]);
});

it("refuses and counts spans that are too old, and stores those of a day whose table someone dropped", async () => {
  const { url } = await collector("collector: { retention: { span_days: 30, content_days: 10 } }");
  const spans = [call(1, 40, "a", "default"), call(2, 20, "a", "default", ["too old to keep"]), call(3, 1, "a", "default", ["young"])];
  const answer = await post(url, request(spans));
  expect(answer.status).toBe(200);
  expect(JSON.parse(answer.body.toString())).toEqual({
    partialSuccess: { rejectedSpans: "1", errorMessage: "1 span: start time is before what is kept of project default" },
  });
  expect(await metric(url, "spans_refused_total")).toBe(1);
  expect(await sql`select body #>> '{parts,0,content}' as text from signalbox.messages`).toMatchObject([{ text: "young" }]);
  await sql`drop table signalbox.spans_20261031`;
  expect((await post(url, request([call(4, 20, "a", "default")]))).status).toBe(200);
  expect(await spansLeft()).toHaveLength(2);
});

async function archiveFolder(): Promise<string> {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), "signalbox-archive-"));
  closing.push(() => fs.rmSync(dir, { recursive: true, force: true }));
  return dir;
}
const read = async (file: string) =>
  parquetReadObjects({ file: await asyncBufferFromFile(file), compressors: { ZSTD: (bytes) => zstdDecompressSync(bytes) } });

it("writes spans to Parquet before they go, a file for each project, and none over another", async () => {
  const dir = await archiveFolder();
  await stored([call(1, 40, "a", "default"), call(2, 40, "a", "default"), call(3, 40, "b", "o/ther")]);
  const [expected] =
    await sql`select (extract(epoch from start_time) * 1000000)::bigint::text as start_time, attributes::text, cost_nusd::text
    from signalbox.spans where span_id = '\\x0000000000000001'`;
  const taken = path.join(dir, "project=default", "day=2026-10-11");
  fs.mkdirSync(taken, { recursive: true });
  fs.writeFileSync(path.join(taken, "spans.parquet"), "another");
  const { files, spans } = await expire(connection, { limits: limits({ span_days: 30 }), now: NOW, archiveDir: dir });
  expect(spans).toBe(3);
  expect(files).toEqual([path.join(taken, "spans-2.parquet"), path.join(dir, "project=o%2Fther", "day=2026-10-11", "spans.parquet")]);
  expect(fs.readdirSync(taken)).toEqual(["spans-2.parquet", "spans.parquet"]);
  const rows = await read(files[0] as string);
  expect(rows).toHaveLength(2);
  expect(rows[0]).toMatchObject({
    session_id: "a",
    span_id: "0000000000000001",
    start_time: BigInt(expected?.start_time),
    cost_nusd: BigInt(expected?.cost_nusd),
    attributes: expected?.attributes,
    is_call: true,
    kind: 1,
    parent_span_id: null,
  });
});

it("deletes nothing that it could not archive", async () => {
  const dir = await archiveFolder();
  fs.writeFileSync(path.join(dir, "project=default"), "in the way");
  await stored([call(1, 40, "a", "default")]);
  await expect(expire(connection, { limits: limits({ span_days: 30 }), now: NOW, archiveDir: dir })).rejects.toThrow();
  expect(await spansLeft()).toEqual(["a"]);
  expect(await connection.query("select 1 as one")).toEqual([{ one: 1 }]);
});

it("runs by itself in one collector: at its hour what is too old, at any other what is a day overdue, and not while another has the lease", async () => {
  const dayBefore = NOW - DAY;
  await stored([call(1, 31, "overdue", "default"), call(2, 30.4, "due", "default")]);
  expect(new Date(NOW).getUTCHours()).toBe(10);
  const another = lease(connection, "retention", "another", 60_000);
  expect(await another.hold()).toBe(true);
  const idle = await testCollector(database.url, "collector: { retention: { span_days: 29, hour: 10 } }");
  await untilReady(idle.url);
  await idle.close();
  expect(await spansLeft()).toEqual(["overdue", "due"]);
  await another.release();

  await collector("collector: { retention: { span_days: 29, hour: 11 } }");
  await expect.poll(spansLeft).toEqual(["due"]);
  await collector("collector: { retention: { span_days: 29, hour: 10 } }");
  await expect.poll(spansLeft).toEqual([]);
  expect(dayBefore).toBeLessThan(NOW);
});

const PROGRAM = fileURLToPath(new URL("../../collector-processor/src/retention/main.ts", import.meta.url));

it("as a command: says what is stored, what would go, and copies it out", async () => {
  const dir = await archiveFolder();
  await stored([call(1, 40, "a", "default")]);
  const config = path.join(dir, "signalbox.config.yaml");
  fs.writeFileSync(config, "collector: { retention: { span_days: 30, projects: { acme: { content_days: 3 } } } }");
  const env = { ...process.env, DATABASE_URL: database.url, SIGNALBOX_HOME: dir, SIGNALBOX_CONFIG: config };
  const run = async (...args: string[]) =>
    JSON.parse((await promisify(execFile)(process.execPath, [PROGRAM, ...args, "--json"], { env })).stdout);
  const status = await run("status");
  expect(status.kinds.find((kind: { kind: string }) => kind.kind === "spans")).toMatchObject({ kept_days: 30 });
  expect(status).toMatchObject({ first_span_day: "2026-10-11", projects: [{ project: "acme", kept_days: { content: 3, rollups: null } }] });
  expect(await run("retain", "--dry-run")).toMatchObject({ dry_run: true, spans: 1, days: expect.arrayContaining(["2026-10-11"]) });
  const { files } = await run("archive", "--to", dir, "--from", "2026-10-11", "--until", "2026-10-12");
  expect(await read(files[0])).toHaveLength(1);
  expect(await spansLeft()).toEqual(["a"]);
  await expect(run("archive", "--to", dir, "--from", "yesterday")).rejects.toMatchObject({
    stdout: expect.stringContaining("--from must be a day"),
  });
});
