/**
 * Question: clients offer ten times what the collector can store, and take no notice of Retry-After. What are they told, how much memory
 * does it take, and are as many spans settled as without the overload? The collector is a process of its own with its defaults, and a log
 * that is soon full. Clients send 2,000 spans a request, each a body of its own until it is taken. First four clients that do what they are told, then
 * many that do not, with as long a time each. Two cores that also run the clients cannot offer ten times what they can store: a relay
 * lets only so many bytes a second through to Postgres.
 *
 * Command: npm exec -- node tests/bench/ingest-overload.ts [seconds, default 20] [connections, default 64] [content, a number of `Content`, default 0: none] [MiB of the log, default 64] [KiB a second to Postgres, default 3000]
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import fs from "node:fs";
import { Agent, request as httpRequest } from "node:http";
import os from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { killablePostgres } from "../integration/collector-chaos.ts";
import { backlogStored, collectorProcess, metric } from "../integration/collector-load.ts";
import { untilReady } from "../integration/collector-support.ts";
import { cpuMilliseconds } from "./cpu-time.ts";
import { agentBatch } from "./ingest-load.ts";

const [seconds = 20, connections = 64, content = 0, logMiB = 64, relayKiB = 3_000] = process.argv.slice(2).map(Number);
const MiB = 1024 * 1024;
const REQUEST_SPANS = 2_000;
const BODIES = 64;
const POLITE_CLIENTS = 4;
const WARM_SECONDS = 5;

/** Resolves to the relay's process and port. */
async function relayTo(target: string, bytesASecond: number): Promise<{ process: ChildProcess; port: string }> {
  const program = fileURLToPath(new URL("relay.ts", import.meta.url));
  const child = spawn(process.execPath, [program, target, String(bytesASecond)], { stdio: ["ignore", "pipe", "inherit"] });
  const [port] = (await once(child.stdout as NodeJS.ReadableStream, "data")) as [Buffer];
  return { process: child, port: String(port).trim() };
}

const dir = fs.mkdtempSync(path.join(os.tmpdir(), "signalbox-overload-"));
fs.chmodSync(dir, 0o755);
const postgres = await killablePostgres(path.join(dir, "postgres"));
const relayed = new URL(postgres.url);
const relay = await relayTo(relayed.port, relayKiB * 1024);
relayed.port = relay.port;
const collector = await collectorProcess(relayed.href, dir, 0, `wal_bytes: ${logMiB * MiB}`);
const agent = new Agent({ keepAlive: true, maxSockets: connections });
const { port } = new URL(collector.url);

/** Resolves to the status; 0: none. */
function post(body: Buffer): Promise<number> {
  return new Promise((resolve) => {
    const headers = { "content-type": "application/x-protobuf", "content-length": body.length };
    const request = httpRequest({ host: "127.0.0.1", port, path: "/v1/traces", method: "POST", headers, agent }, (response) => {
      response.resume();
      response.on("end", () => resolve(response.statusCode ?? 0));
    });
    request.on("error", () => resolve(0));
    request.end(body);
  });
}

const peakMiB = () => Math.round(Number(/VmHWM:\s+(\d+)/.exec(fs.readFileSync(`/proc/${collector.pid}/status`, "utf8"))?.[1]) / 1024);
const settled = async () => (await metric(collector.url, "spans_stored_total")) + (await metric(collector.url, "spans_duplicate_total"));

let bodies: Buffer[] = [];
let next = 0;
let taken = 0;

/** Spans a second that clients offered, and that were settled, after the first seconds. */
async function phase(clients: number, pauseMs: number): Promise<{ offered: number; settled: number }> {
  const answers = new Map<number, number>();
  let loading = true;
  const client = async () => {
    let body = bodies[next++ % BODIES] as Buffer;
    while (loading) {
      const status = await post(body);
      answers.set(status, (answers.get(status) ?? 0) + 1);
      if (status === 200) {
        taken++;
        body = bodies[next++ % BODIES] as Buffer;
      } else await sleep(pauseMs);
    }
  };
  const running = Array.from({ length: clients }, client);
  await sleep(WARM_SECONDS * 1000);
  const requests = () => [...answers.values()].reduce((sum, count) => sum + count, 0);
  const before = { requests: requests(), settled: await settled(), at: performance.now(), cpu: cpuMilliseconds(collector.pid as number) };
  await sleep(seconds * 1000);
  const took = (performance.now() - before.at) / 1000;
  const cpu = (cpuMilliseconds(collector.pid as number) - before.cpu) / took / 10;
  const rates = { offered: ((requests() - before.requests) * REQUEST_SPANS) / took, settled: ((await settled()) - before.settled) / took };
  loading = false;
  await Promise.all(running);
  console.log(
    `${clients} clients: offered ${Math.round(rates.offered)} spans/s, settled ${Math.round(rates.settled)}; collector ${Math.round(cpu)} % of a core, most memory so far ${peakMiB()} MiB; answers`,
    answers,
  );
  return rates;
}

try {
  collector.start();
  await untilReady(collector.url);
  bodies = Array.from({ length: BODIES }, (_, index) => agentBatch(REQUEST_SPANS, index, content).protobuf);
  console.log(`idle: ${peakMiB()} MiB; requests of ${bodies[0]?.length} bytes; load ${os.loadavg()[0]}`);
  const alone = await phase(POLITE_CLIENTS, 1_000);
  const overload = await phase(connections, 5);
  console.log(
    `offered ${(overload.offered / alone.settled).toFixed(1)} times what is settled without overload; settled ${(overload.settled / alone.settled).toFixed(2)} of it`,
  );
  await backlogStored(collector.url);
  // the last group is in no queue any more
  const left = async () => taken * REQUEST_SPANS - (await settled());
  for (const deadline = Date.now() + 60_000; (await left()) !== 0 && Date.now() < deadline; ) await sleep(50);
  console.log(`peak memory ${peakMiB()} MiB; acknowledged spans not settled afterwards: ${await left()}`);
  if ((await left()) !== 0) process.exitCode = 1;
} finally {
  agent.destroy();
  await collector.stop("SIGTERM");
  await postgres.stop();
  relay.process.kill();
  fs.rmSync(dir, { recursive: true, force: true });
}
