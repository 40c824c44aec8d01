import { infiniteQueryOptions } from "@tanstack/react-query";
import { z } from "zod";
import { paths } from "../paths.ts";
import { Count, CursorParameter, limitParameter, NullableNanousd, NullableText, NullableUsd, page, Time } from "./common.ts";
import { fetchJson } from "./fetch-json.ts";

/** More sub-agents than this within 60 seconds are a runaway. */
export const RUNAWAY_AGENTS = 10;

export const AgentTree = z
  .object({
    session_id: z.string(),
    agent_name: NullableText,
    agent_kind: NullableText,
    channel: NullableText,
    user_id: NullableText,
    first_time: Time,
    last_time: Time,
    sub_agents: Count,
    active_agents: Count.meta({ description: "agents, the root too, with a span in the last 90 seconds" }),
    depth: Count.meta({ description: "of the deepest sub-agent; the root's is 0" }),
    widest: Count.meta({ description: "the most sub-agents that one agent spawned" }),
    peak_per_minute: Count.meta({ description: "the most sub-agents that began within 60 seconds" }),
    is_runaway: z.boolean().meta({ description: `more than ${RUNAWAY_AGENTS} sub-agents within 60 seconds` }),
    calls: Count,
    cost_nanousd: NullableNanousd,
    cost_usd: NullableUsd,
    unknown_cost_calls: Count,
    sub_agent_cost_nanousd: NullableNanousd.meta({ description: "of the sub-agents alone" }),
    control_state: z.enum(["running", "paused", "killed"]).nullable(),
  })
  .meta({ id: "AgentTree", description: "a session with sub-agents" });
export type AgentTree = z.infer<typeof AgentTree>;

export const AgentTreePage = page(AgentTree);
export type AgentTreePage = z.infer<typeof AgentTreePage>;

export const TreeListParameters = z.object({
  show: z.enum(["all", "active", "runaway"]).default("all"),
  sort: z.enum(["recent", "agents", "cost"]).default("recent").meta({ description: "agents: the most sub-agents first" }),
  limit: limitParameter(50, 500),
  cursor: CursorParameter,
});
export type TreeListParameters = z.infer<typeof TreeListParameters>;
type TreeFilter = Pick<TreeListParameters, "show" | "sort">;

export const treePagesQuery = (filter: TreeFilter) =>
  infiniteQueryOptions({
    queryKey: ["trees", filter],
    queryFn: ({ signal, pageParam }) => fetchJson(paths.api.trees({ ...filter, cursor: pageParam }), AgentTreePage, signal),
    initialPageParam: "",
    getNextPageParam: (last: AgentTreePage) => last.next,
  });
