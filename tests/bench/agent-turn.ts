/**
 * Question: how much longer does a turn of Codex or Claude Code take when it is watched, where in it, and what of the watching takes it?
 *
 * Each way is a machine of its own with the real agent, registered (observed only) or not. All ways run one turn, a prompt, one command and
 * an answer by a model that answers at once, in rounds, each round in another order, beside an install of `signalbox up`. Told are medians of the differences between a round's turn and its turn alone, and where they lie with 95 %.
 *
 * Within noise, said before it is measured: that interval holds 0, or the median lies within the interval of "alone again", whose machine
 * differs from "alone" in nothing.
 *
 *   start   from the process's start until it says that its turn begins
 *   turn    from there until it says that its turn is complete
 *   answer  the turn's end: from the model's last request until the turn is complete
 *   exit    from there until the process is gone
 *
 * Command: npm exec -- node tests/bench/agent-turn.ts codex|claude-code [rounds, default 24] [way or NAME=value,… on top of "watched", default all ways]
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { registerClaudeCode } from "@signalbox/claude-code/register";
import { registerCodex } from "@signalbox/codex/register";
import type { AgentMachine } from "../agents/agent-process.ts";
import { ensureCli } from "../agents/capture/install.ts";
import { MODEL as CLAUDE_MODEL, claudeMachine } from "../agents/claude-code/cli.ts";
import { codexMachine } from "../agents/codex/cli.ts";
import { inMilliseconds, median, pairedDifference } from "../agents/paired.ts";
import type { Endpoints } from "../agents/unharmed.ts";
import { freePort } from "../support/free-port.ts";
import { startAnthropicProvider } from "../support/provider-anthropic.ts";
import type { RichScript } from "../support/provider-anthropic-or-responses.ts";
import { startResponsesProvider } from "../support/provider-responses.ts";

/** What a collector still does with a turn must not fall into the next one. */
const PAUSE_MS = 150;
const ROOT = join(import.meta.dirname, "../..");
const PARTS = ["start", "turn", "answer", "exit"] as const;
type Turn = Record<(typeof PARTS)[number], number>;

interface Way {
  machine: AgentMachine;
  args: string[];
}

interface Bench {
  args: string[];
  begins: string;
  completes: string;
  /** The machine of a way; of none of these names: watched, with these variables besides. */
  make(way: string, endpoints: Endpoints): Promise<Way>;
  ways: string[];
  bin: string;
}

const [agent = "", rounds = "24", ...named] = process.argv.slice(2);

/** A whole install on ports of its own, its one pool at the provider. */
async function startInstall(providerUrl: string): Promise<Endpoints & { stop(): Promise<void> }> {
  const home = mkdtempSync(join(tmpdir(), "signalbox-agent-turn-"));
  const config = join(home, "signalbox.config.yaml");
  writeFileSync(
    config,
    `pools: [{ name: scripted, silicon: cloud, engine: openai-compatible, base_url: "${providerUrl}/v1", models: [{ id: scripted, tier: 2 }], slots: 8 }]\n`,
  );
  const names = ["OTLP", "OTLP_GRPC", "SCHEDULER", "WEB", "POSTGRES"] as const;
  const ports = Object.fromEntries(await Promise.all(names.map(async (name) => [`SIGNALBOX_${name}_PORT`, String(await freePort())])));
  const up = spawn(process.execPath, [join(ROOT, "plugins/cli/bin/signalbox.mjs"), "up", "--json"], {
    env: { ...process.env, ...ports, HOME: home, SIGNALBOX_HOME: join(home, ".signalbox"), SIGNALBOX_CONFIG: config },
    cwd: home,
    stdio: ["ignore", "pipe", "inherit"],
  });
  const exited = once(up, "exit");
  await Promise.race([once(up.stdout, "data"), exited.then(([code]) => Promise.reject(new Error(`signalbox up ended with ${code}`)))]);
  return {
    schedulerUrl: `http://127.0.0.1:${ports.SIGNALBOX_SCHEDULER_PORT}`,
    otlpEndpoint: `http://127.0.0.1:${ports.SIGNALBOX_OTLP_PORT}`,
    async stop() {
      up.kill("SIGINT");
      await exited;
      rmSync(home, { recursive: true, force: true });
    },
  };
}

let asked = 0;
const script: RichScript = ({ rawBody }) => {
  asked = performance.now();
  if (/"function_call_output"|"tool_result"/.test(rawBody)) return { text: "Done as ever." };
  const [name, argument] = agent === "codex" ? ["exec_command", "cmd"] : ["Bash", "command"];
  return { toolCalls: [{ name, arguments: { [argument]: "echo hi" } }] };
};
const provider = await (agent === "codex" ? startResponsesProvider : startAnthropicProvider)({ script });
const bench = await (agent === "codex" ? codexBench : claudeBench)(provider.url);
const { stop, ...endpoints } = await startInstall(provider.url);

