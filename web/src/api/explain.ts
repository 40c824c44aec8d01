import { queryOptions } from "@tanstack/react-query";
import { z } from "zod";
import { paths } from "../paths.ts";
import { Count, Nanousd, NullableText, Silicon, Time, TimeParameter } from "./common.ts";
import { MOST_COUNTED_CALLS } from "./cost.ts";
import { fetchJson } from "./fetch-json.ts";

/** What a change in cost can be put down to. */
export const CONTRIBUTION_KINDS = ["session", "tree", "agent", "route", "model", "tool"] as const;
export type ContributionKind = (typeof CONTRIBUTION_KINDS)[number];

const Period = z
  .object({
    calls: Count,
    cost_nanousd: Nanousd.meta({ description: "integer nano-USD of the calls whose cost is known" }),
    unknown_cost_calls: Count,
    comparable_cost_nanousd: Nanousd,
    comparable_baseline_nanousd: Nanousd,
  })
  .meta({ id: "Period" });
export type Period = z.infer<typeof Period>;

export const Contribution = z
  .object({
    by: z.enum(CONTRIBUTION_KINDS),
    label: z.string().meta({ description: "'' where the calls name none" }),
    detail: NullableText.meta({ description: "the pool of a model, the channel of a session" }),
    silicon: Silicon,
    session_id: NullableText,
    agent_id: NullableText,
    descendants: Count.nullable().meta({ description: "of a tree: agents below its first" }),
    calls: Count.meta({ description: "model calls; of a tool: its own calls" }),
    before_calls: Count,
    cost_nanousd: Nanousd.nullable().meta({ description: "null: a tool has no cost of its own" }),
    before_cost_nanousd: Nanousd.nullable(),
    change_nanousd: Nanousd.nullable(),
    busy_ms: z.number().nullable().meta({ description: "of a tool: how long its calls took" }),
    errors: Count,
  })
  .meta({ id: "Contribution" });
export type Contribution = z.infer<typeof Contribution>;

export const Burst = z
  .object({
    session_id: z.string(),
    agent_name: NullableText,
    channel: NullableText,
    sub_agents: Count.meta({ description: "that began in the range" }),
    peak_per_minute: Count,
    seconds: z.number().meta({ description: "from the first of them to the last" }),
  })
  .meta({ id: "Burst", description: "a session whose sub-agents began faster than a runaway's" });
export type Burst = z.infer<typeof Burst>;

export const Explanation = z
  .object({
    from: Time.meta({ description: "where the explanation really starts: `from`, brought down to a whole minute or hour" }),
    to: Time.meta({ description: "where it really ends: that minute or hour of `to`'s counts whole, as far as it is over" }),
    by: z.enum(["minute", "hour"]).meta({
      description: `both periods are of whole minutes, or of whole hours: where the range is longer than 2 hours, or it and the one before hold more than ${MOST_COUNTED_CALLS.toLocaleString("en")} calls, and then without the hour that is not over, unless that is all`,
    }),
    before_from: Time.meta({ description: "the period before is from here to `from`" }),
    now: Period,
    before: Period,
    baseline_model: NullableText,
    sessions_by_silicon: z.array(z.object({ silicon: Silicon, sessions: Count })).meta({
      description: "each session counted where most of its calls ran",
    }),
    bursts: z.array(Burst),
    contributions: z.array(Contribution).meta({ description: "at most twelve of a kind, the largest change first" }),
  })
  .meta({ id: "Explanation" });
export type Explanation = z.infer<typeof Explanation>;

export const ExplainParameters = z.object({ from: TimeParameter.default("-24h"), to: TimeParameter.optional() });
export type ExplainParameters = z.infer<typeof ExplainParameters>;

export const explainQuery = (from: string, to?: string) =>
  queryOptions({
    queryKey: ["explain", from, to ?? null],
    queryFn: ({ signal }) => fetchJson(paths.api.explain({ from, to }), Explanation, signal),
  });
