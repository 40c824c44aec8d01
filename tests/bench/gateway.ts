/**
 * Question: how much of an engine's request rate survives the scheduler, and what does a request cost in CPU?
 * Small and large chat completions and streams (gateway-load.ts), decision record and span export on; requests/s through the
 * scheduler ÷ requests/s direct to the same mock, in interleaved rounds of one run, beside the floor: a bare node:http + undici
 * proxy that reads nothing, and the same of the scheduler's own server and client. Mock, load, and each gateway are processes of their
 * own. CPU and the most memory that each process held so far are read from /proc (Linux only).
 *
 *     node tests/bench/gateway.ts [rounds] [seconds per round] [--pinned] [--loads pattern] [--raw] [--portkey folder] [--portkey-node path]
 *
 * `--pinned`: load and mock on one core, the gateway with all its threads on another (taskset of util-linux). So a rate says what
 * one core of a gateway does, and direct what the core of load and mock does alone. Without it all of them share what cores there are, as on
 * a user's machine; with two cores the load and the mock then hold back each gateway, and a cheap one more than a dear one.
 * `--loads`: only those that match. `--raw`: with the bytes of every call kept for the raw view, as a local install does.
 *
 * Portkey's gateway runs beside them where its folder is given, on this Node and on the one of `--portkey-node` (its releases ask for a
 * server that breaks them beyond 1.13.8):
 *
 *     echo '{"private":true,"overrides":{"@hono/node-server":"1.13.8"}}' > package.json
 *     npm install @portkey-ai/gateway@1.15.2 @hono/node-server@1.13.8
 *
 * Targets: ratio ≥ 0.33 of small JSON at 32 connections; ≥ 20 × Portkey's rate; CPU as gateway-load.ts says.
 */

import { execFileSync, spawnSync } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { parseArgs } from "node:util";
import { freePort } from "../support/free-port.ts";
import type { Job, Outcome } from "./gateway-client.ts";
import { LOADS, type Load } from "./gateway-load.ts";
import { type Served, startGateway } from "./gateway-processes.ts";

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: {
    pinned: { type: "boolean", default: false },
    loads: { type: "string", default: "" },
    raw: { type: "boolean", default: false },
    portkey: { type: "string" },
    "portkey-node": { type: "string" },
  },
});
const ROUNDS = Number(positionals[0] ?? 5);
const SECONDS = Number(positionals[1] ?? 3);
const CLOCK_TICKS = Number(execFileSync("getconf", ["CLK_TCK"], { encoding: "utf8" }));
/** Before the rounds of a load, at each target: code that has not run is not optimised. */
const WARM_UP_SECONDS = 2;
const RATIO_TARGET = 0.33;
const PORTKEY_TARGET = 20;
const JSON_ENDING = "}";
const STREAM_ENDING = "data: [DONE]\n\n";
/** Where load and mock stay, and where the gateways. */
const CORES = values.pinned ? { mock: 0, scheduler: 1 } : undefined;

if (values.pinned) {
  const missing = spawnSync("taskset", ["-c", "0,1", "true"]).status !== 0;
  if (missing || os.availableParallelism() < 2) {
    console.log("--pinned: skipped, it needs two cores and taskset (util-linux)");
    process.exit();
  }
}

const gateway = await startGateway({ raw: values.raw, cores: CORES });
const client = await gateway.start("./gateway-client.ts", { core: CORES?.mock, pattern: /^(ready)$/m });

async function load({ url, headers = [] }: Target, { connections, body, events }: Load, seconds: number): Promise<Outcome> {
  const job: Job = {
    port: Number(new URL(url).port),
    path: "/v1/chat/completions",
    headers: ["content-type: application/json", ...headers],
    body,
    connections,
    seconds,
    ending: events === undefined ? JSON_ENDING : STREAM_ENDING,
  };
  client.process.send(job);
  const [outcome] = (await once(client.process, "message")) as [Outcome];
  return outcome;
}

/** User and system CPU so far, in microseconds: of a process, and of its main thread, which relays. */
const cpu = (pid: number) => ({ all: cpuMicroseconds(`/proc/${pid}/stat`), main: cpuMicroseconds(`/proc/${pid}/task/${pid}/stat`) });

function cpuMicroseconds(file: string): number {
  const fields = readFileSync(file, "utf8").split(") ")[1]?.split(" ") ?? [];
  return ((Number(fields[11]) + Number(fields[12])) / CLOCK_TICKS) * 1e6;
}

/** The most memory that a process held so far, in megabytes. */
const peakMemory = (pid: number) => Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]) / 1024;

interface Target extends Served {
  name: string;
  /** `name: value` */
  headers?: string[];
}

/** One round at one target: requests a second, and what each cost in CPU microseconds: of that process, its main thread, and the load. */
interface Round {
  rate: number;
  main: number;
  all: number;
  load: number;
  outcome: Outcome;
}

async function measure(target: Target, shape: Load): Promise<Round> {
  const pids = [target.process.pid ?? 0, client.process.pid ?? 0];
  const before = pids.map(cpu);
  const outcome = await load(target, shape, SECONDS);
  const after = pids.map(cpu);
  const { requests, seconds } = outcome;
  const took = (at: number, part: "main" | "all") => ((after[at]?.[part] ?? 0) - (before[at]?.[part] ?? 0)) / requests;
  return { rate: requests / seconds, main: took(0, "main"), all: took(0, "all"), load: took(1, "all"), outcome };
}

