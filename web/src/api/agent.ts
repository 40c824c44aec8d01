import { queryOptions } from "@tanstack/react-query";
import { z } from "zod";
import { paths } from "../paths.ts";
import { CostFields, Count, Nanousd, NullableNanousd, NullableText, NullableUsd, page, Silicon, Time, Tokens } from "./common.ts";
import { fetchJson } from "./fetch-json.ts";

export const SiliconShare = z
  .object({ silicon: Silicon, calls: Count, cost_nanousd: Nanousd.nullable(), unknown_cost_calls: Count })
  .meta({ id: "SiliconShare", description: "the part of an agent's own calls that one kind of silicon served" });
export type SiliconShare = z.infer<typeof SiliconShare>;

export const Agent = z
  .object({
    session_id: z.string(),
    agent_id: z.string(),
    parent_agent_id: NullableText,
    agent_name: NullableText,
    agent_kind: NullableText,
    depth: z.int().nullable(),
    spawned_by_tool_call: NullableText,
    first_time: Time,
    last_time: Time,
    turns: Count,
    calls: Count,
    tool_calls: Count,
    errors: Count,
    ...Tokens,
    ...CostFields,
    silicons: z.array(SiliconShare),
    descendants: Count.meta({ description: "agents below this one" }),
    rollup_cost_nanousd: NullableNanousd.meta({
      description: "this agent and all its descendants, integer nano-USD; null: nothing of it is known",
    }),
    rollup_cost_usd: NullableUsd,
    rollup_unknown_cost_calls: Count,
  })
  .meta({ id: "Agent" });
export type Agent = z.infer<typeof Agent>;

export const AgentPage = page(Agent);
export type AgentPage = z.infer<typeof AgentPage>;

export const agentsQuery = (id: string) =>
  queryOptions({ queryKey: ["session", id, "agents"], queryFn: ({ signal }) => fetchJson(paths.api.agents(id), AgentPage, signal) });
