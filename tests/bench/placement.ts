/**
 * Question: which rate of real conversations does a fleet of 4 GPU pools and 4 CPU pools serve with at least 95 % (99 %) of EVERY class
 * on target, under Signalbox's placement and under the usual ones, and what does a request cost at that rate against a cloud's list price?
 *
 * Command: npm exec -- node tests/bench/placement.ts --trace AzureLLMInferenceTrace_conv.csv --perf-model perf_model.csv
 *          [--hardware a100-80gb|h100-80gb] [--part first|second|all] [--cpu-slower 2,4] [--seeds 3] [--chunk 1024] [--confidence 0.99]
 *          [--gpu-hourly 14.32] [--cpu-hourly 3.08] [--cloud claude-opus-4-6] [--policies a,b] [--json]
 * Data (not carried here): Azure/AzurePublicDataset data/AzureLLMInferenceTrace_conv.csv (CC-BY 4.0, Microsoft) and
 * Mutinifni/splitwise-sim data/perf_model.csv (MIT).
 *
 * Fleet: a GPU pool is llama2-70b on 8 GPUs (tensor parallel 8) as measured in perf_model.csv; a CPU pool takes 2 (4) times as long for
 * everything. 64 slots each, the largest batch measured; queues without end, so nothing is refused; continuous batching with chunked
 * prefill (scheduler/src/simulator/engine.ts). The CPU factor and the prices are assumptions, not measurements: a GPU pool is 8 GPUs at
 * 1.79 USD an hour, a CPU pool 0.215 of that (the ratio of the pools in the example config).
 * Load: the trace's own times pressed together or stretched to the rate, played once. Classes by hash of the request's number: 10 %
 * interactive, what is left halved into standard and background, as nothing is known that would favour either. Targets of the default
 * config: interactive TTFT ≤ 1 s and TPOT ≤ 60 ms, standard ≤ 5 s and ≤ 150 ms, background done within 600 s. TPOT is the mean over a
 * reply. No policy knows a reply's length beforehand, except where its name says so.
 * A rate counts where every class attains, and no more than 1 % of the requests are without a slot when the last one arrives, as
 * otherwise a deadline of ten minutes would hide an overload. Rates are searched on a grid of 4 %; ± is half the range over the seeds
 * of the class hash.
 * Halves: constants are chosen on the first half of the trace, and reported on the second, the default. That a line makes a pool dearer by
 * each call in it was chosen so; the form of the other rules was once chosen on the whole trace.
 * Foresight: a policy that knows every length and tries each pool on a copy of its engine (scheduler/src/simulator/foresight.ts); a minute
 * or more for a simulation, so only where `--policies` names it.
 * Confidence: what the classes ask placement for, the same at both thresholds.
 * Bound: see scheduler/src/simulator/bound.ts. Cost: the whole fleet is paid, idle or not; the cloud always meets its targets.
 */
import fs from "node:fs";
import { parseArgs } from "node:util";
import { costNanousd, findPrice, nanousdToUsd } from "@signalbox/otel/prices";
import { clairvoyantRate } from "../../scheduler/src/simulator/bound.ts";
import type { PoolModel } from "../../scheduler/src/simulator/fleet.ts";
import { slower, type Timings, timingsFromCsv } from "../../scheduler/src/simulator/perf-model.ts";
import { POLICIES, type PolicyName } from "../../scheduler/src/simulator/policies.ts";
import { simulate } from "../../scheduler/src/simulator/simulate.ts";
import { DEFAULT_TARGETS, type SlaTargets } from "../../scheduler/src/simulator/sla.ts";
import { worstAttainment } from "../../scheduler/src/simulator/summary.ts";
import { arrivals, parseTrace, type TraceRow } from "../../scheduler/src/simulator/trace.ts";

const { values } = parseArgs({
  options: {
    trace: { type: "string" },
    "perf-model": { type: "string" },
    hardware: { type: "string", default: "a100-80gb" },
    "cpu-slower": { type: "string", default: "2,4" },
    seeds: { type: "string", default: "3" },
    part: { type: "string", default: "second" },
    chunk: { type: "string", default: "1024" },
    confidence: { type: "string", default: "0.99" },
    "gpu-hourly": { type: "string", default: "14.32" },
    "cpu-hourly": { type: "string", default: "3.08" },
    cloud: { type: "string", default: "claude-opus-4-6" },
    policies: {
      type: "string",
      default: Object.keys(POLICIES)
        .filter((name) => name !== "foresight")
        .join(","),
    },
    json: { type: "boolean", default: false },
  },
});
if (values.trace === undefined || values["perf-model"] === undefined) {
  console.error("placement: --trace and --perf-model name the two files of data; see the head of this file for where they come from");
  process.exit(2);
}
const THRESHOLDS = [0.95, 0.99];
const STEP = 1.04;
const [LOWEST, HIGHEST] = [-35, 90]; // 0.25 to 34 requests a second
const MIX = { interactive: 0.1, background: 0.45 };
const MAX_WAITING = 0.01;

const rows = partOf(parseTrace(fs.readFileSync(values.trace, "utf8"), values.trace), values.part);
const measured = { model: "llama2-70b", hardware: values.hardware, tensorParallel: 8 };
const gpuTimings = timingsFromCsv(fs.readFileSync(values["perf-model"], "utf8"), measured);
const confidence = Number(values.confidence);
const targets = Object.fromEntries(
  Object.entries(DEFAULT_TARGETS).map(([name, target]) => [name, { ...target, confidence }]),
) as unknown as SlaTargets;
const hourly = { gpu: Number(values["gpu-hourly"]), cpu: Number(values["cpu-hourly"]) };
const seeds = Array.from({ length: Number(values.seeds) }, (_, seed) => seed + 1);
const policies = values.policies.split(",") as PolicyName[];