/** Of an even count the mean of the two in the middle. */
function median(numbers: number[]): number {
  const sorted = numbers.toSorted((a, b) => a - b);
  const middle = (sorted.length - 1) / 2;
  return ((sorted[Math.floor(middle)] ?? Number.NaN) + (sorted[Math.ceil(middle)] ?? Number.NaN)) / 2;
}
const range = (numbers: number[], digits: number) => `${Math.min(...numbers).toFixed(digits)}–${Math.max(...numbers).toFixed(digits)}`;

async function compare(targets: readonly Target[], shape: Load): Promise<void> {
  for (const target of targets) await load(target, shape, WARM_UP_SECONDS);
  const rounds: Round[][] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const results: Round[] = [];
    for (const target of targets) results.push(await measure(target, shape));
    rounds.push(results);
  }

  console.log(`${shape.name}, ${shape.connections} connections`);
  for (const [at, { name, process }] of targets.entries()) {
    const of = (value: (result: Round, direct: Round) => number) =>
      rounds.map((results) => value(results[at] as Round, results[0] as Round));
    const main = of((result) => result.main);
    const line = [`${median(of(({ rate }) => rate)).toFixed(0)}/s`];
    if (at > 0) {
      const ratios = of(({ rate }, direct) => rate / direct.rate);
      line.push(`${median(ratios).toFixed(3)} × direct (${range(ratios, 3)})`);
    }
    line.push(`main thread ${median(main).toFixed(0)} µs a request (${range(main, 0)})`);
    const all = of((result) => result.all);
    line.push(`process ${median(all).toFixed(0)} µs (${range(all, 0)})`);
    if (shape.events) line.push(`${median(main.map((each) => each / (shape.events ?? 1))).toFixed(1)} µs an event`);
    const milliseconds = (quantile: "p50" | "p99") => median(of(({ outcome }) => outcome[quantile])).toFixed(2);
    line.push(`p50 ${milliseconds("p50")}, p99 ${milliseconds("p99")} ms`);
    line.push(`load ${median(of((result) => result.load)).toFixed(0)} µs`);
    line.push(`peak ${peakMemory(process.pid ?? 0).toFixed(0)} MB`);
    if (at === SCHEDULER) line.push(targetsOf(shape));
    if (at > SCHEDULER) {
      const times = rounds.map((results) => (results[SCHEDULER] as Round).rate / (results[at] as Round).rate);
      line.push(`the scheduler is ${median(times).toFixed(1)} × this (${range(times, 1)}), target ≥ ${PORTKEY_TARGET}`);
    }
    line.push(failuresOf(rounds.map((results) => (results[at] as Round).outcome)));
    console.log(`  ${name.padEnd(10)} ${line.filter(Boolean).join("; ")}`);
  }
}

/** Its place among the targets. */
const SCHEDULER = 3;

function targetsOf({ events, targetMicroseconds }: Load): string {
  if (targetMicroseconds === undefined) return "";
  const ratio = events === undefined && targetMicroseconds <= 60 ? `, ≥ ${RATIO_TARGET} × direct` : "";
  return `target ≤ ${targetMicroseconds} µs ${events ? "an event" : "a request"}${ratio}`;
}

/** What was not answered with 200 and whole. */
function failuresOf(outcomes: readonly Outcome[]): string {
  const counts = new Map<string, number>();
  for (const { failures } of outcomes) for (const [why, count] of Object.entries(failures)) counts.set(why, (counts.get(why) ?? 0) + count);
  return [...counts].map(([why, count]) => `FAILED ${count}: ${why}`).join("; ");
}

try {
  const { mock, scheduler } = gateway;
  const core = CORES?.scheduler;
  const targets: Target[] = [
    { name: "direct", ...mock },
    { name: "bare proxy", ...(await gateway.start("./gateway-bare.ts", { args: [mock.url], core })) },
    { name: "own proxy", ...(await gateway.start("./gateway-wire.ts", { args: [mock.url], core })) },
    { name: "scheduler", ...scheduler },
  ];
  if (values.portkey) {
    for (const node of [process.execPath, values["portkey-node"]])
      if (node) targets.push(await startPortkey(values.portkey, node, mock.url));
  }
  console.log(
    `load average before: ${os.loadavg()[0]?.toFixed(1)} on ${os.availableParallelism()} cores, ${CORES ? "pinned" : "floating"}`,
  );
  const chosen = LOADS.filter(({ name, connections }) => new RegExp(values.loads).test(`${name}, ${connections}`));
  for (const shape of chosen) await compare(targets, shape);
  const metrics = await (await fetch(`${scheduler.url}/metrics`)).text();
  const dropped = /telemetry_dropped_total\{reason="full"[^}]*\} (\d+)/.exec(metrics)?.[1];
  console.log(`decision records dropped: ${dropped}`);
} finally {
  gateway.stop();
}

/** It takes no port 0, and says where it listens in a box of its own. */
async function startPortkey(folder: string, node: string, engine: string): Promise<Target> {
  const port = await freePort();
  const file = path.resolve(folder, "node_modules/@portkey-ai/gateway/build/start-server.js");
  const version = execFileSync(node, ["-v"], { encoding: "utf8" }).split(".", 1)[0];
  const served = await gateway.start(file, {
    ...{ node, core: CORES?.scheduler },
    ...{ args: [`--port=${port}`, "--headless"], pattern: new RegExp(`(${port})`) },
  });
  return {
    name: `portkey, Node ${version}`,
    ...served,
    headers: ["x-portkey-provider: openai", `x-portkey-custom-host: ${engine}/v1`, "authorization: Bearer bench"],
  };
}
