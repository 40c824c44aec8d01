/** A signalbox.config.yaml as a simulation sees it: pools with step times, targets, routes. */

import { SLA_CLASSES, type SlaClass } from "@signalbox/otel/conventions";
import { PRICES, type PriceRow } from "@signalbox/otel/prices";
import type { Config, PoolConfig, SlaTargetConfig } from "../config/schema.ts";
import { pricingOf } from "../cost.ts";
import type { SlaTarget } from "../placement/candidate.ts";
import { providerOf } from "../pools/provider.ts";
import { toTarget, variantFor } from "../routing/intent.ts";
import { createRouteTable, type RouteSubject } from "../routing/route-match.ts";
import { DEFAULT_CHUNK_TOKENS } from "./engine.ts";
import type { PoolModel } from "./fleet.ts";
import { type Timings, timingsFromCsv, timingsFromRates } from "./perf-model.ts";
import { DEFAULT_TARGETS, type SlaTargets } from "./sla.ts";
import type { Arrival } from "./trace.ts";

export interface Measurements {
  /** Text of a perf_model.csv; pools whose `hardware` and model it names take their times from it. */
  csv: string;
  tensorParallel: number;
}

export interface PolicyConfig {
  fleet: PoolModel[];
  targets: SlaTargets;
  /** What config makes of a request: its tier and what its route allows. */
  routed(arrival: Arrival, task: string | undefined): Arrival;
}

/** What the scheduler assumes of a pool whose `rates` are not given. */
const UNKNOWN = { fixedMs: 300, prefillTokensPerSecond: 5_000, decodeMsPerToken: 20 };

/** Rules that ask for these do not match: a trace has neither prompts nor who sent them, and its hour is not asked for. */
const NOT_IN_A_TRACE: Omit<RouteSubject, "task" | "sla" | "promptTokens"> = {
  user: undefined,
  key: undefined,
  role: undefined,
  applications: () => [],
  endpoint: undefined,
  agentKind: undefined,
  agentName: undefined,
  agentDepth: undefined,
  promptBytes: undefined,
  now: undefined,
  tools: undefined,
  images: () => undefined,
  lastUserText: () => "",
};

export interface PolicyOptions {
  measurements?: Measurements | undefined;
  /** Of models whose price the config does not give. */
  prices?: readonly PriceRow[];
}

/** A pool is simulated with its most capable model alone. */
export function readPolicy(config: Config, { measurements, prices = PRICES }: PolicyOptions = {}): PolicyConfig {
  const routes = createRouteTable(config.routes);
  return {
    fleet: config.pools.map((pool) => toPoolModel(pool, prices, measurements)),
    targets: Object.fromEntries(SLA_CLASSES.map((name) => [name, targetOf(name, config.sla[name])])) as Record<SlaClass, SlaTarget>,
    routed(arrival, task) {
      const { slaClass: sla, promptTokens } = arrival;
      const known = task === undefined ? undefined : config.tasks[task];
      const { route } = routes.choose({ ...NOT_IN_A_TRACE, task, sla, promptTokens });
      const use = route && variantFor(route, arrival.session ?? "").use;
      const minTier = Math.max(arrival.minTier, known?.min_tier ?? 0, use?.min_tier ?? 0);
      return { ...arrival, minTier, ...(use && { use: { silicon: use.silicon, pools: use.pools, models: use.models } }) };
    },
  };
}

function toPoolModel(pool: PoolConfig, prices: readonly PriceRow[], measurements: Measurements | undefined): PoolModel {
  const model = pool.models.reduce((best, one) => (one.tier > best.tier ? one : best));
  return {
    name: pool.name,
    model: model.id,
    silicon: pool.silicon,
    tier: model.tier,
    slots: pool.slots,
    queueLimit: pool.queue_limit ?? 4 * pool.slots,
    contextTokens: model.context_tokens ?? (pool.engine === "llama-cpp" ? pool.context_tokens : undefined),
    chunkTokens: DEFAULT_CHUNK_TOKENS,
    pricing: pricingOf(pool, model, providerOf(pool), prices),
    ...(pool.prices && { priceChanges: pool.prices }),
    timings: timingsOf(pool, model.id, measurements),
    overheadMs: pool.rates?.fixed_ms ?? (pool.engine === "llama-cpp" ? 0 : UNKNOWN.fixedMs),
  };
}

function timingsOf({ hardware = "", rates, slots }: PoolConfig, model: string, measurements: Measurements | undefined): Timings {
  if (measurements?.csv.includes(`${model},${hardware},`)) {
    return timingsFromCsv(measurements.csv, { model, hardware, tensorParallel: measurements.tensorParallel });
  }
  const decodeMsPerToken = rates?.decode_tokens_per_second ? 1000 / rates.decode_tokens_per_second : UNKNOWN.decodeMsPerToken;
  const prefillTokensPerSecond = rates?.prefill_tokens_per_second ?? UNKNOWN.prefillTokensPerSecond;
  return timingsFromRates({ prefillTokensPerSecond, decodeMsPerToken, decodeMsPerTokenFull: decodeMsPerToken, slots });
}

const targetOf = (name: SlaClass, target: SlaTargetConfig | undefined): SlaTarget =>
  target ? toTarget(name, target) : DEFAULT_TARGETS[name];