/** Rules and constants are chosen on the first half and reported on the second. */
function partOf(all: readonly TraceRow[], part: string): TraceRow[] {
  const middle = all.length >> 1;
  const kept = part === "first" ? all.slice(0, middle) : part === "second" ? all.slice(middle) : all;
  const from = kept[0]?.atMs ?? 0;
  return kept.map((row) => ({ ...row, atMs: row.atMs - from }));
}

function pool(silicon: "gpu" | "cpu", index: number, timings: Timings): PoolModel {
  return {
    name: `${silicon}-${index}`,
    model: measured.model,
    silicon,
    tier: 0,
    slots: 64,
    queueLimit: Infinity,
    contextTokens: undefined,
    chunkTokens: Number(values.chunk),
    pricing: { by: "time", hourlyUsd: hourly[silicon] },
    timings,
  };
}

function fleetOf(factor: number): PoolModel[] {
  const cpuTimings = slower(gpuTimings, factor);
  const four = [1, 2, 3, 4];
  return [...four.map((index) => pool("gpu", index, gpuTimings)), ...four.map((index) => pool("cpu", index, cpuTimings))];
}

/** The highest rate on the grid with each threshold kept, all below it assumed to keep it too. */
function highestRates(fleet: readonly PoolModel[], policy: PolicyName, seed: number): number[] {
  const seen = new Map<number, number>();
  const attainmentAt = (step: number): number => {
    const known = seen.get(step);
    if (known !== undefined) return known;
    const load = arrivals(rows, { rate: STEP ** step, loops: 1, mix: MIX, seed });
    const outcome = simulate({ fleet, arrivals: load, targets, policy: POLICIES[policy](), seed });
    const sustained = outcome.waitingAtEnd <= MAX_WAITING * load.length;
    const attainment = sustained ? worstAttainment(outcome, targets) : 0;
    seen.set(step, attainment);
    return attainment;
  };
  return THRESHOLDS.map((threshold) => {
    let [low, high] = [LOWEST, HIGHEST];
    while (high - low > 1) {
      const middle = Math.floor((low + high) / 2);
      if (attainmentAt(middle) >= threshold) low = middle;
      else high = middle;
    }
    return low === LOWEST ? 0 : STEP ** low;
  });
}

const mean = (numbers: readonly number[]) => numbers.reduce((sum, value) => sum + value, 0) / numbers.length;
const cloudPrice = findPrice(values.cloud);
if (!cloudPrice) throw new Error(`no list price of ${values.cloud}`);
const cloudUsd = mean(rows.map((row) => nanousdToUsd(costNanousd(cloudPrice, { input: row.promptTokens, output: row.outputTokens }))));

const results: object[] = [];
for (const factor of values["cpu-slower"].split(",").map(Number)) {
  const fleet = fleetOf(factor);
  const bounds = THRESHOLDS.map((threshold) =>
    clairvoyantRate(fleet, arrivals(rows, { rate: 1, loops: 1, mix: MIX, seed: 1 }), targets, threshold),
  );
  const rates = new Map<PolicyName, number[][]>();
  for (const policy of policies) {
    const bySeed = seeds.map((seed) => highestRates(fleet, policy, seed));
    rates.set(
      policy,
      THRESHOLDS.map((_, index) => bySeed.map((found) => found[index] as number)),
    );
    if (process.stderr.isTTY) process.stderr.write(`\r\x1b[2K  CPU ${factor}×: ${policy}`);
  }
  if (process.stderr.isTTY) process.stderr.write("\r\x1b[2K");
  for (const [index, threshold] of THRESHOLDS.entries()) {
    const gpuOnly = mean(rates.get("gpu-only")?.[index] ?? [Number.NaN]);
    console.log(
      `\n${measured.hardware}, CPU ${factor}× slower, every class ≥ ${threshold * 100} %; clairvoyant bound ${bounds[index]?.toFixed(2)}/s`,
    );
    console.log("policy                        requests/s    × gpu-only  of bound   USD/1000   of cloud");
    for (const policy of policies) {
      const found = rates.get(policy)?.[index] ?? [];
      const rate = mean(found);
      const spread = (Math.max(...found) - Math.min(...found)) / 2;
      const usesCpu = !policy.endsWith("gpu-only");
      const usd = (4 * hourly.gpu + (usesCpu ? 4 * hourly.cpu : 0)) / 3600 / rate;
      const result = {
        factor,
        threshold,
        policy,
        rate,
        spread,
        ofGpuOnly: rate / gpuOnly,
        ofBound: rate / (bounds[index] ?? 0),
        usd,
        ofCloud: usd / cloudUsd,
      };
      results.push(result);
      const cell = (value: number, digits = 2) => (Number.isFinite(value) ? value.toFixed(digits) : "–").padStart(10);
      console.log(
        `${policy.padEnd(27)}${cell(rate)} ±${spread.toFixed(2)} ${cell(result.ofGpuOnly)}${cell(result.ofBound)}${cell(usd * 1000, 3)}${cell(result.ofCloud, 3)}`,
      );
    }
  }
}
console.log(`\ncloud: ${values.cloud} at list price, ${(cloudUsd * 1000).toFixed(2)} USD per 1,000 requests`);
if (values.json) console.log(JSON.stringify(results));