const names = named.length === 0 ? bench.ways : ["alone", "alone again", ...named];
const ways = await Promise.all(names.map(async (name) => ({ name, ...(await bench.make(name, endpoints)), turns: [] as Turn[] })));
const run = async ({ machine, args }: Way): Promise<Turn> => {
  const from = performance.now();
  const child = spawn(bench.bin, [...bench.args, ...args], {
    cwd: machine.project,
    env: machine.env as unknown as NodeJS.ProcessEnv,
    stdio: ["ignore", "pipe", "pipe"],
  });
  const marks = new Map<string, number>();
  let said = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.on("data", (chunk: Buffer) => {
      said += chunk;
      for (const mark of [bench.begins, bench.completes]) if (!marks.has(mark) && said.includes(mark)) marks.set(mark, performance.now());
    });
  }
  const [code] = await once(child, "close");
  const end = performance.now();
  const [begun, complete] = [marks.get(bench.begins), marks.get(bench.completes)];
  if (code !== 0 || begun === undefined || complete === undefined) throw new Error(`it ended with ${code}: ${said.slice(-2_000)}`);
  return { start: begun - from, turn: complete - begun, answer: complete - asked, exit: end - complete };
};
try {
  for (const way of [...ways, ...ways]) await run(way);
  for (let round = 0; round < Number(rounds); round++) {
    for (const way of shuffled(ways)) {
      way.turns.push(await run(way));
      await sleep(PAUSE_MS);
    }
  }
} finally {
  for (const { machine } of ways) machine.remove();
  await stop();
  await provider.close();
}

const [alone, ...others] = ways as [(typeof ways)[number], ...typeof ways];
console.log(`| ${agent}, ${rounds} rounds | ${PARTS.join(" | ")} |\n|---|${"---|".repeat(PARTS.length)}`);
const row = (name: string, cell: (part: keyof Turn) => string) => console.log(`| ${name} | ${PARTS.map(cell).join(" | ")} |`);
row("alone, ms", (part) => median(alone.turns.map((turn) => turn[part])).toFixed(0));
const seconds = (turns: Turn[], part: keyof Turn) => turns.map((turn) => turn[part] / 1000);
for (const { name, turns } of others)
  row(name, (part) => inMilliseconds(pairedDifference(seconds(turns, part), seconds(alone.turns, part))));

async function codexBench(providerUrl: string): Promise<Bench> {
  const cli = await ensureCli("codex", "@openai/codex", "0.169.0");
  return {
    bin: cli.bin,
    args: ["exec", "--json", "--skip-git-repo-check", "please"],
    begins: '"turn.started"',
    completes: '"turn.completed"',
    ways: ["alone", "alone again", "watched", "without our variables", "spans alone", "logs alone"],
    async make(way, endpoints) {
      const machine = codexMachine(providerUrl);
      if (way.startsWith("alone")) return { machine, args: [] };
      await registerCodex({ home: machine.home, stateDir: join(machine.home, "signalbox"), ...endpoints, observeOnly: true });
      const variables = join(machine.home, ".codex", ".env");
      if (way === "without our variables") rmSync(variables);
      if (way.includes("=")) appendFileSync(variables, `${way.replaceAll(",", "\n")}\n`);
      const without = { "spans alone": "exporter", "logs alone": "trace_exporter" }[way];
      return { machine, args: without === undefined ? [] : ["-c", `otel.${without}="none"`] };
    },
  };
}

async function claudeBench(providerUrl: string): Promise<Bench> {
  const cli = await ensureCli("claude", "@anthropic-ai/claude-code", "2.1.329");
  return {
    bin: cli.bin,
    args: ["-p", "please", "--output-format", "stream-json", "--verbose", "--model", CLAUDE_MODEL, "--allowedTools", "Bash"],
    begins: '"subtype":"init"',
    completes: '"type":"result"',
    ways: ["alone", "alone again", "watched", "without hooks"],
    async make(way, endpoints) {
      const machine = claudeMachine(providerUrl);
      if (way.startsWith("alone")) return { machine, args: [] };
      const trustHooks = async () => way !== "without hooks";
      await registerClaudeCode({
        home: machine.home,
        stateDir: join(machine.home, "signalbox"),
        ...endpoints,
        observeOnly: true,
        trustHooks,
      });
      if (way.includes("=")) {
        const settings = JSON.parse(readFileSync(machine.settingsPath, "utf8")) as { env: object };
        Object.assign(settings.env, Object.fromEntries(way.split(",").map((pair) => pair.split("=", 2))));
        writeFileSync(machine.settingsPath, JSON.stringify(settings));
      }
      return { machine, args: [] };
    },
  };
}

function shuffled<T>(values: readonly T[]): T[] {
  return values
    .map((value) => ({ value, order: Math.random() }))
    .toSorted((a, b) => a.order - b.order)
    .map(({ value }) => value);
}
