/**
 * Question: does the scheduler keep its memory, sockets and slots under hours of use?
 * Half the highest rate (measured first, on the same mixture), chat completions, Messages and Responses, whole and streamed, on an
 * engine that speaks chat completions; a fifth of the clients leave at random. Every ten seconds: memory after a garbage collection,
 * sockets, slots, calls in flight. At the end the clients go, and whatever they leave behind is a leak.
 *
 *     node tests/bench/soak.ts [minutes] [rate per second, where it is not to be measured]
 *
 * Target: 30 minutes; the heap grows by less than 1 % of itself in ten minutes (two standard errors taken off) after the first
 * third and the first 25,000 requests, of each minute in the sample with the fewest sockets; no socket, slot or call left. Ends with 1 where that is missed. Linux only: sockets are counted in /proc.
 */

import { once } from "node:events";
import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import os from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { startGateway } from "./gateway-processes.ts";
import { type Clients, createClients } from "./soak-client.ts";
import type { Held } from "./soak-probe.ts";

const MINUTES = Number(process.argv[2] ?? 30);
const GIVEN_RATE = Number(process.argv[3] ?? 0);
const LEAVING = 0.2;
const SAMPLE_MS = 10_000;
const MAX_RATE_SECONDS = 10;
const MAX_RATE_CLIENTS = 32;
const TICK_MS = 10;
/** Idle connections are closed by then: those to an engine are kept for 30 s, and looked at once a second. */
const DRAIN_MS = 40_000;
const GROWTH_TARGET = 0.01;
/** By then what the scheduler bounds is full: it remembers 20,000 sessions, and each request here is one of its own. */
const WARM_UP_REQUESTS = 25_000;
const MIN_SAMPLES = 5;
const MB = 1 << 20;

interface Sample extends Held {
  minute: number;
  /** Sent so far. */
  requests: number;
  sockets: number;
  active: number;
  queued: number;
  inFlight: number;
}

const gateway = await startGateway({ nodeFlags: ["--expose-gc", "--import", fileURLToPath(new URL("./soak-probe.ts", import.meta.url))] });
const { scheduler } = gateway;

async function sample(startedAt: number, requests = 0): Promise<Sample> {
  const answer = once(scheduler.process, "message");
  scheduler.process.send("?");
  const [held] = (await answer) as [Held];
  const metrics = await (await fetch(`${scheduler.url}/metrics`, { headers: { connection: "close" } })).text();
  const read = (name: string) => Number(new RegExp(`^${name}(?:\\{[^}]*\\})? (\\d+)`, "m").exec(metrics)?.[1] ?? Number.NaN);
  return {
    ...held,
    minute: (Date.now() - startedAt) / 60_000,
    requests,
    sockets: socketsOf(scheduler.process.pid ?? 0).length,
    active: read("signalbox_active_calls"),
    queued: read("signalbox_queue_depth"),
    inFlight: read("signalbox_calls_in_flight"),
  };
}

/** Inodes. */
function socketsOf(pid: number): string[] {
  const folder = `/proc/${pid}/fd`;
  return readdirSync(folder).flatMap((fd) => {
    try {
      return /^socket:\[(\d+)\]$/.exec(readlinkSync(`${folder}/${fd}`))?.slice(1) ?? [];
    } catch {
      return []; // closed while we looked
    }
  });
}

/** Both ends of each TCP socket, in the kernel's hexadecimal; of any other its inode. */
function endsOf(pid: number): string[] {
  const lines = readFileSync(`/proc/${pid}/net/tcp`, "utf8").split("\n");
  const ends = new Map(
    lines.map((line) => line.trim().split(/\s+/)).map((fields) => [fields[9], `${fields[1]} ${fields[2]} ${fields[3]}`]),
  );
  return socketsOf(pid).map((inode) => ends.get(inode) ?? inode);
}

/** Requests a second when each client sends the next as soon as one has ended. */
async function highestRate(): Promise<number> {
  let ended = 0;
  let going = true;
  const clients: Clients = createClients(scheduler.url, 0, () => {
    ended++;
    if (going) clients.send();
  });
  for (let client = 0; client < MAX_RATE_CLIENTS; client++) clients.send();
  await sleep(MAX_RATE_SECONDS * 1000);
  const rate = ended / MAX_RATE_SECONDS;
  going = false;
  await until(() => clients.underWay === 0);
  clients.close();
  return rate;
}

async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = Date.now() + DRAIN_MS;
  while (!(await holds()) && Date.now() < deadline) await sleep(250);
}

