/**
 * Question: how much of an engine's request rate survives the scheduler, and what does a request cost in CPU?
 * JSON chat completions of some 350 bytes at 32 connections, decision record and span export on; requests/s through the
 * scheduler ÷ requests/s direct to the same mock, in interleaved rounds of one run, beside the floor: a bare node:http + undici
 * proxy that reads nothing. Mock, scheduler, proxy and load generator are processes of their own. CPU is read from /proc (Linux only).
 *
 *     node tests/bench/gateway.ts [rounds] [seconds per round]
 *
 * Targets (scheduler.md): ratio ≥ 0.33, ≤ 60 µs CPU a request.
 */

import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";

const ROUNDS = Number(process.argv[2] ?? 5);
const SECONDS = Number(process.argv[3] ?? 4);
const CONNECTIONS = 32;
const CLOCK_TICKS = Number(execFileSync("getconf", ["CLK_TCK"], { encoding: "utf8" }));

const here = (file: string) => fileURLToPath(new URL(file, import.meta.url));
const AUTOCANNON = here("../../node_modules/autocannon/autocannon.js");
const BODY = JSON.stringify({
  model: "bench",
  messages: [
    { role: "system", content: "You are a helpful assistant. Answer in one sentence, and do not make things up." },
    { role: "user", content: "Hello! Which of the pools served me, and what did it cost? Please answer with the name of the pool alone." },
  ],
  max_tokens: 64,
  temperature: 0.2,
});

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
async function load(url: string, seconds: number): Promise<{ requests: number; seconds: number }> {
  const args = [AUTOCANNON, "--json", "-c", String(CONNECTIONS), "-d", String(seconds), "-m", "POST"];
  args.push("-H", "content-type=application/json", "-b", BODY, `${url}/v1/chat/completions`);
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

/** One round: requests a second, and what each cost the process under test in CPU microseconds. */
async function measure(url: string, { pid = 0 }: ChildProcess): Promise<{ rate: number; main: number; all: number }> {
  const before = cpu(pid);
  const { requests, seconds } = await load(url, SECONDS);
  const after = cpu(pid);
  return { rate: requests / seconds, main: (after.main - before.main) / requests, all: (after.all - before.all) / requests };
}

const median = (values: number[]) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;

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

  for (const url of [direct, bare, through]) await load(url, 2);
  const rounds: { bareRatio: number; bareMain: number; ratio: number; main: number; all: number }[] = [];
  for (let round = 1; round <= ROUNDS; round++) {
    const straight = await measure(direct, mock);
    const floor = await measure(bare, bareProxy);
    const relayed = await measure(through, gateway);
    const { main, all } = relayed;
    rounds.push({ bareRatio: floor.rate / straight.rate, bareMain: floor.main, ratio: relayed.rate / straight.rate, main, all });
    console.log(
      `round ${round}: direct ${straight.rate.toFixed(0)}/s; bare proxy ${floor.rate.toFixed(0)}/s, ${floor.main.toFixed(0)} µs; ` +
        `scheduler ${relayed.rate.toFixed(0)}/s, ${main.toFixed(0)} µs on the main thread, ${all.toFixed(0)} µs in all`,
    );
  }
  const metrics = await (await fetch(`${through}/metrics`)).text();
  const dropped = /telemetry_dropped_total\{reason="full"[^}]*\} (\d+)/.exec(metrics)?.[1];
  const of = (key: keyof (typeof rounds)[number]) => median(rounds.map((round) => round[key]));
  console.log(`ratio to direct: scheduler ${of("ratio").toFixed(3)} (target ≥ 0.33), bare proxy ${of("bareRatio").toFixed(3)}`);
  console.log(
    `CPU a request on the main thread: scheduler ${of("main").toFixed(0)} µs (target ≤ 60), bare proxy ${of("bareMain").toFixed(0)} µs; ` +
      `scheduler with garbage collection and span export ${of("all").toFixed(0)} µs`,
  );
  console.log(`decision records dropped: ${dropped}`);
} finally {
  for (const child of started) child.kill("SIGTERM");
  rmSync(home, { recursive: true, force: true });
}
