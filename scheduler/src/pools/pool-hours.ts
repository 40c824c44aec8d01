/**
 * What a pool's hours cost, used and not. Local silicon is paid whether it works or not: what its calls were charged for is the
 * busy part, and the idle part is a cost of its own that belongs to no call.
 */

import { usdToNanousd } from "@signalbox/otel/prices";
import type { Pool } from "./pool.ts";

export interface PoolHours {
  /** Milliseconds since the pool was made: busy and idle together. */
  allocatedMs: number;
  busyMs: number;
  idleMs: number;
  /** Share of its slots that were taken while it was allocated, 0 to 1. */
  slotsUsed: number;
  /** nano-USD; null where the pool is not paid by the hour. `used` and `idle` add up to `allocated`. */
  cost: { allocated: number; used: number; idle: number } | null;
}

/** At the pool's own price: what `prices` changes for a while is in the cost of calls, not here. @param now milliseconds since the epoch */
export function hoursOf(
  { since, clock, gate, hourlyUsd }: Pick<Pool, "since" | "clock" | "hourlyUsd"> & { gate: Pick<Pool["gate"], "slots"> },
  now: number,
): PoolHours {
  const allocatedMs = now - since;
  const busyMs = clock.busyMs(now);
  const costOf = (ms: number) => Math.round((usdToNanousd(hourlyUsd ?? 0) / 3_600_000) * ms);
  const [allocated, used] = [costOf(allocatedMs), costOf(busyMs)];
  return {
    allocatedMs,
    busyMs,
    idleMs: allocatedMs - busyMs,
    slotsUsed: allocatedMs > 0 ? clock.callMs(now) / (allocatedMs * gate.slots) : 0,
    cost: hourlyUsd === undefined ? null : { allocated, used, idle: allocated - used },
  };
}
