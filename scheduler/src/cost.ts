/** What a call cost, and what it would have cost on the baseline. Integer nano-USD. */

import type { CostSource } from "@signalbox/otel/conventions";
import {
  asOfToday,
  costNanousd,
  matchPrice,
  PRICES,
  type PriceList,
  type PriceRow,
  type TokenPrice,
  type TokenUsage,
  usdToNanousd,
} from "@signalbox/otel/prices";
import type { Config, PoolConfig, PoolModelConfig } from "./config/schema.ts";
import type { Pricing } from "./placement/candidate.ts";

export interface CallCost {
  /** undefined: unknown, which is never shown as 0. */
  nanousd: number | undefined;
  source: CostSource;
}

/**
 * By the config's token price, by busy time where an hourly price is given, else by the list: as the collector prices a call that no
 * gateway has.
 * @param now milliseconds since the epoch: prices come and go
 */
export function pricingOf(
  pool: PoolConfig,
  model: PoolModelConfig,
  provider: string,
  list: readonly PriceRow[] = PRICES,
  now = Date.now(),
): Pricing {
  const configured = configuredPrice(model);
  const byTime: Pricing | undefined = pool.hourly_usd === undefined ? undefined : { by: "time", hourlyUsd: pool.hourly_usd };
  if (pool.cost_by === "time" && byTime) return byTime;
  if (configured) return { by: "tokens", price: configured };
  if (pool.cost_by !== "tokens" && byTime) return byTime;
  const listed = matchPrice({ model: model.id, provider, at: now }, list);
  return listed ? { by: "tokens", price: listed.price } : { by: "unknown" };
}

/**
 * @param usage tokens as the engine counted them; undefined where it never said
 * @param busyMs the call's share of its pool's busy time
 * @param estimated the usage is a count of what passed, not the engine's own
 */
export function callCost(pricing: Pricing, usage: TokenUsage | undefined, busyMs: number, estimated: boolean): CallCost {
  if (pricing.by === "time") return { nanousd: Math.round((usdToNanousd(pricing.hourlyUsd) / 3_600_000) * busyMs), source: "measured" };
  if (pricing.by === "unknown" || !usage) return { nanousd: undefined, source: "unknown" };
  const nanousd = costNanousd(pricing.price, usage);
  return { nanousd, source: nanousd === undefined ? "unknown" : estimated ? "estimated" : "priced" };
}

/** The single-vendor counterfactual. */
export interface Baseline {
  model: string;
  /** Of the moment. */
  readonly price: TokenPrice;
}

/** The baseline model's price: of the named pool in this config, else of the list. Undefined where neither knows it. */
export function baselineOf(config: Config, list: PriceList = PUBLISHED): Baseline | undefined {
  const { baseline } = config;
  if (!baseline) return undefined;
  const models = config.pools.find((pool) => pool.name === baseline.pool)?.models;
  const configured = models?.find((model) => model.id === baseline.model);
  const { model } = baseline;
  const own = configured && configuredPrice(configured);
  if (own) return { model, price: own };
  const listed = asOfToday(list, (rows, at) => matchPrice({ model, at }, rows)?.price);
  const first = listed(Date.now());
  return first && new ListedBaseline(model, () => listed(Date.now()) ?? first);
}

/** A class, and no literal with a getter: see the slot gate. */
class ListedBaseline implements Baseline {
  readonly model: string;
  readonly #price: () => TokenPrice;

  constructor(model: string, price: () => TokenPrice) {
    this.model = model;
    this.#price = price;
  }

  get price(): TokenPrice {
    return this.#price();
  }
}

const PUBLISHED: PriceList = { rows: PRICES };

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
