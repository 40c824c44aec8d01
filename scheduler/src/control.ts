/** The control API's answers. */

import type { Pool } from "./pools/pool.ts";
import { hoursOf } from "./pools/pool-hours.ts";
import type { ProbeResult } from "./pools/probe.ts";
import type { SpeedModel } from "./pools/speed.ts";
import { epochNow } from "./telemetry/record.ts";

/** The body of `GET /control/pools`: state, load and speed of each pool as it is now, and what was found where no config names pools. */
export function describePools(pools: readonly Pool[], found: readonly string[]): object {
  return { data: pools.map(describePool), next: null, found };
}

function describePool(pool: Pool): object {
  const { name, silicon, hardware, engine, hourlyUsd, gate, load, speed, connection, breaker, offers } = pool;
  const { state } = connection;
  const now = epochNow();
  const hours = hoursOf(pool, now);
  return {
    name,
    silicon,
    hardware: hardware ?? null,
    engine,
    state: state.kind === "healthy" && breaker.unavailable ? "unhealthy" : state.kind,
    reason: state.kind === "unhealthy" ? state.reason : (breaker.unavailable ?? null),
    probe: connection.probe?.last ? describeProbe(connection.probe.last) : null,
    breaker: { state: breaker.state, wait_ms: Math.ceil(breaker.waitMs) },
    models: offers.map(({ model, tier, pricing }) => ({ id: model, tier, cost_by: pricing.by })),
    hourly_usd: hourlyUsd ?? null,
    slots: gate.slots,
    active: gate.active,
    queued: gate.queued,
    queue_limit: gate.queueLimit,
    sessions: connection.sessions?.held ?? null,
    pending_prefill_tokens: load ? Math.round(load.pendingPrefillTokens(now)) : null,
    busy_seconds: hours.busyMs / 1000,
    hours: {
      since: new Date(pool.since).toISOString(),
      allocated_seconds: hours.allocatedMs / 1000,
      busy_seconds: hours.busyMs / 1000,
      idle_seconds: hours.idleMs / 1000,
      slots_used: hours.slotsUsed,
      cost_nanousd: hours.cost && {
        allocated: String(hours.cost.allocated),
        used: String(hours.cost.used),
        idle: String(hours.cost.idle),
      },
    },
    speed: {
      rates: speed.measuredAt === undefined ? pool.rates : "measured",
      measured_at: timeOf(speed.measuredAt),
      learned: describeLearned(speed),
      prefill_tokens_per_second: speed.prefillTokensPerSecond / speed.ttftRatio,
      decode_ms_per_token: speed.decodeMsPerToken * speed.tpotRatio,
      decode_ms_per_token_full: speed.decodeMsPerTokenFull * speed.tpotRatio,
      service_ms: speed.serviceMs,
    },
  };
}

/** What real calls have made of the rates; null before the first. */
function describeLearned({ calls, learnedFrom, learnedUntil, restoredFrom }: SpeedModel): object | null {
  if (calls === 0) return null;
  return { calls, since: timeOf(learnedFrom), last_call_at: timeOf(learnedUntil), carried_over_until: timeOf(restoredFrom) };
}

const timeOf = (ms: number | undefined): string | null => (ms === undefined ? null : new Date(ms).toISOString());

/** The last time that the engine was asked whether it answers; `status` is null where it did not. */
const describeProbe = ({ at, ms, status, error }: ProbeResult) => ({
  at: new Date(at).toISOString(),
  ms,
  status: status === 0 ? null : status,
  error: error ?? null,
});
