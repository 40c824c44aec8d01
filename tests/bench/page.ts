/**
 * Question: what does each page of the dashboard cost a browser: the server's first byte, the largest paint when warm, script to load, requests
 * while nothing happens; and how much of a core does its main thread take while 1,000 spans a second arrive?
 *
 * The demo fleet's rows, or those of a cluster that dashboard.ts filled and kept; the real collector, the built dashboard, a real headless
 * Chromium that draws in software. Each page is opened `samples` times after one that does not count, then left alone for `seconds`, then looked
 * at for `seconds` while spans arrive in ten requests a second. The main thread is what Chromium says that its tasks took (Performance.getMetrics).
 *
 * Command: npm exec -- node tests/bench/page.ts [samples, default 5] [seconds, default 10] [spans a second, default 1000] [pages: a regular expression on their names, default all] [folder of dashboard.ts's cluster, default the demo fleet]
 */
import { spawn } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { migrate } from "@signalbox/collector-processor/migrate";
import { startPostgres } from "@signalbox/local/postgres";
import type { CDPSession, Page } from "playwright-core";
import postgres from "postgres";
import { paths } from "../../web/src/paths.ts";
import { launchChromium } from "../support/chromium.ts";
import { startDashboard } from "../support/dashboard.ts";
import { freePort } from "../support/free-port.ts";
import { seed } from "../support/seed.ts";
import { RUNAWAY_SESSION } from "../support/seed-fleet.ts";
import { seedMemory, travelMemory } from "../support/seed-memory.ts";
import { agentBatch } from "./ingest-load.ts";

const [samples = 5, seconds = 10, perSecond = 1_000] = process.argv.slice(2, 5).map(Number);
const asked = new RegExp(process.argv[5] ?? "");
const filled = process.argv[6];
const REQUESTS_PER_SECOND = 10;
const pagesOf = (session: string): Record<string, string> => ({
  Overview: paths.overview(),
  Brain: paths.brain(),
  Tokens: paths.tokens(),
  Explain: paths.explain(),
  Sessions: paths.sessions(),
  "Session, timeline": paths.session(session),
  "Session, replay": paths.session(session, { view: "replay" }),
  Agents: paths.agents(),
  Routes: paths.routes(),
  "What if": paths.whatIf(),
  Memory: paths.memory(),
  Settings: paths.settings(),
  Alerts: paths.alerts(),
});

const pause = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));
const middle = (values: number[]) => [...values].sort((left, right) => left - right)[values.length >> 1] as number;
const worst = (values: number[]) => Math.max(...values);

/** Sends `perSecond` spans a second until it is stopped. Bodies are made beforehand; each is sent once. */
function startLoad(collectorUrl: string, bodies: Buffer[]): () => Promise<void> {
  let isStopped = false;
  const running = (async () => {
    for (let next = performance.now(); !isStopped; next += 1000 / REQUESTS_PER_SECOND) {
      const body = bodies.pop();
      if (body === undefined) throw new Error("more load was asked for than was made");
      const answer = await fetch(`${collectorUrl}/v1/traces`, {
        method: "POST",
        headers: { "content-type": "application/x-protobuf" },
        body: new Uint8Array(body),
      });
      if (!answer.ok) throw new Error(`the collector answered ${answer.status}`);
      await pause(Math.max(0, next + 1000 / REQUESTS_PER_SECOND - performance.now()));
    }
  })();
  return async () => {
    isStopped = true;
    await running;
  };
}

/** Seconds that the page's main thread has worked, and its heap in MB. */
async function effort(devtools: CDPSession): Promise<{ task: number; heap: number }> {
  const { metrics } = await devtools.send("Performance.getMetrics");
  const of = (name: string) => metrics.find((metric) => metric.name === name)?.value ?? Number.NaN;
  return { task: of("TaskDuration"), heap: of("JSHeapUsedSize") / 1048576 };
}

/** Milliseconds to the first byte, and to the largest paint so far. */
const timings = (page: Page) =>
  page.evaluate(async () => {
    const paint = await new Promise<number>((resolve) => {
      new PerformanceObserver((list) => resolve(list.getEntries().at(-1)?.startTime ?? Number.NaN)).observe({
        type: "largest-contentful-paint",
        buffered: true,
      });
    });
    const [navigation] = performance.getEntriesByType("navigation") as PerformanceNavigationTiming[];
    return { firstByte: navigation ? navigation.responseStart - navigation.requestStart : Number.NaN, paint };
  });

/** One of dashboard.ts's sessions, with sub-agents. */
async function aSession(url: string): Promise<string> {
  const sql = postgres(url, { max: 1, onnotice: () => {}, connection: { search_path: "signalbox" } });
  const [row] = await sql<
    { session_id: string }[]
  >`select session_id from agents where depth = 1 and session_id like 'bench-%' order by first_time desc limit 1`;
  await sql.end();
  if (row === undefined) throw new Error(`${url} has no session with sub-agents: fill it by dashboard.ts`);
  return row.session_id;
}

