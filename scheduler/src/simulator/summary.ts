/** What came out of a simulation, in numbers. */

import { SLA_CLASSES, type SlaClass } from "@signalbox/otel/conventions";
import type { Job } from "./engine.ts";
import { createRandom } from "./random.ts";
import type { Outcome } from "./simulate.ts";
import { attained, type SlaTargets, tpotOf, ttftOf } from "./sla.ts";

export interface Range {
  value: number;
  /** Of 95 in 100 resamples. */
  low: number;
  high: number;
}

export interface Percentiles {
  p50: number;
  p95: number;
  p99: number;
}

export interface ClassSummary {
  slaClass: SlaClass;
  requests: number;
  refused: number;
  /** Share that met its target, 0 to 1; refused ones did not. */
  attainment: Range;
  /** Milliseconds. */
  ttft: Percentiles;
  tpot: Percentiles;
}

export function summarise({ jobs }: Pick<Outcome, "jobs">, targets: SlaTargets): ClassSummary[] {
  return SLA_CLASSES.flatMap((slaClass) => {
    const own = jobs.filter((job) => job.slaClass === slaClass);
    if (own.length === 0) return [];
    const served = own.filter((job) => job.pool >= 0);
    return {
      slaClass,
      requests: own.length,
      refused: own.length - served.length,
      attainment: bootstrap(own, (job) => attained(targets[slaClass], job)),
      ttft: percentiles(served.map(ttftOf)),
      tpot: percentiles(served.filter((job) => job.outputTokens > 1).map(tpotOf)),
    };
  });
}

/** The least share of any class that met its target. */
export const worstAttainment = ({ jobs }: Pick<Outcome, "jobs">, targets: SlaTargets): number =>
  SLA_CLASSES.reduce((worst, slaClass) => {
    const own = jobs.filter((job) => job.slaClass === slaClass);
    return own.length === 0 ? worst : Math.min(worst, own.filter((job) => attained(targets[slaClass], job)).length / own.length);
  }, 1);

const WINDOWS = 50;
const RESAMPLES = 400;

/** Windows of requests that arrived one after the other are drawn with replacement, because misses come in bursts. */
function bootstrap(jobs: readonly Job[], met: (job: Job) => boolean): Range {
  const size = Math.ceil(jobs.length / WINDOWS);
  const windows = Array.from({ length: Math.ceil(jobs.length / size) }, (_, index) => {
    const window = jobs.slice(index * size, (index + 1) * size);
    return { met: window.filter(met).length, all: window.length };
  });
  const share = (drawn: readonly { met: number; all: number }[]) =>
    drawn.reduce((sum, window) => sum + window.met, 0) / drawn.reduce((sum, window) => sum + window.all, 0);
  const random = createRandom(1);
  const draw = () => windows[Math.floor(random() * windows.length)] as (typeof windows)[number];
  const shares = Array.from({ length: RESAMPLES }, () => share(windows.map(draw))).sort((a, b) => a - b);
  return {
    value: share(windows),
    low: shares[Math.floor(RESAMPLES * 0.025)] as number,
    high: shares[Math.floor(RESAMPLES * 0.975)] as number,
  };
}

/** Nearest rank; NaN of nothing. */
export function percentiles(values: readonly number[]): Percentiles {
  const sorted = Float64Array.from(values).sort();
  const at = (share: number) => sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN;
  return { p50: at(0.5), p95: at(0.95), p99: at(0.99) };
}
