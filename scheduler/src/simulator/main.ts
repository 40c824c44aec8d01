/** `signalbox simulate`: what a policy would do to a trace, or to last week's decisions. Exit codes: 0, 2 for a mistake of the caller. */

import { readFileSync, writeFileSync } from "node:fs";
import { ConfigError, loadConfig } from "../config.ts";
import { type Arguments, readArguments, USAGE, UsageError } from "./arguments.ts";
import { attainmentChart } from "./chart.ts";
import { type PastDecision, parseWindow, readDecisions } from "./decisions.ts";
import { type PolicyConfig, readPolicy } from "./from-config.ts";
import { POLICIES } from "./policies.ts";
import { showProgress } from "./progress.ts";
import { type Past, pastText, type Run, tableOf, toRun, worstOf } from "./report.ts";
import { simulate } from "./simulate.ts";
import { type Arrival, arrivals, parseTrace } from "./trace.ts";

interface Load {
  name: string;
  /** One list for each rate. */
  plays: Arrival[][];
  past: { decisions: number; summary: Past } | undefined;
}

async function main(args: Arguments): Promise<void> {
  // No pool is called, so no key need be there.
  const policy = readPolicy(loadConfig(args.policy, EVERY_VARIABLE), measurementsOf(args));
  const load = args.trace === undefined ? await loadDecisions(args, policy) : loadTrace(args.trace, args, policy);
  const runs: Run[] = [];
  const progress = showProgress(process.stderr, load.plays.reduce((sum, play) => sum + play.length, 0) * args.compare.length);
  for (const name of args.compare) {
    for (const play of load.plays) {
      const { fleet, targets } = policy;
      const outcome = simulate({ fleet, arrivals: play, targets, policy: POLICIES[name](), seed: args.seed, onProgress: progress.at });
      progress.finished(play.length);
      runs.push(toRun(name, fleet, targets, outcome));
    }
  }
  progress.end();

  const series = args.compare.map((name) => ({
    name,
    points: runs.filter((run) => run.policy === name).map((run) => ({ x: run.rate, y: worstOf(run) })),
  }));
  writeFileSync(args.chart, attainmentChart(`On target, worst class: ${load.name}`, series));
  if (args.json) {
    process.stdout.write(`${JSON.stringify({ load: load.name, past: load.past ?? null, runs, chart: args.chart })}\n`);
    return;
  }
  if (load.past) process.stdout.write(`${pastText(load.past.summary, load.past.decisions)}\n\n`);
  process.stdout.write(`${tableOf(runs)}\n\n  In brackets: 95 in 100 resamples of the trace's windows. Chart: ${args.chart}\n`);
}

const EVERY_VARIABLE = new Proxy<Record<string, string>>({}, { get: () => "not used", has: () => true });

function measurementsOf({ perfModel, tensorParallel }: Arguments) {
  return perfModel === undefined ? undefined : { csv: readFileSync(perfModel, "utf8"), tensorParallel };
}

function loadTrace(file: string, { rates, mix, seed }: Arguments, { routed }: PolicyConfig): Load {
  const rows = parseTrace(readFileSync(file, "utf8"), file);
  const own = (rows.length - 1) / ((rows.at(-1)?.atMs ?? 0) / 1000);
  const plays = (rates.length > 0 ? rates : [own]).map((rate) =>
    arrivals(rows, { rate, loops: 1, mix, seed }).map((arrival) => routed(arrival, undefined)),
  );
  return { name: file.replace(/^.*[\\/]/, ""), plays, past: undefined };
}

async function loadDecisions({ fromDecisions = "", rates }: Arguments, { routed }: PolicyConfig): Promise<Load> {
  if (rates.length > 0) throw new UsageError("--rate is for a trace; decisions are played at the times they came");
  const window = parseWindow(fromDecisions);
  const databaseUrl = process.env.DATABASE_URL;
  if (!databaseUrl) throw new UsageError("DATABASE_URL is not set: it says where the decisions are");
  const decisions = await readDecisions(databaseUrl, window);
  if (decisions.length === 0) throw new UsageError(`no decision with tokens in Postgres in the ${fromDecisions.replace("-", " ")}`);
  const play = decisions.map(({ arrival, task }) => routed(arrival, task));
  return { name: `decisions, ${fromDecisions}`, plays: [play], past: { decisions: decisions.length, summary: whatHappened(decisions) } };
}

function whatHappened(decisions: readonly PastDecision[]): Past {
  const past: Past = { slaMet: {}, costNanousd: 0, unknownCosts: 0 };
  for (const { arrival, costNanousd, slaMet } of decisions) {
    if (costNanousd === undefined) past.unknownCosts++;
    else past.costNanousd += costNanousd;
    if (slaMet === undefined) continue;
    const { met, of } = past.slaMet[arrival.slaClass] ?? { met: 0, of: 0 };
    past.slaMet[arrival.slaClass] = { met: met + (slaMet ? 1 : 0), of: of + 1 };
  }
  return past;
}

const args = process.argv.slice(2);
if (args.includes("--help")) process.stdout.write(`${USAGE}\n`);
else {
  try {
    await main(readArguments(args));
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    // A file that is not there, a wrong line in one, a wrong argument: the caller can put it right, and needs no stack.
    for (const line of error instanceof ConfigError ? error.problems : [error.message]) process.stderr.write(`simulate: ${line}\n`);
    process.exitCode = 2;
  }
}
