/**
 * Question: which rate of real conversations does a fleet of 4 GPU pools and 4 CPU pools serve with at least 95 % (99 %) of EVERY class
 * on target, under Signalbox's placement and under the usual ones, and what does a request cost at that rate against a cloud's list price?
 *
 * Command: npm exec -- node tests/bench/placement.ts --trace AzureLLMInferenceTrace_conv.csv --perf-model perf_model.csv
 *          [--hardware a100-80gb|h100-80gb] [--part first|second|all] [--cpu-slower 2,4] [--seeds 9] [--chunk 1024] [--confidence 0.95]
 *          [--gpu-hourly 14.32] [--cpu-hourly 3.08] [--cloud claude-opus-4-6] [--policies a,b] [--moves 0] [--running | --learned] [--json]
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
 * otherwise a deadline of ten minutes would hide an overload. The seeds of the class hash are plays of their own, and counted together: of
 * 99 % one play has nine interactive calls to lose, and would tell of its luck; of three plays neighbouring rates were still kept and lost by
 * turns. Rates are searched on a grid of 2 %.
 * Halves: rules and constants are chosen on the first half of the trace, and reported on the second, the default.
 * Running: a play begins with an empty fleet that knows nothing, at the half's highest load. With `--running` the other half is played
 * before, at the same rate and in the trace's order, and not counted: a fleet that has been up for a while.
 * Learned: as `--running`, but the other half is a play of its own, and what its placement had learned at its end begins with an empty fleet:
 * a gateway that was started again, through the same text that it keeps (scheduler/src/learned/state.ts).
 * Confidence: what the classes ask placement for: the threshold itself, unless `--confidence` names another.
 * Bound: no schedule exceeds it (scheduler/src/simulator/bound.ts), beside it what it leaves for a ratio to GPU only. Found: the highest rate
 * for which a search that knows every arrival and every length found a schedule, on the same engines (scheduler/src/simulator/hindsight.ts);
 * `--moves` per rate, none by default, of the first seed's play alone. What is best lies between the two, and not below what a policy reaches.
 * Cost: the whole fleet is paid, idle or not; the cloud always meets its targets.
 * Time: half an hour of one core for one hardware, all policies and nine seeds; 10 ms more for each move of a search, some six of which are
 * made for each row.
 */
import fs from "node:fs";
import { parseArgs } from "node:util";
import { costNanousd, findPrice, nanousdToUsd } from "@signalbox/otel/prices";
import { lengthsOfText, speedOfText, textOfLengths, textOfSpeed } from "../../scheduler/src/learned/state.ts";
import { clairvoyantRate } from "../../scheduler/src/simulator/bound.ts";
import type { PoolModel } from "../../scheduler/src/simulator/fleet.ts";
import { asFound, searchWithHindsight } from "../../scheduler/src/simulator/hindsight.ts";
import { slower, type Timings, timingsFromCsv } from "../../scheduler/src/simulator/perf-model.ts";
import { POLICIES, type PolicyName } from "../../scheduler/src/simulator/policies.ts";
import { type LearnedFleet, type Outcome, simulate } from "../../scheduler/src/simulator/simulate.ts";
import { DEFAULT_TARGETS, type SlaTargets } from "../../scheduler/src/simulator/sla.ts";
import { worstAttainment } from "../../scheduler/src/simulator/summary.ts";
import { arrivals, parseTrace, type TraceRow } from "../../scheduler/src/simulator/trace.ts";

