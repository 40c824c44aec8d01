/** What a pool costs now: its price, times what the first entry of its `prices` that holds says. */

import type { TokenPrice } from "@signalbox/otel/prices";
import type { PriceChangeConfig } from "../config/schema.ts";
import type { Pricing } from "../placement/candidate.ts";
import { createTimeWindow } from "../routing/time-window.ts";

/**
 * @param now milliseconds since the epoch
 * @param utilisation share of the pool's slots that are taken, 0 to 1
 */
export type PriceNow = (now: number, utilisation: number) => Pricing;

export function createPriceNow(pricingAt: (now: number) => Pricing, changes: readonly PriceChangeConfig[]): PriceNow {
  const rules = changes.map(({ when: { time = [], utilisation_above = -1 }, multiply }) => {
    const windows = [time].flat().map(createTimeWindow);
    const holds = (now: number, utilisation: number) =>
      utilisation > utilisation_above && (windows.length === 0 || windows.some((within) => within(now)));
    return { holds, multiply };
  });
  if (rules.length === 0) return pricingAt;
  return (now, utilisation) => {
    const pricing = pricingAt(now);
    const rule = rules.find(({ holds }) => holds(now, utilisation));
    return rule ? multiplied(pricing, rule.multiply) : pricing;
  };
}

function multiplied(pricing: Pricing, factor: number): Pricing {
  if (pricing.by === "time") return { by: "time", hourlyUsd: pricing.hourlyUsd * factor };
  if (pricing.by === "unknown") return pricing;
  const { long, ...price } = pricing.price;
  const scaled = scale(price, factor);
  return { by: "tokens", price: long ? { ...scaled, long: { ...scale(long, factor), above: long.above } } : scaled };
}

function scale(price: Omit<TokenPrice, "long">, factor: number): Omit<TokenPrice, "long"> {
  const { input, output, cacheRead, cacheWrite, cacheWrite1h } = price;
  return {
    input: input * factor,
    output: output * factor,
    ...(cacheRead !== undefined && { cacheRead: cacheRead * factor }),
    ...(cacheWrite !== undefined && { cacheWrite: cacheWrite * factor }),
    ...(cacheWrite1h !== undefined && { cacheWrite1h: cacheWrite1h * factor }),
  };
}