/** Least squares: growth a minute, and its standard error. */
function slope(samples: readonly Sample[], read: (sample: Sample) => number): { perMinute: number; error: number; mean: number } {
  const mean = (values: number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const minutes = samples.map(({ minute }) => minute);
  const values = samples.map(read);
  const [x, y] = [mean(minutes), mean(values)];
  const spread = minutes.reduce((sum, minute) => sum + (minute - x) ** 2, 0);
  const perMinute = minutes.reduce((sum, minute, at) => sum + (minute - x) * ((values[at] as number) - y), 0) / spread;
  const residual = minutes.reduce((sum, minute, at) => sum + ((values[at] as number) - y - perMinute * (minute - x)) ** 2, 0);
  return { perMinute, error: Math.sqrt(residual / Math.max(1, samples.length - 2) / spread), mean: y };
}

const megabytes = (bytes: number) => (bytes / MB).toFixed(1);
const describe = ({ minute, rss, heapUsed, external, sockets, active, queued, inFlight }: Sample) =>
  `${minute.toFixed(1)} min: rss ${megabytes(rss)} MB, heap ${megabytes(heapUsed)}, external ${megabytes(external)}; ` +
  `${sockets} sockets; slots ${active} taken, ${queued} waiting; ${inFlight} in flight`;

try {
  const highest = await highestRate();
  const rate = GIVEN_RATE || highest / 2;
  await sleep(DRAIN_MS); // what stays open after a first load, the health probe's connection say, is no leak
  const before = await sample(Date.now());
  console.log(`load average ${os.loadavg()[0]?.toFixed(1)}; ${rate.toFixed(0)} requests/s for ${MINUTES} minutes`);
  console.log(`before: ${describe(before)}`);

  const clients = createClients(scheduler.url, LEAVING);
  const startedAt = Date.now();
  let due = 0;
  const load = setInterval(() => {
    const wanted = ((Date.now() - startedAt) / 1000) * rate;
    for (; due < wanted; due++) clients.send();
  }, TICK_MS);
  const samples: Sample[] = [];
  while (Date.now() - startedAt < MINUTES * 60_000) {
    await sleep(SAMPLE_MS);
    const taken = await sample(startedAt, clients.counts.sent);
    samples.push(taken);
    console.log(describe(taken));
  }
  clearInterval(load);
  await until(() => clients.underWay === 0);
  clients.close();
  await until(async () => (await sample(startedAt)).sockets <= before.sockets);
  const after = await sample(startedAt);
  console.log(`after: ${describe(after)}; held ${JSON.stringify(after.resources)}, before ${JSON.stringify(before.resources)}`);
  if (after.sockets > before.sockets) console.log(`sockets: ${endsOf(scheduler.process.pid ?? 0).join(", ")}`);
  console.log(`clients: ${JSON.stringify(clients.counts)}`);

  // What calls hold is no leak, and more are open while something else slows the machine: of each minute the sample with the fewest.
  const minutes = new Map<number, Sample>();
  for (const each of samples.slice(Math.floor(samples.length / 3))) {
    const known = minutes.get(Math.floor(each.minute));
    if (each.requests > WARM_UP_REQUESTS && !(known && known.sockets <= each.sockets)) minutes.set(Math.floor(each.minute), each);
  }
  const settled = [...minutes.values()];
  const heap = slope(settled, ({ heapUsed }) => heapUsed);
  const rss = slope(settled, (each) => each.rss);
  for (const [name, { perMinute, error }] of Object.entries({ heap, rss })) {
    console.log(`${name}: ${(perMinute / 1024).toFixed(1)} KB a minute ± ${(error / 1024).toFixed(1)}`);
  }
  const failed = Object.values(clients.counts.failed).reduce((sum, count) => sum + count, 0);
  const growth = (10 * (heap.perMinute - 2 * heap.error)) / heap.mean;
  const faults = [
    settled.length < MIN_SAMPLES && `undecided: ${settled.length} samples after ${WARM_UP_REQUESTS} requests; run it longer`,
    growth > GROWTH_TARGET && `the heap grows by ${(growth * 100).toFixed(1)} % in ten minutes`,
    after.sockets > before.sockets && `${after.sockets - before.sockets} sockets left`,
    after.active + after.queued > 0 && `${after.active + after.queued} slots or places in line left`,
    after.inFlight > 0 && `${after.inFlight} calls left in flight`,
    clients.underWay > 0 && `${clients.underWay} clients were never answered`,
    failed > 0 && `${failed} clients that stayed got no whole reply`,
  ].filter((fault) => fault !== false);
  console.log(faults.length === 0 ? "verdict: flat; no socket, slot or call left" : `verdict: ${faults.join("; ")}`);
  process.exitCode = faults.length === 0 ? 0 : 1;
} finally {
  gateway.stop();
}
