/** What a call cost, and what it would have cost on the baseline. Integer nano-USD. */

import type { CostSource } from "@signalbox/otel/conventions";
import { costNanousd, findPrice, type TokenPrice, type TokenUsage, usdToNanousd } from "@signalbox/otel/prices";
import type { Config, PoolConfig, PoolModelConfig } from "./config/schema.ts";
import type { Pricing } from "./placement/candidate.ts";

export interface CallCost {
  /** undefined: unknown, which is never shown as 0. */
  nanousd: number | undefined;
  source: CostSource;
}

/** By the config's token price, by busy time where an hourly price is given, else by the published list price. */
export function pricingOf(pool: PoolConfig, model: PoolModelConfig, provider: string): Pricing {
  const configured = configuredPrice(model);
  const byTime: Pricing | undefined = pool.hourly_usd === undefined ? undefined : { by: "time", hourlyUsd: pool.hourly_usd };
  if (pool.cost_by === "time" && byTime) return byTime;
  if (configured) return { by: "tokens", price: configured };
  if (pool.cost_by !== "tokens" && byTime) return byTime;
  const listed = findPrice(model.id, provider);
  return listed ? { by: "tokens", price: listed } : { by: "unknown" };
}

/**
 * @param usage tokens as the engine counted them; undefined where it never said
 * @param busyMs the call's share of its pool's busy time
 * @param estimated the usage is a count of what passed, not the engine's own
 */
export function callCost(pricing: Pricing, usage: TokenUsage | undefined, busyMs: number, estimated: boolean): CallCost {
  if (pricing.by === "time") return { nanousd: Math.round((usdToNanousd(pricing.hourlyUsd) / 3_600_000) * busyMs), source: "measured" };
  if (pricing.by === "unknown" || !usage) return { nanousd: undefined, source: "unknown" };
  return { nanousd: costNanousd(pricing.price, usage), source: estimated ? "estimated" : "priced" };
}

/** The single-vendor counterfactual. */
export interface Baseline {
  model: string;
  price: TokenPrice;
}

/** The baseline model's price: of the named pool in this config, else the published one. Undefined where neither knows it. */
export function baselineOf(config: Config): Baseline | undefined {
  const { baseline } = config;
  if (!baseline) return undefined;
  const models = config.pools.find((pool) => pool.name === baseline.pool)?.models;
  const configured = models?.find((model) => model.id === baseline.model);
  const price = (configured && configuredPrice(configured)) ?? findPrice(baseline.model);
  return price && { model: baseline.model, price };
}

function configuredPrice(model: PoolModelConfig): TokenPrice | undefined {
  const { input_usd_per_mtok: input, output_usd_per_mtok: output } = model;
  if (input === undefined && output === undefined) return undefined;
  return {
    input: input ?? 0,
    output: output ?? 0,
    ...(model.cache_read_usd_per_mtok !== undefined && { cacheRead: model.cache_read_usd_per_mtok }),
    ...(model.cache_write_usd_per_mtok !== undefined && { cacheWrite: model.cache_write_usd_per_mtok }),
    ...(model.cache_write_1h_usd_per_mtok !== undefined && { cacheWrite1h: model.cache_write_1h_usd_per_mtok }),
  };
}
