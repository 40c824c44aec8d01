/**
 * Question: does fan-out slow the store? Spans settled a second by a collector without a destination, with one, and with three of which one
 * never answers, as ratios in one run: the three take turns, each a process of its own with its defaults, log on disk included, on one Postgres. Destinations
 * are in this process, read what they get and forget it: on two cores their reading, and ours, takes from what the collector has.
 *
 * Command: npm exec -- node tests/bench/fan-out.ts [spans a request, default 2000] [spans a round, default 40000] [rounds, default 5] [content, a number of `Content`, default 0: none]
 */
import { once } from "node:events";
import fs from "node:fs";
import { Agent, createServer, request as httpRequest } from "node:http";
import type { AddressInfo } from "node:net";
import os from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import postgres from "postgres";
import { killablePostgres } from "../integration/collector-chaos.ts";
import { collectorProcess, type Running } from "../integration/collector-load.ts";
import { emptyTables, untilReady } from "../integration/collector-support.ts";
import { cpuMilliseconds } from "./cpu-time.ts";
import { agentBatch, Content } from "./ingest-load.ts";

const [requestSpans = 2_000, roundSpans = 40_000, rounds = 5, content = 0] = process.argv.slice(2).map(Number);
const IN_FLIGHT = 4;

const sink = createServer((request, response) => {
  request.resume();
  // a path that is not /hang is answered when all of it is here
  request.on("end", () => request.url?.startsWith("/hang") || response.writeHead(200, { "content-type": "application/x-protobuf" }).end());
}).listen(0, "127.0.0.1");
await once(sink, "listening");
const sinkUrl = `http://127.0.0.1:${(sink.address() as AddressInfo).port}`;
const destination = (name: string, where = `/${name}/v1/traces`) =>
  `{ name: ${name}, endpoint: "${sinkUrl}${where}", content: ${content !== Content.none} }`;
const CASES = [
  { name: "no destination", fanOut: [] },
  { name: "one", fanOut: [destination("first")] },
  { name: "three, one hangs", fanOut: [destination("first"), destination("second"), destination("third", "/hang")] },
];

const dir = fs.mkdtempSync(path.join(os.tmpdir(), "signalbox-fan-out-"));
fs.chmodSync(dir, 0o755);
const server = await killablePostgres(path.join(dir, "postgres"));
const sql = postgres(server.url, { max: 1, onnotice: () => {} });
const agent = new Agent({ keepAlive: true, maxSockets: IN_FLIGHT });

function post(url: string, body: Buffer): Promise<void> {
  return new Promise((resolve, reject) => {
    const headers = { "content-type": "application/x-protobuf", "content-length": body.length };
    const request = httpRequest(new URL("/v1/traces", url), { method: "POST", headers, agent }, (response) => {
      response.resume();
      response.on("end", () => (response.statusCode === 200 ? resolve() : reject(new Error(`status ${response.statusCode}`))));
    });
    request.on("error", reject);
    request.end(body);
  });
}

/** Spans settled a second, and CPU microseconds of the collector for one. */
async function settle({ url, pid }: Running, bodies: readonly Buffer[]): Promise<{ rate: number; micros: number }> {
  const cpu = cpuMilliseconds(pid as number);
  const started = performance.now();
  const queue = [...bodies];
  const client = async () => {
    for (let body = queue.shift(); body !== undefined; body = queue.shift()) await post(url, body);
  };
  await Promise.all(Array.from({ length: IN_FLIGHT }, client));
  const total = bodies.length * requestSpans;
  for (let stored = 0; stored < total; await sleep(5)) {
    const [counted] = await sql`select coalesce(sum(spans), 0)::int as spans from signalbox.sessions`;
    stored = counted?.spans;
  }
  const seconds = (performance.now() - started) / 1000;
  return { rate: total / seconds, micros: ((cpuMilliseconds(pid as number) - cpu) * 1000) / total };
}

const median = (values: number[]) => [...values].sort((a, b) => a - b)[values.length >> 1] as number;
const collectors: Running[] = [];
try {
  for (const [index, { fanOut }] of CASES.entries()) {
    const collector = await collectorProcess(server.url, dir, index, "writers: 2", `fan_out: [${fanOut.join(", ")}]`);
    collectors.push(collector);
    collector.start();
    await untilReady(collector.url);
  }
  const requests = Math.ceil(roundSpans / requestSpans);
  const bodiesOf = (round: number) =>
    Array.from({ length: requests }, (_, index) => agentBatch(requestSpans, round * requests + index, content).protobuf);
  let bodies: Buffer[] = [];
  const seen = CASES.map(() => ({ rates: [] as number[], micros: [] as number[] }));
  for (let round = -1; round < rounds; round++) {
    // others each round: a collector knows what came before
    bodies = bodiesOf(round + 1);
    for (const [index, collector] of collectors.entries()) {
      await emptyTables(server.url);
      const { rate, micros } = await settle(collector, bodies);
      if (round < 0) continue; // warm
      seen[index]?.rates.push(rate);
      seen[index]?.micros.push(micros);
    }
  }
  console.log(`${bodies.length} requests of ${requestSpans} spans, ${bodies[0]?.length} bytes each; load ${os.loadavg()[0]}`);
  for (const [index, { name }] of CASES.entries()) {
    const { rates, micros } = seen[index] ?? { rates: [], micros: [] };
    const ratios = rates.map((rate, round) => rate / (seen[0]?.rates[round] as number));
    const status = await (await fetch(`${collectors[index]?.url}/status`)).json();
    console.log(
      `${name}: ${Math.round(median(rates))} spans/s, ${median(ratios).toFixed(2)} of none [${ratios.map((ratio) => ratio.toFixed(2)).join(" ")}], CPU ${median(micros).toFixed(1)} us a span`,
      JSON.stringify(status),
    );
  }
} finally {
  agent.destroy();
  sink.closeAllConnections();
  sink.close();
  for (const collector of collectors) await collector.stop("SIGTERM");
  await sql.end();
  await server.stop();
  fs.rmSync(dir, { recursive: true, force: true });
}
