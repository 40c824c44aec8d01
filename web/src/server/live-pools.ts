import { z } from "zod";
import type { LivePool } from "../model/pools.ts";
import { askScheduler, SchedulerRefused, SchedulerUnavailable } from "./scheduler.ts";

const Hours = z.looseObject({
  since: z.string(),
  cost_nanousd: z.looseObject({ allocated: z.string(), used: z.string(), idle: z.string() }).nullable(),
});

const Probe = z.looseObject({ at: z.string(), ms: z.number(), error: z.string().nullable() });

/** What the page shows of `GET /control/pools`. Lenient: a scheduler of another version may leave a field out. */
const number = z.number().nullish().catch(null);
const text = z.string().nullish().catch(null);
const Speed = z.looseObject({
  prefill_tokens_per_second: number,
  decode_ms_per_token: number,
  rates: text,
  measured_at: text,
  learned: z
    .looseObject({ calls: z.int().min(0), since: z.string() })
    .nullish()
    .catch(null),
});
const ControlPools = z.object({
  data: z.array(
    z.looseObject({
      name: z.string(),
      silicon: z.string(),
      hardware: z.string().nullish(),
      engine: z.string(),
      state: z.string(),
      reason: z.string().nullish(),
      models: z.array(z.looseObject({ id: z.string(), tier: z.int().nullish() })).catch([]),
      hourly_usd: number,
      slots: number,
      active: number,
      queued: number,
      queue_limit: number,
      probe: Probe.nullish().catch(null),
      speed: Speed.nullish().catch(null),
      hours: Hours.nullish().catch(null),
    }),
  ),
});
const TIMEOUT_MS = 2_000;

/** The pools as the scheduler has them now. The record is shown without it too: that it is away is part of the answer. */
export async function livePools(): Promise<{ pools: LivePool[]; problem: string | null }> {
  try {
    const { data } = await askScheduler("/control/pools", ControlPools, { timeoutMs: TIMEOUT_MS });
    return { pools: data.map(toLivePool), problem: null };
  } catch (error) {
    if (error instanceof SchedulerUnavailable || error instanceof SchedulerRefused) return { pools: [], problem: error.message };
    throw error;
  }
}

const toLivePool = (pool: z.infer<typeof ControlPools>["data"][number]): LivePool => ({
  name: pool.name,
  silicon: pool.silicon,
  hardware: pool.hardware ?? null,
  engine: pool.engine,
  state: pool.state,
  reason: pool.reason ?? null,
  models: pool.models.map(({ id, tier }) => ({ id, tier: tier ?? null })),
  hourly_usd: pool.hourly_usd ?? null,
  slots: whole(pool.slots),
  active: whole(pool.active),
  queued: whole(pool.queued),
  queue_limit: whole(pool.queue_limit),
  prefill_tokens_per_second: pool.speed?.prefill_tokens_per_second ?? null,
  decode_ms_per_token: pool.speed?.decode_ms_per_token ?? null,
  rates: pool.speed?.rates ?? null,
  measured_at: pool.speed?.measured_at ?? null,
  learned: pool.speed?.learned ? { calls: pool.speed.learned.calls, since: pool.speed.learned.since } : null,
  probe: pool.probe ? { at: pool.probe.at, ms: pool.probe.ms, error: pool.probe.error } : null,
  hours: toHours(pool.hours),
});

function toHours(hours: z.infer<typeof Hours> | null | undefined): LivePool["hours"] {
  if (!hours?.cost_nanousd) return null;
  const { allocated, used, idle } = hours.cost_nanousd;
  return { since: hours.since, allocated_nanousd: allocated, used_nanousd: used, idle_nanousd: idle };
}

/** Infinity does not survive JSON, and a limit may be none: null then. */
const whole = (value: number | null | undefined) => (typeof value === "number" && Number.isSafeInteger(value) && value >= 0 ? value : null);
