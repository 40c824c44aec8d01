import { z } from "zod";

/** What `/api/v1/live` sends, as server-sent events of these names. */
export const LiveIngest = z.object({
  sessions: z.array(z.string()),
  spans: z.int().min(0),
  all: z.boolean().meta({ description: "more sessions changed than are named" }),
});
export type LiveIngest = z.infer<typeof LiveIngest>;
export const LiveState = z.object({ database: z.enum(["up", "down"]) });
export type LiveState = z.infer<typeof LiveState>;

export const LiveEvent = { ingest: "ingest", state: "state", ping: "ping" } as const;
/** The server's heartbeat: a tab that hears nothing for more than two of them opens a new connection. */
export const PING_INTERVAL_MS = 15_000;
