import fs from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import os from "node:os";
import path from "node:path";
import { type EmbeddedPostgres, startPostgres } from "@signalbox/local/postgres";
import postgres from "postgres";
import { afterEach, expect, it } from "vitest";
import { type Collector, startCollector } from "../../collector-processor/src/app.ts";
import { parseConfig } from "../../collector-processor/src/config.ts";
import { freePort } from "../support/free-port.ts";
import { otlpSink } from "../support/otlp-sink.ts";
import { createDatabase } from "../support/postgres.ts";
import { smallDisk } from "../support/small-disk.ts";
import { chaosRounds, killablePostgres } from "./collector-chaos.ts";
import { collectorProcess } from "./collector-load.ts";
import { recount, rollups } from "./collector-recount.ts";
import { NOW, post, request, span, untilReady } from "./collector-support.ts";

const closing: (() => Promise<unknown> | unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

function folder(): string {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), "signalbox-wal-"));
  fs.chmodSync(dir, 0o755);
  closing.push(() => fs.rmSync(dir, { recursive: true, force: true }));
  return dir;
}

const silent = { info: () => {}, warn: () => {}, error: () => {} };
async function collectorWithLog(databaseUrl: string, walDir: string, yaml = ""): Promise<Collector> {
  const config = parseConfig(yaml, "test.yaml", {});
  const collector = await startCollector({ host: "127.0.0.1", port: 0, databaseUrl, walDir, config, log: silent, now: () => NOW });
  let closed: Promise<void> | undefined;
  const close = () => {
    closed ??= collector.close();
    return closed;
  };
  closing.push(close);
  return { url: collector.url, close };
}

async function database() {
  const made = await createDatabase();
  closing.push(() => made.drop());
  const sql = postgres(made.url, { max: 1, onnotice: () => {} });
  closing.push(() => sql.end());
  return { url: made.url, sql };
}

const numbered = (from: number, count: number) =>
  request(Array.from({ length: count }, (_, index) => span({ trace: 1, id: from + index, attributes: { "session.id": `s${index % 3}` } })));
const stored = async (sql: postgres.Sql) => Number((await sql`select count(*)::int as n from signalbox.spans`)[0]?.n);

it("answers when a request is in the log, and the rows follow by themselves", async () => {
  const { url, sql } = await database();
  const collector = await collectorWithLog(url, folder());
  await untilReady(collector.url);
  await post(collector.url, numbered(1, 1));
  for (let index = 0; index < 20; index++) {
    expect((await post(collector.url, numbered(100 + index, 1))).status).toBe(200);
    await expect.poll(() => stored(sql), { interval: 1 }).toBe(index + 2);
  }
});

it("takes spans while Postgres is away, also through a restart, and stores all of them when it is back", { timeout: 90_000 }, async () => {
  const dir = folder();
  const port = await freePort();
  let server: EmbeddedPostgres = await startPostgres({ dir: path.join(dir, "postgres"), port });
  closing.push(() => server.stop());
  const first = await collectorWithLog(server.url, path.join(dir, "wal"), "collector: { queue_spans: 50 }");
  await untilReady(first.url);
  expect((await post(first.url, numbered(1, 10))).status).toBe(200);
  await server.stop();
  await expect.poll(async () => (await fetch(`${first.url}/readyz`)).status).toBe(503);
  for (let index = 1; index <= 30; index++) expect((await post(first.url, numbered(index * 100, 10))).status).toBe(200);
  expect(await (await fetch(`${first.url}/metrics`)).text()).toMatch(/^signalbox_collector_wal_backlog_records\{.*\} (?:29|30)$/m);
  await first.close();

  const second = await collectorWithLog(server.url, path.join(dir, "wal"));
  expect((await post(second.url, numbered(5_000, 10))).status).toBe(200);
  server = await startPostgres({ dir: path.join(dir, "postgres"), port });
  const sql = postgres(server.url, { max: 1, onnotice: () => {} });
  closing.push(() => sql.end());
  await expect.poll(() => stored(sql)).toBe(320);
  expect(await rollups(sql)).toEqual(await recount(sql));
});

it("takes spans from the moment it listens, though Postgres takes connections and never answers", { timeout: 30_000 }, async () => {
  const hanging = createServer();
  await new Promise<void>((resolve) => hanging.listen(0, "127.0.0.1", resolve));
  closing.push(() => hanging.close());
  const { port } = hanging.address() as AddressInfo;
  const collector = await collectorProcess(`postgres://nobody@127.0.0.1:${port}/none`, folder(), 0);
  closing.push(() => collector.stop("SIGKILL"));
  collector.start();
  const firstAnswer = async () => (await post(collector.url, numbered(1, 1)).catch(() => undefined))?.status;
  let status = await firstAnswer();
  while (status === undefined) status = await firstAnswer();
  expect(status).toBe(200);
});

