/** What a simulated fleet costs, added up while it runs: prices change with the hour and with how full a pool is. */

import { costNanousd, usdToNanousd } from "@signalbox/otel/prices";
import type { Job } from "./engine.ts";
import type { SimulatedPool } from "./fleet.ts";

export interface FleetCost {
  /** nano-USD: tokens at their price, and the hours in which pools did something. */
  used: number;
  /** The same with every hour of the time in which requests arrived, idle ones too. */
  allocated: number;
  /** Requests on pools whose price nobody knows. */
  unpriced: number;
}

export interface Meter {
  readonly cost: FleetCost;
  /** Lets time pass by `advance`, at the prices as they were before. Milliseconds of the simulation's clock. */
  pass(from: number, to: number, advance: () => void): void;
  /** A call that goes to a pool now. */
  take(job: Job, pool: SimulatedPool, now: number): void;
}

export function createMeter(pools: readonly SimulatedPool[]): Meter {
  const cost: FleetCost = { used: 0, allocated: 0, unpriced: 0 };
  const paidBusyMs = pools.map(() => 0);
  return {
    cost,
    pass(from, to, advance) {
      const prices = pools.map(({ pricing }) => pricing(from));
      advance();
      for (const [index, { engine }] of pools.entries()) {
        const pricing = prices[index];
        if (pricing?.by !== "time") continue;
        const nanousdPerMs = usdToNanousd(pricing.hourlyUsd) / 3_600_000;
        cost.used += nanousdPerMs * (engine.busyMs - (paidBusyMs[index] as number));
        cost.allocated += nanousdPerMs * (to - from);
        paidBusyMs[index] = engine.busyMs;
      }
    },
    take({ promptTokens, outputTokens }, { pricing: pricingAt }, now) {
      const pricing = pricingAt(now);
      if (pricing.by === "time") return;
      const nanousd = pricing.by === "tokens" ? costNanousd(pricing.price, { input: promptTokens, output: outputTokens }) : undefined;
      if (nanousd === undefined) cost.unpriced++;
      cost.used += nanousd ?? 0;
      cost.allocated += nanousd ?? 0;
    },
  };
}
