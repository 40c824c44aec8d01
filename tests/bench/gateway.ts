/**
 * Question: how much of an engine's request rate survives the scheduler, and what does a request cost in CPU?
 * Small and large chat completions and streams (gateway-load.ts), decision record and span export on; requests/s through the
 * scheduler ÷ requests/s direct to the same mock, in interleaved rounds of one run, beside the floor: a bare node:http + undici
 * proxy that reads nothing, and the same of the scheduler's own server and client. Mock, scheduler, proxy and load generator are processes of their own. CPU and the most memory that each
 * process held so far are read from /proc (Linux only).
 *
 *     node tests/bench/gateway.ts [rounds] [seconds per round] [--raw] [--portkey folder]
 *
 * `--raw`: with the bytes of every call kept for the raw view, as a local install does.
 *
 * Portkey's gateway runs beside them where its folder is given (its releases ask for a server that breaks them beyond 1.13.8):
 *
 *     echo '{"private":true,"overrides":{"@hono/node-server":"1.13.8"}}' > package.json
 *     npm install @portkey-ai/gateway@1.15.2 @hono/node-server@1.13.8
 *
 * Targets: ratio ≥ 0.33 of small JSON at 32 connections; ≥ 20 × Portkey's rate; CPU as gateway-load.ts says.
 */

import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { freePort } from "../support/free-port.ts";
import { LOADS, type Load } from "./gateway-load.ts";
import { type Served, startGateway } from "./gateway-processes.ts";

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: { portkey: { type: "string" }, raw: { type: "boolean", default: false } },
});
const ROUNDS = Number(positionals[0] ?? 5);
const SECONDS = Number(positionals[1] ?? 3);
const CLOCK_TICKS = Number(execFileSync("getconf", ["CLK_TCK"], { encoding: "utf8" }));

const here = (file: string) => fileURLToPath(new URL(file, import.meta.url));
const AUTOCANNON = here("../../node_modules/autocannon/autocannon.js");
/** Before the rounds of a load, at each target: code that has not run is not optimised. */
const WARM_UP_SECONDS = 2;
const RATIO_TARGET = 0.33;
const PORTKEY_TARGET = 20;
const gateway = await startGateway([], values.raw);
const { home } = gateway;

/** Requests answered with 200 in a round, and its length in seconds. */
async function load(
  { url, headers = [] }: Target,
  { connections }: Load,
  bodyFile: string,
  seconds: number,
): Promise<{ requests: number; seconds: number }> {
  const args = [AUTOCANNON, "--json", "-c", String(connections), "-d", String(seconds), "-m", "POST"];
  for (const header of ["content-type=application/json", ...headers]) args.push("-H", header);
  args.push("-i", bodyFile, `${url}/v1/chat/completions`);
  const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "ignore"] });
  let output = "";
  child.stdout.on("data", (chunk) => {
    output += chunk;
  });
  await once(child, "close");
  const result = JSON.parse(output) as { "2xx": number; non2xx: number; errors: number; duration: number };
  if (result.non2xx + result.errors > 0) throw new Error(`${result.non2xx} refusals and ${result.errors} errors at ${url}`);
  return { requests: result["2xx"], seconds: result.duration };
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
  name: "direct" | "bare proxy" | "own proxy" | "scheduler" | "portkey";
  /** `name=value` */
  headers?: string[];
}

/** One round at one target: requests a second, and what each cost that process in CPU microseconds, its threads left out and included. */
interface Round {
  rate: number;
  main: number;
  all: number;
}

async function measure(target: Target, shape: Load, bodyFile: string): Promise<Round> {
  const { pid = 0 } = target.process;
  const before = cpu(pid);
  const { requests, seconds } = await load(target, shape, bodyFile, SECONDS);
  const after = cpu(pid);
  return { rate: requests / seconds, main: (after.main - before.main) / requests, all: (after.all - before.all) / requests };
}

const median = (values: number[]) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
const range = (values: number[], digits: number) => `${Math.min(...values).toFixed(digits)}–${Math.max(...values).toFixed(digits)}`;

async function compare(targets: readonly Target[], shape: Load): Promise<void> {
  const bodyFile = path.join(home, "body.json");
  writeFileSync(bodyFile, shape.body);
  for (const target of targets) await load(target, shape, bodyFile, WARM_UP_SECONDS);
  const rounds: Round[][] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const results: Round[] = [];
    for (const target of targets) results.push(await measure(target, shape, bodyFile));
    rounds.push(results);
  }

  console.log(`${shape.name}, ${shape.connections} connections`);
  for (const [at, { name, process }] of targets.entries()) {
    const of = (value: (result: Round, direct: Round) => number) =>
      rounds.map((results) => value(results[at] as Round, results[0] as Round));
    const rates = of(({ rate }) => rate);
    const ratios = of(({ rate }, direct) => rate / direct.rate);
    const main = of((result) => result.main);
    const line = [`${median(rates).toFixed(0)}/s`, `main thread ${median(main).toFixed(0)} µs a request (${range(main, 0)})`];
    line.push(`process ${median(of((result) => result.all)).toFixed(0)} µs`);
    if (shape.events) line.push(`${median(main.map((each) => each / (shape.events ?? 1))).toFixed(1)} µs an event`);
    if (at > 0) line.push(`${median(ratios).toFixed(3)} × direct (${range(ratios, 3)})`);
    line.push(`peak ${peakMemory(process.pid ?? 0).toFixed(0)} MB`);
    if (name === "scheduler") line.push(targetsOf(shape));
    if (name === "portkey") {
      const times = rounds.map((results) => (results[SCHEDULER] as Round).rate / (results[at] as Round).rate);
      line.push(`the scheduler is ${median(times).toFixed(1)} × this (${range(times, 1)}), target ≥ ${PORTKEY_TARGET}`);
    }
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

try {
  const { mock, scheduler } = gateway;
  const targets: Target[] = [
    { name: "direct", ...mock },
    { name: "bare proxy", ...(await gateway.start("./gateway-bare.ts", { args: [mock.url] })) },
    { name: "own proxy", ...(await gateway.start("./gateway-wire.ts", { args: [mock.url] })) },
    { name: "scheduler", ...scheduler },
  ];
  if (values.portkey) targets.push(await startPortkey(values.portkey, mock.url));
  console.log(`load average before: ${os.loadavg()[0]?.toFixed(1)} on ${os.availableParallelism()} cores`);
  for (const shape of LOADS) await compare(targets, shape);
  const metrics = await (await fetch(`${scheduler.url}/metrics`)).text();
  const dropped = /telemetry_dropped_total\{reason="full"[^}]*\} (\d+)/.exec(metrics)?.[1];
  console.log(`decision records dropped: ${dropped}`);
} finally {
  gateway.stop();
}

/** It takes no port 0, and says where it listens in a box of its own. */
async function startPortkey(folder: string, engine: string): Promise<Target> {
  const port = await freePort();
  const file = path.resolve(folder, "node_modules/@portkey-ai/gateway/build/start-server.js");
  const served = await gateway.start(file, { args: [`--port=${port}`, "--headless"], pattern: new RegExp(`(${port})`) });
  return {
    name: "portkey",
    ...served,
    headers: ["x-portkey-provider=openai", `x-portkey-custom-host=${engine}/v1`, "authorization=Bearer bench"],
  };
}