const { values } = parseArgs({
  options: {
    trace: { type: "string" },
    "perf-model": { type: "string" },
    hardware: { type: "string", default: "a100-80gb" },
    "cpu-slower": { type: "string", default: "2,4" },
    seeds: { type: "string", default: "9" },
    part: { type: "string", default: "second" },
    chunk: { type: "string", default: "1024" },
    confidence: { type: "string" },
    moves: { type: "string", default: "0" },
    "gpu-hourly": { type: "string", default: "14.32" },
    "cpu-hourly": { type: "string", default: "3.08" },
    cloud: { type: "string", default: "claude-opus-4-6" },
    policies: { type: "string", default: Object.keys(POLICIES).join(",") },
    running: { type: "boolean", default: false },
    learned: { type: "boolean", default: false },
    json: { type: "boolean", default: false },
  },
});
if (values.trace === undefined || values["perf-model"] === undefined) {
  console.error("placement: --trace and --perf-model name the two files of data; see the head of this file for where they come from");
  process.exit(2);
}
const THRESHOLDS = [0.95, 0.99];
const STEP = 1.02;
const [LOWEST, HIGHEST] = [-70, 180]; // 0.25 to 35 requests a second
const MIX = { interactive: 0.1, background: 0.45 };
const MAX_WAITING = 0.01;

if (values.running && values.learned) {
  console.error("placement: --running and --learned begin differently: take one of them");
  process.exit(2);
}
if ((values.running || values.learned) && (values.part !== "second" || values.moves !== "0")) {
  console.error("placement: --running and --learned play the first half before --part second, and no search with --moves does");
  process.exit(2);
}
const whole = parseTrace(fs.readFileSync(values.trace, "utf8"), values.trace).rows;
const rows = partOf(whole, values.part);
const played = values.running ? whole : rows;
const before = partOf(whole, "first");
const measured = { model: "llama2-70b", hardware: values.hardware, tensorParallel: 8 };
const gpuTimings = timingsFromCsv(fs.readFileSync(values["perf-model"], "utf8"), measured);
const targetsAt = (threshold: number): SlaTargets => {
  const confidence = Number(values.confidence ?? threshold);
  const entries = Object.entries(DEFAULT_TARGETS).map(([name, target]) => [name, { ...target, confidence }]);
  return Object.fromEntries(entries) as unknown as SlaTargets;
};
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

const requestsPerMs = (trace: readonly TraceRow[]) => (trace.length - 1) / ((trace.at(-1)?.atMs ?? 0) - (trace[0]?.atMs ?? 0));
/** @param step the rate of what is counted */
const loadAt = (step: number, seed: number, trace = rows) =>
  arrivals(trace, { rate: (STEP ** step * requestsPerMs(trace)) / requestsPerMs(rows), loops: 1, mix: MIX, seed });
/** Those that are counted. */
const jobsOf = ({ jobs }: Outcome) => jobs.slice(played.length - rows.length);

/** The least share of any class on target, of all plays together; 0 where calls pile up in one. */
function attainmentOf(plays: readonly Outcome[], targets: SlaTargets): number {
  if (plays.some(({ waitingAtEnd }) => waitingAtEnd > MAX_WAITING * rows.length)) return 0;
  return worstAttainment({ jobs: plays.flatMap(jobsOf) }, targets);
}

/** What is read again of what was kept. */
const startedAgain = ({ pools, outputLengths }: LearnedFleet): LearnedFleet => ({
  pools: pools.map((learned) => speedOfText(textOfSpeed(learned))),
  outputLengths: lengthsOfText(textOfLengths(outputLengths)),
});

/** The last step of the grid with the threshold kept, all below it assumed to keep it too; LOWEST: none. */
function highestStep(fleet: readonly PoolModel[], policy: PolicyName, threshold: number): number {
  const targets = targetsAt(threshold);
  const playOf = (trace: TraceRow[], step: number, seed: number, learned?: LearnedFleet) =>
    simulate({ fleet, arrivals: loadAt(step, seed, trace), targets, policy: POLICIES[policy](), seed, ...(learned && { learned }) });
  // No other policy asks for what was learned.
  const learns = values.learned && policy.startsWith("signalbox");
  const play = (step: number) => (seed: number) =>
    playOf(played, step, seed, learns ? startedAgain(playOf(before, step, seed).learned) : undefined);
  let [low, high] = [LOWEST, HIGHEST];
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (attainmentOf(seeds.map(play(middle)), targets) >= threshold) low = middle;
    else high = middle;
  }
  return low;
}

