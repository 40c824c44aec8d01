import { setTimeout as sleep } from "node:timers/promises";
import { readSettings, readToken, SetupError, statePaths } from "@signalbox/local";
import { createProvider } from "@signalbox/otel/provider";
import { type Command, InvalidArgumentError } from "commander";
import { countCalls, type Plan, type PlannedTurn, planFleet } from "../demo/plan.ts";
import { type PlayResult, playFleet } from "../demo/player.ts";
import { formatUsd, type PoolTally, sumTallies, tallyByPool } from "../demo/tally.ts";
import { ExitCode } from "../exit-code.ts";
import { defaultModel } from "../models.ts";
import { createReadApi, type ReadApi } from "../read-api.ts";
import { requireRunning } from "../running.ts";
import { onStopSignals } from "../stop-signals.ts";
import { createTerminal, formatDuration, type Terminal } from "../terminal.ts";

const HELP = `
24 agents work for 40 seconds through the running scheduler: heartbeats, polls, summaries, coding, on Telegram, Slack,
WhatsApp, Discord, cron and the command line. One of them runs away and spawns 17 sub-agents in one Telegram thread: stop it on its page in
the dashboard, or with signalbox kill.
The calls are real: they go to the pools of your signalbox.config.yaml, or to two small built-in ones where there is none.

Examples:
  npx signalbox demo
  npx signalbox demo --seconds 120         a longer play
  npx signalbox demo --seed 7              other prompts and times; the same seed gives the same play
  SIGNALBOX_KEY=… npx signalbox demo       where the scheduler's config names keys`;

interface DemoOptions {
  seed: number;
  seconds: number;
  concurrency: number;
  model?: string;
  json?: boolean;
}

export function addDemo(program: Command): void {
  program
    .command("demo")
    .summary("let a small fleet of agents play through it")
    .description("Let a small fleet of agents play through the running scheduler.")
    .option("--seed <n>", "which play", wholeNumber(0, 2 ** 31), 1)
    .option("--seconds <n>", "how long, 3 to 300", wholeNumber(3, 300), 40)
    .option("--concurrency <n>", "model calls at once, 1 to 64", wholeNumber(1, 64), 8)
    .option("--model <id>", "model to ask for (default: auto, else the first that is offered)")
    .option("--json", "print one JSON object at the end")
    .addHelpText("after", HELP)
    .action(async (options: DemoOptions) => {
      process.exitCode = await runDemo(options);
    });
}

/** Turns that have started may end this much later. */
const GRACE_SECONDS = 120;

async function runDemo({ seed, seconds, concurrency, json = false, ...options }: DemoOptions): Promise<number> {
  const { home, token } = readSettings(process.env);
  const { addresses } = requireRunning(home);
  const api = createReadApi(addresses.web, token ?? readToken(statePaths(home)));
  const key = process.env.SIGNALBOX_KEY || undefined;
  const model = options.model ?? (await defaultModel(addresses.scheduler, key));
  const plan = planFleet(seed, seconds);
  const total = countCalls(plan.turns);
  const from = new Date();
  const before = await api.cost(GROUPS, from);

  const terminal = createTerminal(json ? process.stderr : process.stdout);
  const stop = new AbortController();
  onStopSignals((times) => (times === 1 ? stop.abort() : process.exit(ExitCode.interrupted)));
  const provider = createProvider({
    serviceName: "signalbox-demo",
    endpoint: addresses.otlp,
    maxSpans: 16_384,
    ...(key === undefined ? {} : { headers: { authorization: `Bearer ${key}` } }),
  });
  terminal.line(
    `\n  ${terminal.style("bold", "Signalbox demo")}: ${plan.agents} agents, about ${total} model calls, ${seconds} s, seed ${seed}\n`,
  );
  terminal.line(
    `  Watch it at ${terminal.style("cyan", addresses.web)}. One agent will run away: find it under "Needs you", and stop it.\n`,
  );
  const startedAt = performance.now();
  const step = terminal.begin("playing");
  const played = await playFleet(plan, {
    schedulerUrl: addresses.scheduler,
    model,
    ...(key === undefined ? {} : { key }),
    provider,
    concurrency,
    signal: AbortSignal.any([stop.signal, AbortSignal.timeout((seconds + GRACE_SECONDS) * 1000)]),
    onProgress: ({ calls, subAgents }) => step.update(`${calls} of ${total} calls, ${subAgents} sub-agents`),
  });
  const elapsedMs = performance.now() - startedAt;
  step.done(`${played.calls} calls, ${played.turns} turns`);
  await provider.shutdown(5_000);
  const dropped = provider.stats().dropped;

  const recorded = terminal.begin("recording");
  const tallies = await untilRecorded(api, from, before, plan, played);
  recorded.done(`${sumTallies(tallies).calls} calls in the dashboard`);
  const runawayUrl = new URL(`/sessions/${encodeURIComponent(plan.runawaySession)}`, addresses.web).href;
  if (json) process.stdout.write(`${JSON.stringify(summaryObject({ plan, played, tallies, runawayUrl, elapsedMs, dropped }))}\n`);
  else saySummary(terminal, { plan, played, tallies, runawayUrl, elapsedMs, dropped });
  if (stop.signal.aborted) return ExitCode.interrupted;
  if (played.calls === 0 || played.failed === played.calls) {
    throw new SetupError("demo_failed", `No call succeeded: ${played.firstFailure ?? "none was made"}. See npx signalbox doctor.`);
  }
  return ExitCode.ok;
}

const GROUPS = ["session", "pool", "silicon", "model"] as const;
const RECORD_TIMEOUT_MS = 30_000;

