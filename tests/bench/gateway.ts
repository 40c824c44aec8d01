/**
 * Question: how much of an engine's request rate survives the scheduler, and what does a request cost in CPU?
 * Small and large chat completions and streams (gateway-load.ts), decision record and span export on; requests/s through the
 * scheduler ÷ requests/s direct to the same mock, in interleaved rounds of one run, beside the floor: a bare node:http + undici
 * proxy that reads nothing. Mock, scheduler, proxy and load generator are processes of their own. CPU is read from /proc (Linux only).
 *
 *     node tests/bench/gateway.ts [rounds] [seconds per round]
 *
 * Targets: ratio ≥ 0.33 of small JSON; CPU as gateway-load.ts says.
 */

import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { LOADS, type Load } from "./gateway-load.ts";

const ROUNDS = Number(process.argv[2] ?? 5);
const SECONDS = Number(process.argv[3] ?? 3);
const CLOCK_TICKS = Number(execFileSync("getconf", ["CLK_TCK"], { encoding: "utf8" }));

const here = (file: string) => fileURLToPath(new URL(file, import.meta.url));
const AUTOCANNON = here("../../node_modules/autocannon/autocannon.js");
/** Before the rounds of a load, at each target: code that has not run is not optimised. */
const WARM_UP_SECONDS = 2;
const RATIO_TARGET = 0.33;

const home = mkdtempSync(path.join(os.tmpdir(), "signalbox-bench-"));
const started: ChildProcess[] = [];

function start(file: string, args: string[] = [], environment: Record<string, string> = {}): ChildProcess {
  const child = spawn(process.execPath, [here(file), ...args], {
    env: { ...process.env, ...environment },
    stdio: ["ignore", "pipe", "pipe"],
  });
  started.push(child);
  return child;
}

async function firstMatch(stream: NodeJS.ReadableStream | null, pattern: RegExp): Promise<string> {
  let text = "";
  for await (const chunk of stream ?? []) {
    text += chunk;
    const found = pattern.exec(text)?.[1];
    if (found) {
      stream?.resume();
      return found;
    }
  }
  throw new Error(`ended without ${pattern}: ${text}`);
}

/** Requests answered with 200 in a round, and its length in seconds. */
async function load(url: string, { connections }: Load, bodyFile: string, seconds: number): Promise<{ requests: number; seconds: number }> {
  const args = [AUTOCANNON, "--json", "-c", String(connections), "-d", String(seconds), "-m", "POST"];
  args.push("-H", "content-type=application/json", "-i", bodyFile, `${url}/v1/chat/completions`);
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

interface Target {
  name: "direct" | "bare proxy" | "scheduler";
  url: string;
  process: ChildProcess;
}

/** One round at one target: requests a second, and what each cost that process in CPU microseconds, its threads left out and included. */
interface Round {
  rate: number;
  main: number;
  all: number;
}

async function measure({ url, process: { pid = 0 } }: Target, shape: Load, bodyFile: string): Promise<Round> {
  const before = cpu(pid);
  const { requests, seconds } = await load(url, shape, bodyFile, SECONDS);
  const after = cpu(pid);
  return { rate: requests / seconds, main: (after.main - before.main) / requests, all: (after.all - before.all) / requests };
}

const median = (values: number[]) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
const range = (values: number[], digits: number) => `${Math.min(...values).toFixed(digits)}–${Math.max(...values).toFixed(digits)}`;

async function compare(targets: readonly [Target, Target, Target], shape: Load): Promise<void> {
  const bodyFile = path.join(home, "body.json");
  writeFileSync(bodyFile, shape.body);
  for (const { url } of targets) await load(url, shape, bodyFile, WARM_UP_SECONDS);
  const rounds: Round[][] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const results: Round[] = [];
    for (const target of targets) results.push(await measure(target, shape, bodyFile));
    rounds.push(results);
  }

  console.log(`${shape.name}, ${shape.connections} connections`);
  for (const [at, { name }] of targets.entries()) {
    const of = (value: (result: Round, direct: Round) => number) =>
      rounds.map((results) => value(results[at] as Round, results[0] as Round));
    const rates = of(({ rate }) => rate);
    const ratios = of(({ rate }, direct) => rate / direct.rate);
    const main = of((result) => result.main);
    const line = [`${median(rates).toFixed(0)}/s`, `main thread ${median(main).toFixed(0)} µs a request (${range(main, 0)})`];
    line.push(`process ${median(of((result) => result.all)).toFixed(0)} µs`);
    if (shape.events) line.push(`${median(main.map((each) => each / (shape.events ?? 1))).toFixed(1)} µs an event`);
    if (at > 0) line.push(`${median(ratios).toFixed(3)} × direct (${range(ratios, 3)})`);
    if (name === "scheduler") line.push(targetsOf(shape));
    console.log(`  ${name.padEnd(10)} ${line.filter(Boolean).join("; ")}`);
  }
}

function targetsOf({ events, targetMicroseconds }: Load): string {
  if (targetMicroseconds === undefined) return "";
  const ratio = events === undefined && targetMicroseconds <= 60 ? `, ≥ ${RATIO_TARGET} × direct` : "";
  return `target ≤ ${targetMicroseconds} µs ${events ? "an event" : "a request"}${ratio}`;
}

try {
  const mock = start("./gateway-mock.ts");
  const direct = `http://127.0.0.1:${await firstMatch(mock.stdout, /(\d+)\n/)}`;
  const config = path.join(home, "signalbox.config.yaml");
  writeFileSync(
    config,
    `pools:
  - name: bench
    silicon: cloud
    engine: openai-compatible
    base_url: ${direct}/v1
    slots: 64
    models: [{ id: bench, input_usd_per_mtok: 1, output_usd_per_mtok: 4 }]
baseline: { model: claude-opus-4-6 }
`,
  );
  const gateway = start("../../scheduler/src/main.ts", [], {
    SIGNALBOX_CONFIG: config,
    SIGNALBOX_HOME: home,
    SIGNALBOX_SCHEDULER_PORT: "0",
    SIGNALBOX_OTLP_ENDPOINT: direct,
  });
  const through = await firstMatch(gateway.stderr, /url=(\S+)/);
  const bareProxy = start("./gateway-bare.ts", [direct]);
  const bare = `http://127.0.0.1:${await firstMatch(bareProxy.stdout, /(\d+)\n/)}`;

  const targets = [
    { name: "direct", url: direct, process: mock },
    { name: "bare proxy", url: bare, process: bareProxy },
    { name: "scheduler", url: through, process: gateway },
  ] as const;
  console.log(`load average before: ${os.loadavg()[0]?.toFixed(1)} on ${os.availableParallelism()} cores`);
  for (const shape of LOADS) await compare(targets, shape);
  const metrics = await (await fetch(`${through}/metrics`)).text();
  const dropped = /telemetry_dropped_total\{reason="full"[^}]*\} (\d+)/.exec(metrics)?.[1];
  console.log(`decision records dropped: ${dropped}`);
} finally {
  for (const child of started) child.kill("SIGTERM");
  rmSync(home, { recursive: true, force: true });
}
