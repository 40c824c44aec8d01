/**
 * Question: with millions of spans stored, how long does each page's first byte take, and each query that pages make, through the built
 * dashboard on a warm local start?
 *
 * The rows are made in SQL (dashboard-seed.ts) in a cluster of its own; durable settings, default memory settings. Each address is asked
 * `samples` times, one after the other, after two that do not count. Times are the client's and hold queries, JSON and HTTP; the CPU that
 * Postgres took for one says what a busy machine hides. p95 by the nearest rank: of forty the thirty-eighth.
 *
 * Command: npm exec -- node tests/bench/dashboard.ts [spans, default 5000000] [samples, default 40] [folder of the cluster, kept for the next run; default a new one, removed] [what is asked: a regular expression on the names, default all]
 */
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { migrate } from "@signalbox/collector-processor/migrate";
import { startPostgres } from "@signalbox/local/postgres";
import postgres from "postgres";
import { paths } from "../../web/src/paths.ts";
import { startDashboard } from "../support/dashboard.ts";
import { freePort } from "../support/free-port.ts";
import { cpuMilliseconds } from "./cpu-time.ts";
import { seedSpans } from "./dashboard-seed.ts";

const [spans = 5_000_000, samples = 40] = process.argv.slice(2, 4).map(Number);
const kept = process.argv[4];
const asked = new RegExp(process.argv[5] ?? "");
const DAYS = 15;

const dir = kept ? path.resolve(kept) : fs.mkdtempSync(path.join(os.tmpdir(), "signalbox-dashboard-"));
fs.mkdirSync(dir, { recursive: true });
fs.chmodSync(dir, 0o755);
const server = await startPostgres({ dir: path.join(dir, "postgres"), port: await freePort(), settings: { max_wal_size: "8GB" } });
const sql = postgres(server.url, { max: 1, onnotice: () => {}, connection: { search_path: "signalbox" } });
try {
  await migrate(server.url);
  const [stored] = await sql`select exists (select from spans) as any`;
  if (!stored?.any) {
    const started = performance.now();
    await seedSpans(server.url, spans, DAYS);
    console.log(`seeded in ${((performance.now() - started) / 1000).toFixed(0)} s`);
  }
  // as autovacuum leaves them: a migration may have written a table anew
  await sql`vacuum`;
  const [sizes] =
    await sql`select (select count(*) from spans) as spans, (select count(*) from sessions) as sessions, (select count(*) from session_hour) as session_hours,
    (select count(*) from route_hour) as route_hours, (select count(*) from place_hour) as place_hours, (select count(*) from payer_hour) as payer_hours, (select count(*) from session_aliases) as aliases, pg_size_pretty(pg_database_size(current_database())) as size`;
  console.log(JSON.stringify(sizes));
  const dashboard = await startDashboard(server.readerUrl);
  try {
    const [session] =
      await sql`select session_id from agents where depth = 1 and first_time < now() - interval '2 days' order by first_time desc limit 1`;
    const id = String(session?.session_id);
    const headers = { authorization: `Bearer ${dashboard.token}` };
    const cookie = await logIn(dashboard.loginLink());
    for (const [name, address] of Object.entries(queries(id)).filter(([what]) => asked.test(what))) {
      report(name, await times(samples, () => read(`${dashboard.url}${address}`, { headers })));
    }
    for (const [name, address] of Object.entries(pages(id)).filter(([what]) => asked.test(what))) {
      const init = { headers: { cookie, "sec-fetch-dest": "document" } };
      const all: number[] = [];
      const first = await times(samples, async () => {
        const page = await open(`${dashboard.url}${address}`, init);
        all.push(page.allMs);
        return page.firstByteMs;
      });
      report(`first byte of ${name}`, first);
      report(`all of ${name}`, { taken: all.slice(-samples).sort((a, b) => a - b) });
    }
  } finally {
    await dashboard.stop();
  }
} finally {
  await sql.end();
  await server.stop();
  if (!kept) {
    fs.rmSync(dir, { recursive: true, force: true });
    fs.rmSync(server.dir, { recursive: true, force: true });
  }
}