it("says 503 with Retry-After when the log is full, keeps what it took, and takes again when there is room", {
  timeout: 60_000,
}, async () => {
  const { url, sql } = await database();
  const collector = await collectorWithLog(url, folder(), "collector: { wal_bytes: 60000, wal_segment_bytes: 10000, queue_spans: 20 }");
  await untilReady(collector.url);
  const hold = await sql.reserve();
  await hold`begin`;
  await hold`lock table signalbox.spans in access exclusive mode`;
  let taken = 0;
  let refused: Awaited<ReturnType<typeof post>> | undefined;
  for (let index = 1; refused === undefined && index < 500; index++) {
    const answer = await post(collector.url, numbered(index * 100, 10));
    if (answer.status === 200) taken++;
    else refused = answer;
  }
  expect(refused?.status).toBe(503);
  expect(refused?.headers.get("retry-after")).toBe("5");
  expect(taken).toBeGreaterThan(3);
  await hold`rollback`;
  hold.release();
  await expect.poll(() => stored(sql)).toBe(taken * 10);
  await expect.poll(async () => (await post(collector.url, numbered(90_000, 1))).status, { interval: 100 }).toBe(200);
  await expect.poll(() => stored(sql)).toBe(taken * 10 + 1);
});

it("says 503 when the disk of the log is full, keeps what it took, also through a restart, and takes again when there is room", {
  timeout: 60_000,
}, async () => {
  const { url, sql } = await database();
  const disk = await smallDisk(256 * 1024);
  closing.push(() => disk.remove());
  const yaml = "collector: { queue_spans: 20, wal_segment_bytes: 10000000 }";
  const first = await collectorWithLog(url, disk.dir, yaml);
  await untilReady(first.url);
  const hold = await sql.reserve();
  await hold`begin`;
  await hold`lock table signalbox.spans in access exclusive mode`;
  let sent = 0;
  let taken = 0;
  const send = async () => {
    const answer = await post(first.url, numbered(++sent * 100, 10));
    if (answer.status === 200) taken++;
    return answer;
  };
  let refused = await send();
  while (refused.status === 200 && sent < 1_000) refused = await send();
  expect(refused.status).toBe(503);
  expect(refused.headers.get("retry-after")).toBe("5");
  expect(taken).toBeGreaterThan(20);
  await hold`rollback`;
  hold.release();
  await expect.poll(() => stored(sql)).toBe(taken * 10);
  // the segment that the full disk ended is the only one: it makes room
  await expect.poll(async () => (await send()).status, { interval: 100, timeout: 10_000 }).toBe(200);
  while ((await send()).status === 200 && sent < 60);
  await first.close();

  const second = await collectorWithLog(url, disk.dir, yaml);
  await untilReady(second.url);
  await expect.poll(() => stored(sql)).toBe(taken * 10);
  expect(await rollups(sql)).toEqual(await recount(sql));
});

it("sends what a destination has not taken before a restart after it", async () => {
  const { url } = await database();
  const sink = await otlpSink();
  closing.push(() => sink.close());
  sink.answerAlways({ status: 503 });
  const wal = folder();
  const yaml = `fan_out: [{ name: t, endpoint: "${sink.url}", backoff_first_ms: 10, backoff_most_ms: 20 }]`;
  const first = await collectorWithLog(url, wal, yaml);
  await untilReady(first.url);
  await post(first.url, numbered(1, 3));
  await expect.poll(() => sink.requests.length).toBeGreaterThan(1);
  await first.close();
  expect(sink.taken).toHaveLength(0);
  sink.answerAlways(undefined);
  await collectorWithLog(url, wal, yaml);
  await expect.poll(() => sink.taken.length).toBe(1);
});

it("gives the log's folder to one collector at a time", async () => {
  const { url } = await database();
  const wal = folder();
  fs.writeFileSync(path.join(wal, "lock"), String(process.ppid));
  await expect(collectorWithLog(url, wal)).rejects.toThrow(
    `is in use by process ${process.ppid}: stop that collector, or set collector.wal_dir`,
  );
  // its holder was killed, and another process has its number since
  fs.writeFileSync(path.join(wal, "lock"), `${process.ppid} 1`);
  await (await collectorWithLog(url, wal)).close();
  fs.writeFileSync(path.join(wal, "lock"), "999999999");
  const collector = await collectorWithLog(url, wal);
  await untilReady(collector.url);
});

it("loses nothing that it acknowledged and doubles nothing when it is killed under load, again and again", {
  timeout: 240_000,
}, async () => {
  const { url, sql } = await database();
  const result = await chaosRounds({ databaseUrl: url, sql, home: folder(), rounds: 6 });
  expect(result).toMatchObject({ lost: 0, doubled: 0, rollupsEqual: true, wrongMessages: 0 });
  expect(result.kills).toBe(6);
  expect(result.acknowledged).toBeGreaterThan(1_000);
});

it("nor when Postgres is killed, or both, and three collectors write what clients repeat in another order, without a deadlock", {
  timeout: 240_000,
}, async () => {
  const home = folder();
  const { url, restart, stop } = await killablePostgres(path.join(home, "postgres"));
  closing.push(stop);
  const sql = postgres(url, { max: 1, onnotice: () => {} });
  closing.push(() => sql.end());
  const result = await chaosRounds({
    databaseUrl: url,
    sql,
    home,
    rounds: 3,
    collectors: 3,
    victims: ["postgres", "both", "collector"],
    restartPostgres: restart,
  });
  expect(result).toMatchObject({ kills: 3, lost: 0, doubled: 0, rollupsEqual: true, wrongMessages: 0, deadlocks: 0 });
  expect(result.repeated).toBeGreaterThan(5);
});