/** From the last step that a policy reached upwards, as far as a schedule is found. */
function highestFound(fleet: readonly PoolModel[], from: number, seed: number, threshold: number): number {
  const targets = targetsAt(threshold);
  for (let step = from; ; step++) {
    const load = loadAt(step + 1, seed);
    const start = simulate({ fleet, arrivals: load, targets, policy: POLICIES["signalbox-knowing-lengths"](), seed });
    const search = { fleet, arrivals: load, targets, attainment: threshold, moves: Number(values.moves), seed };
    const pools = searchWithHindsight(
      search,
      start.jobs.map((job) => job.pool),
    );
    const found = simulate({ fleet, arrivals: load, targets, policy: asFound(pools), seed });
    if (attainmentOf([found], targets) < threshold) return step;
  }
}

const rateAt = (step: number) => (step === LOWEST ? 0 : STEP ** step);
const mean = (numbers: readonly number[]) => numbers.reduce((sum, value) => sum + value, 0) / numbers.length;
const cloudPrice = findPrice(values.cloud);
if (!cloudPrice) throw new Error(`no list price of ${values.cloud}`);
const cloudUsd = mean(
  rows.map((row) => nanousdToUsd(costNanousd(cloudPrice, { input: row.promptTokens, output: row.outputTokens }) ?? Number.NaN)),
);

const results: object[] = [];
for (const factor of values["cpu-slower"].split(",").map(Number)) {
  const fleet = fleetOf(factor);
  const bounds = THRESHOLDS.map((threshold) => clairvoyantRate(fleet, loadAt(0, 1), DEFAULT_TARGETS, threshold));
  const steps = new Map<PolicyName, number[]>();
  for (const policy of policies) {
    const reached = (threshold: number) => highestStep(fleet, policy, threshold);
    steps.set(policy, THRESHOLDS.map(reached));
    if (process.stderr.isTTY) process.stderr.write(`\r\x1b[2K  CPU ${factor}×: ${policy}`);
  }
  if (process.stderr.isTTY) process.stderr.write("\r\x1b[2K");
  for (const [index, threshold] of THRESHOLDS.entries()) {
    const stepOf = (policy: PolicyName) => steps.get(policy)?.[index] ?? LOWEST;
    const gpuOnly = rateAt(stepOf("gpu-only"));
    const bound = bounds[index] ?? Number.NaN;
    const best = Math.max(...policies.map(stepOf));
    const found = values.moves === "0" ? Number.NaN : rateAt(highestFound(fleet, best, seeds[0] as number, threshold));
    console.log(
      `\n${measured.hardware}, CPU ${factor}× slower, every class ≥ ${threshold * 100} %; bound ${bound.toFixed(2)}/s, ${(bound / gpuOnly).toFixed(2)} × gpu-only; found with hindsight: ${Number.isNaN(found) ? "not searched" : `${found.toFixed(2)}/s`}`,
    );
    console.log("policy                     requests/s × gpu-only  of bound  of found  USD/1000  of cloud");
    for (const policy of policies) {
      const rate = rateAt(stepOf(policy));
      const usesCpu = !policy.endsWith("gpu-only");
      const usd = (4 * hourly.gpu + (usesCpu ? 4 * hourly.cpu : 0)) / 3600 / rate;
      const result = {
        factor,
        threshold,
        policy,
        rate,
        ofGpuOnly: rate / gpuOnly,
        bound,
        ofBound: rate / bound,
        ofFound: rate / found,
        usd,
        ofCloud: usd / cloudUsd,
      };
      results.push(result);
      const cell = (value: number, digits = 2) => (Number.isFinite(value) ? value.toFixed(digits) : "–").padStart(10);
      console.log(
        `${policy.padEnd(27)}${cell(rate)}${cell(result.ofGpuOnly)}${cell(result.ofBound)}${cell(result.ofFound)}${cell(usd * 1000, 3)}${cell(result.ofCloud, 3)}`,
      );
    }
  }
}
console.log(`\ncloud: ${values.cloud} at list price, ${(cloudUsd * 1000).toFixed(2)} USD per 1,000 requests`);
if (values.json) console.log(JSON.stringify(results));
