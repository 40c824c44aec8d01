/**
 * Question: clients offer several times what the collector can store, and take no notice of Retry-After. What are they told, and how much
 * memory does it take? The collector is a process of its own with its defaults, and a log that fills up meanwhile; requests of 2,000
 * spans come over many connections at once, from a few bodies again and again, so that most of them are repeats.
 *
 * Command: npm exec -- node tests/bench/ingest-overload.ts [seconds, default 30] [connections, default 64] [content: 0 or 1, default 0] [MiB of the log, default 128]
 */
import fs from "node:fs";
import { Agent, request as httpRequest } from "node:http";
import os from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { killablePostgres } from "../integration/collector-chaos.ts";
import { backlogStored, collectorProcess, metric } from "../integration/collector-load.ts";
import { untilReady } from "../integration/collector-support.ts";
import { agentBatch } from "./ingest-load.ts";

const [seconds = 30, connections = 64, content = 0, logMiB = 128] = process.argv.slice(2).map(Number);
const MiB = 1024 * 1024;
const REQUEST_SPANS = 2_000;
const BODIES = 16;
const dir = fs.mkdtempSync(path.join(os.tmpdir(), "signalbox-overload-"));
fs.chmodSync(dir, 0o755);
const server = await killablePostgres(path.join(dir, "postgres"));
const collector = await collectorProcess(server.url, dir, 0, `wal_bytes: ${logMiB * MiB}`);
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

try {
  collector.start();
  await untilReady(collector.url);
  const bodies = Array.from({ length: BODIES }, (_, index) => agentBatch(REQUEST_SPANS, index, content === 1).protobuf);
  console.log(`idle: ${peakMiB()} MiB; requests of ${bodies[0]?.length} bytes, ${connections} connections`);
  const answers = new Map<number, number>();
  const end = Date.now() + seconds * 1000;
  const client = async () => {
    while (Date.now() < end) {
      const status = await post(bodies[Math.floor(Math.random() * BODIES)] as Buffer);
      answers.set(status, (answers.get(status) ?? 0) + 1);
      if (status !== 200) await sleep(5);
    }
  };
  const clients = Array.from({ length: connections }, client);
  await sleep(seconds * 900);
  const stored = await settled();
  await Promise.all(clients);
  const requests = [...answers.values()].reduce((sum, count) => sum + count, 0);
  console.log(`offered ${(requests * REQUEST_SPANS) / seconds} spans/s, settled ${Math.round(stored / (seconds * 0.9))}; answers`, answers);
  await backlogStored(collector.url);
  // the last group is in no queue any more
  const left = async () => (answers.get(200) ?? 0) * REQUEST_SPANS - (await settled());
  for (const deadline = Date.now() + 60_000; (await left()) !== 0 && Date.now() < deadline; ) await sleep(50);
  console.log(`peak memory ${peakMiB()} MiB; acknowledged spans not settled afterwards: ${await left()}`);
  if ((await left()) !== 0) process.exitCode = 1;
} finally {
  agent.destroy();
  await collector.stop("SIGTERM");
  await server.stop();
  fs.rmSync(dir, { recursive: true, force: true });
}
