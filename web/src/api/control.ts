import { mutationOptions, queryOptions } from "@tanstack/react-query";
import { z } from "zod";
import { paths } from "../paths.ts";
import { Count, NullableNanousd, NullableUsd } from "./common.ts";
import { fetchJson } from "./fetch-json.ts";

export const CONTROL_ACTIONS = ["kill", "pause", "resume"] as const;
export type ControlAction = (typeof CONTROL_ACTIONS)[number];

export const ControlRequest = z.strictObject({
  reason: z.string().max(500).optional().meta({ description: "in words, shown to the agent" }),
});

const Confirmed = Count.nullable().meta({ description: "null: the scheduler did not say" });

/** What a stop or resume did, as far as the scheduler could see it. */
export const Receipt = z
  .object({
    session: z.string(),
    action: z.enum(CONTROL_ACTIONS),
    descendants: Confirmed.meta({ description: "sub-agents that it holds for too; null: the scheduler did not say" }),
    upstream_closed: Confirmed,
    slots_freed: Confirmed,
    agents_acknowledged: Confirmed,
    unknown: Confirmed.meta({ description: "what nobody confirmed" }),
    unknown_names: z.array(z.string()).meta({ description: "the same in words" }),
  })
  .meta({ id: "Receipt" });
export type Receipt = z.infer<typeof Receipt>;

/** What stops if this session is stopped now. */
export const SessionActivity = z
  .object({
    session_id: z.string(),
    descendants: Count,
    active_agents: Count.meta({ description: "agents, the root too, with a span in the last 90 seconds" }),
    calls_last_minute: Count.meta({ description: "model calls that ended in the last 60 seconds" }),
    cost_last_minute_nanousd: NullableNanousd,
    cost_last_minute_usd: NullableUsd,
    unknown_cost_calls_last_minute: Count,
    in_flight_calls: Count.nullable().meta({ description: "model calls under way in the scheduler; null: it does not say" }),
    scheduler: z.object({ reachable: z.boolean(), problem: z.string().nullable() }),
  })
  .meta({ id: "SessionActivity" });
export type SessionActivity = z.infer<typeof SessionActivity>;

const ACTIVITY_MS = 2_000;

/** Read only while someone looks at it: it asks the scheduler too. */
export const activityQuery = (id: string) =>
  queryOptions({
    queryKey: ["activity", id],
    queryFn: ({ signal }) => fetchJson(paths.api.activity(id), SessionActivity, signal),
    refetchInterval: ACTIVITY_MS,
    staleTime: 0,
  });

export const controlMutation = (id: string) =>
  mutationOptions({
    mutationFn: ({ action, reason }: { action: ControlAction; reason?: string }) =>
      fetchJson(paths.api.control(id, action), Receipt, undefined, { reason }),
  });
