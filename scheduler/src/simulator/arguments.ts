/** The simulator's command line. */

import { parseArgs } from "node:util";
import { POLICIES, type PolicyName } from "./policies.ts";

export const USAGE = `Play a trace, or last week's real decisions, through the pools of a signalbox.config.yaml. Nothing is called: engines are modelled.

  --trace <file>            CSV with TIMESTAMP,ContextTokens,GeneratedTokens (Azure's format)
  --from-decisions last-7d  decisions in Postgres instead (DATABASE_URL); also last-24h
  --policy <file>           signalbox.config.yaml: pools, prices, sla, tasks, routes
  --against <file>          another such file: the same requests are played through both
  --most <n>                of decisions the newest n (default: all)
  --rate <n,n,…>            requests a second (default: the trace's own)
  --compare <names>         ${Object.keys(POLICIES).join(", ")}
                            (default: signalbox)
  --interactive <share>     share of requests of that class in a trace (default 0.1)
  --background <share>      likewise (default 0.45); the others are standard
  --perf-model <file>       perf_model.csv of splitwise-sim, for pools whose model and hardware it names
  --tensor-parallel <n>     which of its rows (default 8)
  --seed <n>                which requests are of which class (default 1)
  --chart <file>            write an SVG (default: signalbox-simulation.svg)
  --progress                on stderr, a line each time another percent is done
  --json                    print one JSON object`;

export interface Arguments {
  trace: string | undefined;
  fromDecisions: string | undefined;
  policy: string;
  against: string | undefined;
  /** Infinity: all. */
  most: number;
  rates: number[];
  compare: PolicyName[];
  mix: { interactive: number; background: number };
  perfModel: string | undefined;
  tensorParallel: number;
  seed: number;
  chart: string;
  progress: boolean;
  json: boolean;
}

/** A mistake on the command line or in a file it names: one line, no stack. */
export class UsageError extends Error {}

/** @throws UsageError */
export function readArguments(args: readonly string[]): Arguments {
  const values = parse(args);
  const { trace, "from-decisions": fromDecisions, policy } = values;
  if ((trace === undefined) === (fromDecisions === undefined)) throw new UsageError("say what to play: either --trace or --from-decisions");
  if (policy === undefined) throw new UsageError("say with which pools: --policy signalbox.config.yaml");
  const share = (name: "interactive" | "background") => number(`--${name}`, values[name], 0, 1);
  const mix = { interactive: share("interactive"), background: share("background") };
  if (mix.interactive + mix.background > 1) throw new UsageError("--interactive and --background are together more than 1");
  return {
    trace,
    fromDecisions,
    policy,
    against: values.against,
    most: values.most === undefined ? Infinity : number("--most", values.most, 1, 2 ** 31),
    rates: values.rate?.split(",").map((rate) => number("--rate", rate, 0.001, 100_000)) ?? [],
    compare: values.compare.split(",").map(policyName),
    mix,
    perfModel: values["perf-model"],
    tensorParallel: number("--tensor-parallel", values["tensor-parallel"], 1, 64),
    seed: number("--seed", values.seed, 0, 2 ** 31),
    chart: values.chart,
    progress: values.progress,
    json: values.json,
  };
}

function parse(args: readonly string[]) {
  const text = { type: "string" } as const;
  try {
    return parseArgs({
      args: [...args],
      options: {
        trace: text,
        "from-decisions": text,
        policy: text,
        against: text,
        most: text,
        rate: text,
        compare: { ...text, default: "signalbox" },
        interactive: { ...text, default: "0.1" },
        background: { ...text, default: "0.45" },
        "perf-model": text,
        "tensor-parallel": { ...text, default: "8" },
        seed: { ...text, default: "1" },
        chart: { ...text, default: "signalbox-simulation.svg" },
        progress: { type: "boolean", default: false },
        json: { type: "boolean", default: false },
      },
    }).values;
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}

function number(name: string, text: string, low: number, high: number): number {
  const value = Number(text);
  if (text.trim() === "" || !(value >= low && value <= high))
    throw new UsageError(`${name} is "${text}"; expected a number from ${low} to ${high}`);
  return value;
}

function policyName(name: string): PolicyName {
  if (!Object.hasOwn(POLICIES, name)) throw new UsageError(`--compare names "${name}"; there are: ${Object.keys(POLICIES).join(", ")}`);
  return name as PolicyName;
}
