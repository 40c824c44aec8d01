import { queryOptions } from "@tanstack/react-query";
import { z } from "zod";
import { paths } from "../paths.ts";
import { ComparableCost, CostFields, Count, NullableText, page, Silicon, Time } from "./common.ts";
import { fetchJson } from "./fetch-json.ts";

/** What a pool that is paid by the hour has cost: used and idle add up to what was paid. */
export const PoolHours = z
  .object({
    since: Time.meta({ description: "when the scheduler started, or the pool's part of the config last changed" }),
    allocated_nanousd: z.string(),
    used_nanousd: z.string(),
    idle_nanousd: z.string(),
  })
  .meta({ id: "PoolHours" });

/** The last time that the pool's engine was asked whether it answers. */
export const PoolProbe = z
  .object({
    at: Time,
    ms: z.number().meta({ description: "how long it took" }),
    error: NullableText.meta({ description: "null: it answered" }),
  })
  .meta({ id: "PoolProbe" });

/** What placement has learned of a pool from the calls that it served. */
export const PoolLearned = z
  .object({ calls: Count, since: Time })
  .meta({ id: "PoolLearned", description: "of how many calls what is expected of it was corrected, and since when" });

/** A pool as the scheduler has it at this moment. */
export const PoolNow = z
  .object({
    engine: z.string(),
    state: z.string().meta({ description: "healthy, unhealthy, starting …" }),
    reason: NullableText,
    models: z.array(z.object({ id: z.string(), tier: z.int().nullable() })),
    hourly_usd: z.number().nullable(),
    slots: Count.nullable(),
    active: Count.nullable(),
    queued: Count.nullable(),
    queue_limit: Count.nullable(),
    prefill_tokens_per_second: z.number().nullable(),
    decode_ms_per_token: z.number().nullable(),
    rates: NullableText.meta({ description: "where the two come from: assumed, configured or measured" }),
    measured_at: Time.nullable(),
    learned: PoolLearned.nullable().meta({ description: "null: nothing yet, or not known" }),
    probe: PoolProbe.nullable().meta({ description: "null: it is not asked" }),
    hours: PoolHours.nullable().meta({ description: "null: not paid by the hour, or not known" }),
  })
  .meta({ id: "PoolNow" });
export type PoolNow = z.infer<typeof PoolNow>;

export const PoolSla = z.object({ sla_class: z.string(), met: Count, missed: Count }).meta({ id: "PoolSla" });
export type PoolSla = z.infer<typeof PoolSla>;

export const PoolHolder = z
  .object({
    session_id: z.string(),
    agent_name: NullableText,
    sub_agents: Count,
    calls: Count,
    held_ms: z.number().meta({ description: "how long its calls were at the pool, waiting included" }),
    share: z.number().meta({ description: "of all calls' time at the pool, 0..1" }),
  })
  .meta({ id: "PoolHolder", description: "a session that held a pool" });
export type PoolHolder = z.infer<typeof PoolHolder>;

export const Pool = z
  .object({
    pool: z.string(),
    silicon: Silicon,
    hardware: NullableText,
    now: PoolNow.nullable().meta({ description: "null: the scheduler does not know it, or is away" }),
    calls: Count,
    errors: Count,
    busy_ms: z.number().meta({ description: "prefill and decode, summed over slots" }),
    ...CostFields,
    ...ComparableCost,
    utilisation: z
      .number()
      .nullable()
      .meta({ description: "busy time of the range over slots × its length; null where slots are unknown" }),
    break_even_utilisation: z
      .number()
      .nullable()
      .meta({ description: "above it the pool is cheaper than the baseline for these calls; over 1: never; null: not known" }),
    sla: z.array(PoolSla),
    holders: z.array(PoolHolder).meta({ description: "of the range's last 24 hours; at most five, the longest first" }),
  })
  .meta({ id: "Pool" });
export type Pool = z.infer<typeof Pool>;

export const SchedulerState = z.object({ reachable: z.boolean(), problem: NullableText });
export type SchedulerState = z.infer<typeof SchedulerState>;

export const PoolPage = page(Pool).extend({ from: Time, to: Time, scheduler: SchedulerState });
export type PoolPage = z.infer<typeof PoolPage>;

export const PoolListParameters = z.object({
  from: z
    .string()
    .regex(/^-\d{1,4}[hd]$/, "must be a span back from now such as -24h")
    .default("-24h"),
});
export type PoolListParameters = z.infer<typeof PoolListParameters>;

/** What the pools are now comes by the live connection: see withPoolsNow. */
export const poolsQuery = (from: string) =>
  queryOptions({ queryKey: ["pools", from], queryFn: ({ signal }) => fetchJson(paths.api.pools({ from }), PoolPage, signal) });
