import { queryOptions } from "@tanstack/react-query";
import { z } from "zod";
import { paths } from "../paths.ts";
import { Count, page, Time } from "./common.ts";
import { fetchJson } from "./fetch-json.ts";

const Range = z
  .object({ value: z.number(), low: z.number(), high: z.number() })
  .meta({ description: "shares, 0 to 1; low to high: 95 in 100 resamples" });
const Percentiles = z.object({ p50: z.number().nullable(), p95: z.number().nullable(), p99: z.number().nullable() });

/** One policy, played. */
export const SimulatedRun = z
  .object({
    requests: Count,
    classes: z.array(
      z.object({
        sla_class: z.string(),
        requests: Count,
        refused: Count,
        attainment: Range,
        ttft_ms: Percentiles,
        tpot_ms: Percentiles,
      }),
    ),
    pools: z.array(z.object({ name: z.string(), calls: Count, busy: z.number().meta({ description: "share of the time, 0 to 1" }) })),
    cost_used_usd: z.number().meta({ description: "tokens at their price, and the hours in which pools did something" }),
    cost_allocated_usd: z.number().meta({ description: "the same with every hour, idle ones too" }),
    unpriced_requests: Count,
  })
  .meta({ id: "SimulatedRun" });
export type SimulatedRun = z.infer<typeof SimulatedRun>;

export const SIMULATION_STATES = ["running", "done", "failed", "cancelled"] as const;
export const Simulation = z
  .object({
    id: z.string(),
    state: z.enum(SIMULATION_STATES),
    hours: z.int(),
    started_at: Time,
    ended_at: Time.nullable(),
    progress: z.number().meta({ description: "0 to 1" }),
    error: z.string().nullable(),
    result: z
      .object({
        decisions: Count.meta({ description: "stored decisions that were played" }),
        past_cost_usd: z.number().meta({ description: "what they really cost, as far as is known" }),
        past_unknown_costs: Count,
        past_sla: z.array(z.object({ sla_class: z.string(), met: Count, of: Count })),
        now: SimulatedRun,
        edited: SimulatedRun,
      })
      .nullable(),
  })
  .meta({ id: "Simulation" });
export type Simulation = z.infer<typeof Simulation>;
export const SimulationPage = page(Simulation);
export const SimulationPolicy = z.object({ policy: z.string().meta({ description: "YAML: the policy in force, without keys" }) });

export const SimulationRequest = z.strictObject({
  hours: z.int().min(1).max(720).meta({ description: "back from now" }),
  policy: z.string().min(1).max(60_000).meta({ description: "YAML, as /api/v1/simulations/policy gives it" }),
});

export const simulationsQuery = () =>
  queryOptions({
    queryKey: ["simulations"],
    queryFn: ({ signal }) => fetchJson(paths.api.simulations(), SimulationPage, signal),
    // asked only while one runs: an idle page asks for nothing
    refetchInterval: ({ state }) => (state.data?.data[0]?.state === "running" ? 500 : false),
  });
export const simulationPolicyQuery = () =>
  queryOptions({
    queryKey: ["simulation-policy"],
    queryFn: ({ signal }) => fetchJson(paths.api.simulationPolicy(), SimulationPolicy, signal),
    // what one edits is not replaced underneath
    staleTime: Number.POSITIVE_INFINITY,
  });
export const postSimulation = (body: z.infer<typeof SimulationRequest>) => fetchJson(paths.api.simulations(), Simulation, undefined, body);
export const postSimulationCancel = (id: string) => fetchJson(paths.api.simulationCancel(id), Simulation, undefined, {});
