/** What a simulated fleet cost. */

import { costNanousd, usdToNanousd } from "@signalbox/otel/prices";
import type { PoolModel } from "./fleet.ts";
import type { Outcome } from "./simulate.ts";

export interface FleetCost {
  /** nano-USD: tokens at their price, and the hours in which pools did something. */
  used: number;
  /** The same with every hour of the time in which requests arrived, idle ones too. */
  allocated: number;
  /** Requests on pools whose price nobody knows. */
  unpriced: number;
}

export function costOf(fleet: readonly PoolModel[], { jobs, pools, arrivalsMs }: Outcome): FleetCost {
  const cost: FleetCost = { used: 0, allocated: 0, unpriced: 0 };
  for (const [index, { pricing }] of fleet.entries()) {
    const { busy = 0, calls = 0 } = pools[index] ?? {};
    if (pricing.by === "unknown") cost.unpriced += calls;
    if (pricing.by === "time") {
      const whole = (usdToNanousd(pricing.hourlyUsd) * arrivalsMs) / 3_600_000;
      cost.used += whole * busy;
      cost.allocated += whole * Math.max(1, busy);
    }
    if (pricing.by !== "tokens") continue;
    for (const job of jobs) {
      if (job.pool !== index) continue;
      const nanousd = costNanousd(pricing.price, { input: job.promptTokens, output: job.outputTokens });
      cost.used += nanousd;
      cost.allocated += nanousd;
    }
  }
  return cost;
}