/** The scheduler's spans arrive a moment after its answers: wait until every call that succeeded is counted. */
async function untilRecorded(
  api: ReadApi,
  from: Date,
  before: Awaited<ReturnType<ReadApi["cost"]>>,
  plan: Plan,
  played: PlayResult,
): Promise<PoolTally[]> {
  const sessions = new Set(plan.turns.map(({ agent }) => agent.sessionId));
  const deadline = performance.now() + RECORD_TIMEOUT_MS;
  for (;;) {
    const tallies = tallyByPool(before, await api.cost(GROUPS, from), sessions);
    if (sumTallies(tallies).calls >= played.calls - played.failed || performance.now() > deadline) return tallies;
    await sleep(250);
  }
}

interface Summary {
  plan: Plan;
  played: PlayResult;
  tallies: PoolTally[];
  runawayUrl: string;
  elapsedMs: number;
  dropped: number;
}

function summaryObject({ plan, played, tallies, runawayUrl, elapsedMs, dropped }: Summary) {
  const total = sumTallies(tallies);
  return {
    seed: plan.seed,
    elapsed_ms: Math.round(elapsedMs),
    sessions: sessionIds(plan.turns).size,
    sub_agents: played.subAgents,
    turns: played.turns,
    tool_calls: played.tools,
    calls: played.calls,
    failed_calls: played.failed,
    first_failure: played.firstFailure ?? null,
    recorded_calls: total.calls,
    dropped_spans: dropped,
    pools: tallies.map(toObject),
    total: toObject(total),
    runaway_session: plan.runawaySession,
    runaway_url: runawayUrl,
  };
}

function toObject(tally: PoolTally) {
  return {
    pool: tally.pool,
    silicon: tally.silicon,
    model: tally.model,
    calls: tally.calls,
    input_tokens: tally.inputTokens,
    output_tokens: tally.outputTokens,
    cost_nanousd: String(tally.cost),
    unknown_cost_calls: tally.unknownCostCalls,
    comparable_cost_nanousd: String(tally.comparableCost),
    comparable_baseline_nanousd: String(tally.comparableBaseline),
  };
}

const sessionIds = (turns: readonly PlannedTurn[]) => new Set(turns.map(({ agent }) => agent.sessionId));

function saySummary(terminal: Terminal, { plan, played, tallies, runawayUrl, elapsedMs, dropped }: Summary): void {
  const total = sumTallies(tallies);
  const columns = (cells: readonly string[]) =>
    `  ${cells.map((cell, index) => (index < 3 ? cell.padEnd([18, 9, 22][index] ?? 0) : cell.padStart([0, 0, 0, 7, 16, 13, 13][index] ?? 0))).join("")}`;
  const row = (tally: PoolTally, name = tally.pool) => [
    name,
    tally.silicon,
    tally.model,
    String(tally.calls),
    `${tally.inputTokens} / ${tally.outputTokens}`,
    `${tally.unknownCostCalls > 0 ? "≥ " : ""}${formatUsd(tally.cost)}`,
    formatUsd(tally.comparableBaseline),
  ];
  terminal.line();
  terminal.line(terminal.style("dim", columns(["pool", "silicon", "model", "calls", "tokens in / out", "cost", "baseline"])));
  for (const tally of tallies) terminal.line(columns(row(tally)));
  if (tallies.length > 1) terminal.line(terminal.style("bold", columns(row(total, "together"))));
  terminal.line();
  terminal.line(
    `  ${sessionIds(plan.turns).size} sessions, ${played.turns} turns, ${played.calls} calls, ${played.tools} tool calls in ${formatDuration(elapsedMs)}.`,
  );
  if (total.comparableBaseline > 0n) terminal.line(`  ${savingsLine(total)}`);
  if (played.failed > 0)
    terminal.line(
      `  ${terminal.style("yellow", "!")} ${played.failed === 1 ? "1 call" : `${played.failed} calls`} failed, the first: ${played.firstFailure}`,
    );
  if (total.calls < played.calls - played.failed) {
    terminal.line(
      `  ${terminal.style("yellow", "!")} ${played.calls - played.failed - total.calls} calls are not in the dashboard yet: see npx signalbox doctor.`,
    );
  }
  if (dropped > 0)
    terminal.line(`  ${terminal.style("yellow", "!")} ${dropped} spans of the agents were dropped: the collector did not take them.`);
  terminal.line();
  terminal.line(
    played.subAgents > 0
      ? `  The runaway: one agent spawned ${played.subAgents} sub-agents in one Telegram thread. What it did, and what it cost:`
      : `  The runaway spawned nothing. Was it stopped? npx signalbox resume ${plan.runawaySession} lets it go on. What it did before:`,
  );
  terminal.line(`  ${terminal.style(["bold", "cyan"], runawayUrl)}`);
  terminal.line(`  ${terminal.style("dim", "not logged in there yet? npx signalbox url")}\n`);
}

function savingsLine({ comparableCost, comparableBaseline }: PoolTally): string {
  const saved = comparableBaseline - comparableCost;
  const percent = Math.round((Number(saved < 0n ? -saved : saved) / Number(comparableBaseline)) * 100);
  return saved >= 0n
    ? `Saved ${formatUsd(saved)} (${percent} %) against sending every call to the baseline model.`
    : `${formatUsd(-saved)} (${percent} %) more than sending every call to the baseline model.`;
}

function wholeNumber(low: number, high: number) {
  return (text: string): number => {
    const value = Number(text);
    if (!/^\d+$/.test(text) || value < low || value > high) throw new InvalidArgumentError(`a whole number from ${low} to ${high}.`);
    return value;
  };
}
