/**
 * Question: Postgres is gone for minutes while clients keep sending. What are they told, how much memory does the collector take, does the
 * backlog drain as fast at its end as at its start, also when it is larger than the queue in memory, and is then everything there that was
 * acknowledged, once? The collector is a process of its own; Postgres is killed with SIGKILL and started again.
 *
 * Command: npm exec -- node tests/bench/ingest-outage.ts [seconds without Postgres, default 300] [clients, default 4] [MiB of the log, default 1024] [MiB of the queue in memory, default 256]
 */
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import postgres from "postgres";
import { killablePostgres } from "../integration/collector-chaos.ts";
import { backlogStored, collectorProcess, compare, Load, metric, SPANS_A_REQUEST } from "../integration/collector-load.ts";
import { untilReady } from "../integration/collector-support.ts";

const [seconds = 300, clients = 4, logMiB = 1024, queueMiB = 256] = process.argv.slice(2).map(Number);
const MiB = 1024 * 1024;
const dir = fs.mkdtempSync(path.join(os.tmpdir(), "signalbox-outage-"));
fs.chmodSync(dir, 0o755);
const server = await killablePostgres(path.join(dir, "postgres"));
const limits = `wal_bytes: ${logMiB * MiB}, queue_bytes: ${queueMiB * MiB}`;
const collector = await collectorProcess(server.url, dir, 0, limits);
const sql = postgres(server.url, { max: 1, onnotice: () => {} });
const load = new Load([collector.url]);

function residentMiB(field: "VmRSS" | "VmHWM"): number {
  const status = fs.readFileSync(`/proc/${collector.pid}/status`, "utf8");
  return Math.round(Number(new RegExp(`${field}:\\s+(\\d+)`).exec(status)?.[1]) / 1024);
}

async function state(): Promise<string> {
  const read = async (name: string) => Math.round(await metric(collector.url, name));
  const backlog = await read("wal_backlog_records");
  const bytes = Math.round((await read("wal_bytes")) / MiB);
  const answers = JSON.stringify(Object.fromEntries(load.answers));
  return `${load.taken.size * SPANS_A_REQUEST} spans taken, answers ${answers}, log ${bytes} MiB, ${backlog} records wait, resident ${residentMiB("VmRSS")} MiB`;
}

async function sampled(until: () => boolean, everyMs: number): Promise<void> {
  while (!until()) {
    await sleep(everyMs);
    console.log(`  ${await state()}`);
  }
}

/** Records a second, over each quarter of the backlog. */
async function drained(): Promise<number[]> {
  const backlog = () => metric(collector.url, "wal_backlog_records");
  const all = await backlog();
  const rates: number[] = [];
  for (let quarter = 3; quarter >= 0; quarter--) {
    const started = performance.now();
    while ((await backlog()) > (all * quarter) / 4) await sleep(20);
    rates.push(Math.round(((all / 4) * SPANS_A_REQUEST) / ((performance.now() - started) / 1000)));
  }
  return rates;
}

try {
  collector.start();
  await untilReady(collector.url);
  const sending = Array.from({ length: clients }, () => load.client());
  await sleep(3_000);
  console.log(`before: ${await state()}`);
  await server.restart(async () => {
    const end = Date.now() + seconds * 1000;
    await sampled(() => Date.now() >= end, Math.min(30_000, seconds * 200));
    load.stop();
  });
  await untilReady(collector.url);
  const rates = await drained();
  await Promise.all(sending);
  console.log(`drained at ${rates.join(", ")} spans a second, quarter by quarter; most memory ${residentMiB("VmHWM")} MiB`);
  await backlogStored(collector.url);
  await collector.stop("SIGTERM");
  const books = await compare(sql, load);
  console.log(books);
  if (books.lost > 0 || books.doubled > 0 || !books.rollupsEqual || books.wrongMessages > 0) process.exitCode = 1;
} finally {
  load.stop();
  await collector.stop("SIGKILL");
  await sql.end();
  await server.stop();
  fs.rmSync(dir, { recursive: true, force: true });
}
