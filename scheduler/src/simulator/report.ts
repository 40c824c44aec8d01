/** A run of the simulator as a human reads it, and as a program does. */

import type { SlaClass } from "@signalbox/otel/conventions";
import { nanousdToUsd } from "@signalbox/otel/prices";
import type { FleetCost } from "./cost.ts";
import type { PolicyName } from "./policies.ts";
import type { Outcome, PoolUse } from "./simulate.ts";
import type { SlaTargets } from "./sla.ts";
import { type ClassSummary, type Range, summarise } from "./summary.ts";

export interface Run {
  policy: PolicyName;
  /** Requests a second. */
  rate: number;
  classes: ClassSummary[];
  pools: PoolUse[];
  cost: FleetCost;
  requests: number;
  waitingAtEnd: number;
}

export const toRun = (policy: PolicyName, targets: SlaTargets, outcome: Outcome): Run => ({
  policy,
  rate: outcome.arrivalsMs > 0 ? ((outcome.jobs.length - 1) / outcome.arrivalsMs) * 1000 : Number.NaN,
  classes: summarise(outcome, targets),
  pools: outcome.pools,
  cost: outcome.cost,
  requests: outcome.jobs.length,
  waitingAtEnd: outcome.waitingAtEnd,
});

/** The class that fares worst. */
export const worstOf = ({ classes }: Run): Range =>
  classes.reduce<Range>((worst, { attainment }) => (attainment.value < worst.value ? attainment : worst), { value: 1, low: 1, high: 1 });

const HEADER = ["policy", "req/s", "class", "on target", "TTFT p50/p95/p99 ms", "TPOT p50/p95/p99 ms", "refused"];

export function tableOf(runs: readonly Run[]): string {
  const lines = [HEADER];
  for (const run of runs) {
    for (const [index, { slaClass, attainment, ttft, tpot, refused }] of run.classes.entries()) {
      const [name, rate] = index === 0 ? [run.policy, run.rate.toPrecision(3)] : ["", ""];
      const milliseconds = ({ p50, p95, p99 }: typeof ttft) => [p50, p95, p99].map((value) => Math.round(value)).join(" / ");
      lines.push([name, rate, slaClass, rangeText(attainment), milliseconds(ttft), milliseconds(tpot), String(refused)]);
    }
  }
  const widths = HEADER.map((_, column) => Math.max(...lines.map((line) => (line[column] ?? "").length)));
  const table = lines.map((line) => `  ${line.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join("  ")}`.trimEnd());
  return [...table, "", ...runs.flatMap(usesOf)].join("\n");
}

/** Cost, and how busy each pool was. */
function usesOf({ policy, rate, cost, pools, requests }: Run): string[] {
  const per1000 = (nanousd: number) => ((nanousdToUsd(nanousd) * 1000) / requests).toFixed(3);
  const unknown = cost.unpriced > 0 ? `, ${cost.unpriced} requests on pools of unknown price` : "";
  const busy = pools.map(({ name, busy, calls }) => `${name} ${Math.round(busy * 100)} % (${calls})`).join(", ");
  return [
    `  ${policy} at ${rate.toPrecision(3)}/s: USD ${per1000(cost.used)} per 1,000 requests used, ${per1000(cost.allocated)} with idle time${unknown}`,
    `    busy (requests): ${busy}`,
  ];
}

/** `97.1 % (96.2 – 98.0)` */
const rangeText = ({ value, low, high }: Range) => `${percent(value)} % (${percent(low)} – ${percent(high)})`;
const percent = (share: number) => (share * 100).toFixed(1);

export interface Past {
  slaMet: Partial<Record<SlaClass, { met: number; of: number }>>;
  costNanousd: number;
  unknownCosts: number;
}

export function pastText({ slaMet, costNanousd, unknownCosts }: Past, decisions: number): string {
  const classes = Object.entries(slaMet).map(([name, { met, of }]) => `${name} ${percent(met / of)} % of ${of}`);
  const unknown = unknownCosts > 0 ? `, and ${unknownCosts} of unknown cost` : "";
  return `  What happened: ${decisions} decisions, on target: ${classes.join(", ") || "not recorded"}; cost USD ${nanousdToUsd(costNanousd).toFixed(4)}${unknown}`;
}
