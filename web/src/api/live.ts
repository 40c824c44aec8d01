import { z } from "zod";
import { PoolNow, SchedulerState } from "./pool.ts";

/** What `/api/v1/live` sends, as server-sent events of these names. */
export const LiveIngest = z
  .object({
    sessions: z.array(z.string()),
    spans: z.int().min(0),
    all: z.boolean().meta({ description: "more sessions changed than are named" }),
  })
  .meta({ id: "LiveIngest" });
export type LiveIngest = z.infer<typeof LiveIngest>;
export const LiveState = z.object({ database: z.enum(["up", "down"]) }).meta({ id: "LiveState" });
export type LiveState = z.infer<typeof LiveState>;
/** The pools as the scheduler has them, by name: sent when something of it changed. */
export const LivePools = z.object({ now: z.record(z.string(), PoolNow), scheduler: SchedulerState }).meta({ id: "LivePools" });
export type LivePools = z.infer<typeof LivePools>;

export const LiveEvent = { ingest: "ingest", state: "state", pools: "pools", ping: "ping" } as const;
/** The server's heartbeat: a tab that hears nothing for more than two of them opens a new connection. */
export const PING_INTERVAL_MS = 15_000;
