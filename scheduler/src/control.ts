/** The control API's answers. */

import type { Pool } from "./pools/pool.ts";

/** The body of `GET /control/pools`: state, load and speed of each pool as it is now, and what was found where no config names pools. */
export function describePools(pools: readonly Pool[], found: readonly string[]): object {
  return { data: pools.map(describePool), next: null, found };
}

function describePool({ name, silicon, hardware, engine, hourlyUsd, gate, speed, clock, connection, breaker, offers }: Pool): object {
  const { state } = connection;
  return {
    name,
    silicon,
    hardware: hardware ?? null,
    engine,
    state: state.kind === "healthy" && breaker.unavailable ? "unhealthy" : state.kind,
    reason: state.kind === "unhealthy" ? state.reason : (breaker.unavailable ?? null),
    breaker: { state: breaker.state, wait_ms: Math.ceil(breaker.waitMs) },
    models: offers.map(({ model, tier, pricing }) => ({ id: model, tier, cost_by: pricing.by })),
    hourly_usd: hourlyUsd ?? null,
    slots: gate.slots,
    active: gate.active,
    queued: gate.queued,
    queue_limit: gate.queueLimit,
    sessions: connection.sessions?.held ?? null,
    busy_seconds: clock.busyMs(performance.timeOrigin + performance.now()) / 1000,
    speed: {
      prefill_tokens_per_second: speed.prefillTokensPerSecond / speed.ttftRatio,
      decode_ms_per_token: speed.decodeMsPerToken * speed.tpotRatio,
      decode_ms_per_token_full: speed.decodeMsPerTokenFull * speed.tpotRatio,
      service_ms: speed.serviceMs,
    },
  };
}