/** What pages ask for, and the worst of what their controls can ask for. */
function queries(session: string): Record<string, string> {
  const { api } = paths;
  return {
    attention: api.attention(),
    facets: api.facets(),
    "events, newest": api.events({ limit: 100 }),
    "events, errors only": api.events({ limit: 100, errors: "true" }),
    "events of one agent, calls": api.events({ limit: 100, agent: "agent-7", kind: "call" }),
    "events of a pool": api.events({ limit: 100, pool: "pool-3" }),
    "cost today by route": api.cost({ group_by: "route,pool,silicon", from: "today" }),
    "cost 1 h by model, minutes": api.cost({ group_by: "model,pool,silicon", from: "-1h", bucket: "minute" }),
    "cost 24 h by route, hours": api.cost({ group_by: "route", from: "-24h", bucket: "hour" }),
    "cost 7 d by model, 6 h": api.cost({ group_by: "model,pool,silicon", from: "-7d", bucket: "6h" }),
    "cost 30 d by channel, days": api.cost({ group_by: "channel", from: "-30d", bucket: "day" }),
    "cost 30 d by agent, top 100": api.cost({ group_by: "agent", from: "-30d", top: 100 }),
    "cost 30 d by agent, top 100, days": api.cost({ group_by: "agent", from: "-30d", bucket: "day", top: 100 }),
    "cost 30 d by user, days": api.cost({ group_by: "user", from: "-30d", bucket: "day" }),
    "cost 30 d by key, days": api.cost({ group_by: "key", from: "-30d", bucket: "day" }),
    "cost 12 mo by project, user and key, months": api.cost({ group_by: "project,user,key", from: "-365d", bucket: "month" }),
    "cost 30 d by key and model": api.cost({ group_by: "key,model", from: "-30d" }),
    "cost 30 d by session, 100 of them": api.cost({ group_by: "session", from: "-30d", limit: 100 }),
    "explain 1 h": api.explain({ from: "-1h" }),
    "explain 24 h": api.explain({ from: "-24h" }),
    "explain 7 d": api.explain({ from: "-7d" }),
    "explain 15 d": api.explain({ from: "-15d" }),
    "sessions, newest": api.sessions({ limit: 50 }),
    "sessions, costliest": api.sessions({ limit: 50, sort: "cost" }),
    "sessions with errors": api.sessions({ limit: 50, show: "errors" }),
    "sessions, searched": api.sessions({ limit: 50, q: "bench-777" }),
    "sessions, searched in vain": api.sessions({ limit: 50, q: "no such words" }),
    "session: itself": api.session(session),
    "session: spans": api.spans(session, { limit: 1000 }),
    "session: timeline": api.timeline(session, { limit: 5000 }),
    "session: agents": api.agents(session),
    "session: activity": api.activity(session),
    "session: decisions": api.decisions({ session }),
    "trees, newest": api.trees(),
    "trees, costliest": api.trees({ sort: "cost" }),
    "trees, runaways": api.trees({ show: "runaway" }),
    "decisions, newest": api.decisions({ limit: 50 }),
    "decisions, SLA missed": api.decisions({ limit: 50, show: "missed" }),
    "decisions, failed": api.decisions({ limit: 50, show: "errors" }),
    "decisions, retried": api.decisions({ limit: 50, show: "retried" }),
    "pools 24 h": api.pools({ from: "-24h" }),
    "pools 7 d": api.pools({ from: "-7d" }),
    "pools 30 d": api.pools({ from: "-30d" }),
    alerts: api.alerts(),
    "memory: files of 30 d": api.memoryFiles({ from: "-30d" }),
    "memory: one file": api.memory({ path: "MEMORY.md", owner: "agent-7", project: "default" }),
    "memory: of a session": api.memory({ session }),
    "memory: newest": api.memory(),
    keys: api.keys(),
    projects: api.projects(),
    "saved views": api.views(),
  };
}

function pages(session: string): Record<string, string> {
  return {
    Overview: paths.overview(),
    Brain: paths.brain(),
    Tokens: paths.tokens(),
    "Tokens 30 d by agent": paths.tokens({ range: "30d", group: "agent" }),
    Explain: paths.explain(),
    "Explain 7 d": paths.explain({ range: "7d" }),
    Sessions: paths.sessions(),
    Session: paths.session(session),
    Agents: paths.agents(),
    Routes: paths.routes(),
    Memory: paths.memory(),
    "Memory, one file": paths.memory({ file: { path: "MEMORY.md", owner: "agent-7", project: "default" } }),
    Alerts: paths.alerts(),
    Settings: paths.settings(),
    "Tokens 12 mo by key": paths.tokens({ range: "12mo", group: "key" }),
  };
}

interface Times {
  /** Milliseconds, ascending. */
  taken: number[];
  /** CPU milliseconds of Postgres for one. */
  cpu: number;
}

async function times(count: number, once: () => Promise<number>): Promise<Times> {
  for (let warm = 0; warm < 2; warm++) await once();
  const before = cpuMilliseconds(server.pid, { children: true });
  const taken: number[] = [];
  for (let sample = 0; sample < count; sample++) taken.push(await once());
  return { taken: taken.sort((a, b) => a - b), cpu: (cpuMilliseconds(server.pid, { children: true }) - before) / count };
}

async function read(url: string, init: RequestInit): Promise<number> {
  const started = performance.now();
  const response = await fetch(url, init);
  const body = await response.text();
  if (!response.ok) throw new Error(`${url} answered ${response.status}: ${body.slice(0, 200)}`);
  return performance.now() - started;
}

async function open(url: string, init: RequestInit): Promise<{ firstByteMs: number; allMs: number }> {
  const started = performance.now();
  const response = await fetch(url, { ...init, redirect: "manual" });
  const reader = response.body?.getReader();
  await reader?.read();
  const firstByteMs = performance.now() - started;
  while (!(await reader?.read())?.done);
  const allMs = performance.now() - started;
  if (response.status !== 200) throw new Error(`${url} answered ${response.status}`);
  return { firstByteMs, allMs };
}

function report(name: string, { taken, cpu }: Pick<Times, "taken"> & Partial<Times>): void {
  const at = (share: number) => (taken[Math.ceil(taken.length * share) - 1] as number).toFixed(0).padStart(6);
  const ofPostgres = cpu === undefined ? "" : `  Postgres' CPU ${cpu.toFixed(0).padStart(5)} ms`;
  console.log(`${name.padEnd(36)} p50 ${at(0.5)} ms  p95 ${at(0.95)} ms  most ${at(1)} ms${ofPostgres}`);
}

/** The login cookie that a one-time link gives. */
async function logIn(link: string): Promise<string> {
  const response = await fetch(link, { redirect: "manual" });
  const cookie = response.headers.getSetCookie().map((header) => header.split(";")[0]);
  if (cookie.length === 0) throw new Error(`the login link gave no cookie: ${response.status}`);
  return cookie.join("; ");
}
