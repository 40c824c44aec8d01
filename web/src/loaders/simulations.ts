import { z } from "zod";
import type { SimulatedRun, Simulation, SimulationRequest } from "../api/simulation.ts";
import { InvalidParameter } from "../server/refusal.ts";
import { askScheduler, SchedulerRefused } from "../server/scheduler.ts";

/** What `signalbox simulate --against --json` prints, as far as it is shown. NaN comes as null. */
const number = z.number().nullable();
const Percentiles = z.object({ p50: number, p95: number, p99: number });
const Run = z.object({
  requests: z.int(),
  classes: z.array(
    z.object({
      slaClass: z.string(),
      requests: z.int(),
      refused: z.int(),
      attainment: z.object({ value: z.number(), low: z.number(), high: z.number() }),
      ttft: Percentiles,
      tpot: Percentiles,
    }),
  ),
  pools: z.array(z.object({ name: z.string(), calls: z.int(), busy: number })),
  cost: z.object({ used: z.number(), allocated: z.number(), unpriced: z.int() }),
});
const Result = z.object({
  past: z.object({
    decisions: z.int(),
    summary: z.object({
      slaMet: z.record(z.string(), z.object({ met: z.int(), of: z.int() })),
      costNanousd: z.number(),
      unknownCosts: z.int(),
    }),
  }),
  runs: z.array(Run).min(1),
  against: z.array(Run).min(1),
});
const Job = z.object({
  id: z.string(),
  state: z.enum(["running", "done", "failed", "cancelled"]),
  hours: z.int(),
  started_at: z.string(),
  ended_at: z.string().nullable(),
  progress: z.number(),
  error: z.string().nullable(),
  result: Result.nullable(),
});
const Jobs = z.object({ data: z.array(Job) });
const Policy = z.object({ policy: z.string() });
const BASE = "/control/simulations";

/** The simulation that runs or ran last, if any. */
export async function loadSimulations(): Promise<{ data: Simulation[]; next: null }> {
  const { data } = await askScheduler(BASE, Jobs);
  return { data: data.map(toSimulation), next: null };
}

export const loadSimulationPolicy = (): Promise<{ policy: string }> => askScheduler(`${BASE}/policy`, Policy);

/** Throws InvalidParameter with the lines of the policy that are wrong. */
export async function startSimulation(body: z.infer<typeof SimulationRequest>): Promise<Simulation> {
  try {
    return toSimulation(await askScheduler(BASE, Job, { method: "POST", body }));
  } catch (error) {
    if (error instanceof SchedulerRefused && error.status === 400) throw new InvalidParameter("policy", `is refused: ${error.message}`);
    throw error;
  }
}

export const cancelSimulation = async (id: string): Promise<Simulation> =>
  toSimulation(await askScheduler(`${BASE}/${encodeURIComponent(id)}/cancel`, Job, { method: "POST", body: {} }));

function toSimulation({ result, ...job }: z.infer<typeof Job>): Simulation {
  if (!result) return { ...job, result: null };
  const { decisions, summary } = result.past;
  return {
    ...job,
    result: {
      decisions,
      past_cost_usd: summary.costNanousd / 1e9,
      past_unknown_costs: summary.unknownCosts,
      past_sla: Object.entries(summary.slaMet).map(([sla_class, counts]) => ({ sla_class, ...counts })),
      now: toRun(result.runs[0]),
      edited: toRun(result.against[0]),
    },
  };
}

function toRun(run: z.infer<typeof Run> | undefined): SimulatedRun {
  if (!run) throw new Error("a simulation has a run of each policy");
  return {
    requests: run.requests,
    classes: run.classes.map(({ slaClass, ttft, tpot, ...rest }) => ({ sla_class: slaClass, ...rest, ttft_ms: ttft, tpot_ms: tpot })),
    pools: run.pools.map(({ busy, ...pool }) => ({ ...pool, busy: busy ?? 0 })),
    cost_used_usd: run.cost.used / 1e9,
    cost_allocated_usd: run.cost.allocated / 1e9,
    unpriced_requests: run.cost.unpriced,
  };
}