const home = fs.mkdtempSync(path.join(os.tmpdir(), "signalbox-page-"));
fs.chmodSync(home, 0o755);
const database = await startPostgres({ dir: path.join(filled ? path.resolve(filled) : home, "postgres"), port: await freePort() });
await migrate(database.url);
const port = await freePort();
const collectorUrl = `http://127.0.0.1:${port}`;
const collector = spawn(process.execPath, [fileURLToPath(new URL("../../collector-processor/src/main.ts", import.meta.url))], {
  env: {
    ...process.env,
    DATABASE_URL: database.url,
    SIGNALBOX_HOME: home,
    SIGNALBOX_OTLP_PORT: String(port),
    SIGNALBOX_OTLP_GRPC_PORT: "0",
  },
  stdio: ["ignore", "ignore", "inherit"],
});
const dashboard = await startDashboard(database.readerUrl, { collectorUrl });
const browser = await launchChromium();
try {
  while (!(await fetch(`${collectorUrl}/readyz`).catch(() => ({ ok: false }))).ok) await pause(50);
  const session = filled ? await aSession(database.url) : RUNAWAY_SESSION;
  if (!filled) {
    // the days' tables are the collector's: it makes them before rows are there
    await seed(database.url);
    await seedMemory(database.url, travelMemory("agent:standup:main"));
  }
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 } });
  const page = await context.newPage();
  await page.goto(dashboard.loginLink());
  await page.waitForURL(`${dashboard.url}/`);
  const devtools = await context.newCDPSession(page);
  await devtools.send("Performance.enable");
  const perRequest = Math.ceil(perSecond / REQUESTS_PER_SECOND);
  // of a cluster that is kept, no session of a run before
  let batch = filled ? Date.now() % 1_000_000_000 : 0;
  console.log(`load average ${os.loadavg()[0]?.toFixed(1)} on ${os.availableParallelism()} cores`);
  for (const [name, address] of Object.entries(pagesOf(session)).filter(([page]) => asked.test(page))) {
    const scripts = new Map<string, Promise<Buffer>>();
    const collect = (response: Awaited<ReturnType<Page["waitForResponse"]>>) => {
      if (response.request().resourceType() === "script") scripts.set(response.url(), response.body());
    };
    page.on("response", collect);
    const open = async () => {
      await page.goto(dashboard.url + address);
      await page
        .getByText(/^Live$/)
        .first()
        .waitFor();
    };
    await open();
    const script = (await Promise.all(scripts.values())).reduce((sum, body) => sum + gzipSync(body).length, 0) / 1000;
    page.off("response", collect);
    const taken: Awaited<ReturnType<typeof timings>>[] = [];
    for (let sample = 0; sample < samples; sample++) {
      await open();
      taken.push(await timings(page));
    }
    await pause(1_500);
    let requests = 0;
    const count = () => requests++;
    page.on("request", count);
    const rest = await effort(devtools);
    await pause(seconds * 1000);
    const idle = await effort(devtools);
    const idleRequests = requests;

    const bodies = Array.from({ length: (seconds + 4) * REQUESTS_PER_SECOND }, () => agentBatch(perRequest, 1_000_000 + batch++).protobuf);
    const stop = startLoad(collectorUrl, bodies);
    await pause(1_000);
    requests = 0;
    const before = await effort(devtools);
    const began = performance.now();
    await pause(seconds * 1000);
    const after = await effort(devtools);
    const share = (after.task - before.task) / ((performance.now() - began) / 1000);
    await stop();
    page.off("request", count);
    const [bytes, paints] = [taken.map((one) => one.firstByte), taken.map((one) => one.paint)];
    console.log(
      `${name.padEnd(18)} first byte ${middle(bytes).toFixed(0)} / ${worst(bytes).toFixed(0)} ms; largest paint ${middle(paints).toFixed(0)} / ${worst(paints).toFixed(0)} ms; ` +
        `script ${script.toFixed(0)} KB; idle: ${idleRequests} requests, main thread ${((100 * (idle.task - rest.task)) / seconds).toFixed(1)} %; ` +
        `live: ${(requests / seconds).toFixed(1)} requests/s, main thread ${(100 * share).toFixed(1)} %, heap ${after.heap.toFixed(0)} MB`,
    );
  }
} finally {
  await browser.close();
  await dashboard.stop();
  collector.kill("SIGTERM");
  await new Promise((resolve) => collector.once("exit", resolve));
  await database.stop();
  fs.rmSync(home, { recursive: true, force: true });
}
