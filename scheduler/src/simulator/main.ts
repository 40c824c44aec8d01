/** `signalbox simulate`: what a policy would do to a trace, or to last week's decisions. Exit codes: 0, 2 for a mistake of the caller. */

import { readFileSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { readPrices } from "@signalbox/otel/prices";
import { EVERY_VARIABLE } from "../config/references.ts";
import { ConfigError, loadConfig } from "../config.ts";
import { type Arguments, readArguments, USAGE, UsageError } from "./arguments.ts";
import { attainmentChart } from "./chart.ts";
import { type PastDecision, parseWindow, readDecisions } from "./decisions.ts";
import { type PolicyConfig, readPolicy } from "./from-config.ts";
import { POLICIES } from "./policies.ts";
import { type Progress, showProgress } from "./progress.ts";
import { type Past, pastText, type Run, tableOf, toRun, worstOf } from "./report.ts";
import { simulate } from "./simulate.ts";
import { type Arrival, arrivals, parseTrace } from "./trace.ts";

interface Load {
  name: string;
  /** One list for each rate. */
  plays: { arrival: Arrival; task: string | undefined }[][];
  /** Milliseconds since the epoch at the first; undefined: not the times at which requests came. */
  startsAt: number | undefined;
  past: { decisions: number; summary: Past } | undefined;
}

async function main(args: Arguments): Promise<void> {
  const prices = readPrices(process.env.SIGNALBOX_HOME || path.join(os.homedir(), ".signalbox"));
  const policies = [args.policy, ...(args.against === undefined ? [] : [args.against])].map((file) => ({
    file,
    policy: readPolicy(loadConfig(file, EVERY_VARIABLE), { measurements: measurementsOf(args), prices }),
  }));
  const load = args.trace === undefined ? await loadDecisions(args) : loadTrace(args.trace, args);
  const requests = load.plays.reduce((sum, play) => sum + play.length, 0);
  const progress = showProgress(process.stderr, requests * args.compare.length * policies.length, args.progress);
  const played = policies.map(({ file, policy }) => ({ file, runs: playAll(load, policy, args, progress) }));
  progress.end();

  const [now, other] = played.map(({ runs }) => runs) as [Run[], Run[]?];
  const series = played.flatMap(({ file, runs }) =>
    args.compare.map((name) => ({
      name: other ? `${name}, ${path.basename(file)}` : name,
      points: runs.filter((run) => run.policy === name).map((run) => ({ x: run.rate, y: worstOf(run) })),
    })),
  );
  writeFileSync(args.chart, attainmentChart(`On target, worst class: ${load.name}`, series));
  if (args.json) {
    const against = other && { against: other };
    process.stdout.write(`${JSON.stringify({ load: load.name, past: load.past ?? null, runs: now, ...against, chart: args.chart })}\n`);
    return;
  }
  if (load.past) process.stdout.write(`${pastText(load.past.summary, load.past.decisions)}\n\n`);
  for (const { file, runs } of played) process.stdout.write(`${other ? `  ${file}\n\n` : ""}${tableOf(runs)}\n\n`);
  process.stdout.write(`  In brackets: 95 in 100 resamples of the trace's windows. Chart: ${args.chart}\n`);
}

function playAll(load: Load, { fleet, targets, routed }: PolicyConfig, { compare, seed }: Arguments, progress: Progress): Run[] {
  const { startsAt } = load;
  const byTheHour = fleet.find(({ priceChanges = [] }) => priceChanges.some(({ when }) => when.time));
  if (startsAt === undefined && byTheHour) {
    throw new UsageError(`--rate is not for prices by the hour, as pool ${byTheHour.name} has them: it changes when requests come`);
  }
  return compare.flatMap((name) =>
    load.plays.map((play) => {
      const arrivals = play.map(({ arrival, task }) => routed(arrival, task));
      const outcome = simulate({
        fleet,
        arrivals,
        targets,
        policy: POLICIES[name](),
        seed,
        startsAt: startsAt ?? 0,
        onProgress: progress.at,
      });
      progress.finished(play.length);
      return toRun(name, targets, outcome);
    }),
  );
}

function measurementsOf({ perfModel, tensorParallel }: Arguments) {
  return perfModel === undefined ? undefined : { csv: readFileSync(perfModel, "utf8"), tensorParallel };
}

function loadTrace(file: string, { rates, mix, seed }: Arguments): Load {
  const { rows, startsAt } = parseTrace(readFileSync(file, "utf8"), file);
  const own = (rows.length - 1) / ((rows.at(-1)?.atMs ?? 0) / 1000);
  const plays = (rates.length > 0 ? rates : [own]).map((rate) =>
    arrivals(rows, { rate, loops: 1, mix, seed }).map((arrival) => ({ arrival, task: undefined })),
  );
  return { name: file.replace(/^.*[\\/]/, ""), plays, startsAt: rates.length > 0 ? undefined : startsAt, past: undefined };
}

async function loadDecisions({ fromDecisions = "", rates, most }: Arguments): Promise<Load> {
  if (rates.length > 0) throw new UsageError("--rate is for a trace; decisions are played at the times they came");
  const window = parseWindow(fromDecisions);
  const databaseUrl = process.env.DATABASE_URL;
  if (!databaseUrl) throw new UsageError("DATABASE_URL is not set: it says where the decisions are");
  const decisions = await readDecisions(databaseUrl, { ...window, most });
  if (decisions.length === 0) throw new UsageError(`no decision with tokens in Postgres in the ${fromDecisions.replace("-", " ")}`);
  if (decisions.length === 1)
    throw new UsageError("there is one decision only: costs and rates are of the time between the first and the last");
  return {
    name: `decisions, ${fromDecisions}`,
    plays: [decisions],
    startsAt: (decisions[0]?.epochMs ?? 0) - (decisions[0]?.arrival.atMs ?? 0),
    past: { decisions: decisions.length, summary: whatHappened(decisions) },
  };
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
    const problems = error instanceof ConfigError ? error.problems : [error.message];
    if (process.argv.includes("--json")) {
      process.stdout.write(`${JSON.stringify({ error: { code: "simulate", message: problems.join("; ") } })}\n`);
    } else for (const line of problems) process.stderr.write(`signalbox simulate: ${line}\n`);
    process.exitCode = 2;
  }
}
