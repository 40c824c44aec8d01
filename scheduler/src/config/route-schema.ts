/** A route: when it holds, what it allows, and what else happens to its requests. */

import { AGENT_KINDS } from "@signalbox/otel/conventions";
import { z } from "zod";
import { compileExpression } from "../routing/expression.ts";
import { classResilience, escalateSchema } from "./resilience-schema.ts";
import { timeWindow } from "./time-schema.ts";
import { count, name, silicon, slaClass, tier } from "./values.ts";

export const ENDPOINT_NAMES = ["chat", "responses", "messages", "embeddings"] as const;
export type EndpointName = (typeof ENDPOINT_NAMES)[number];

const names = (what: string) => z.array(name).min(1).optional().describe(what);
const share = z.number().gt(0).max(1);
const atLeastNone = z.int().min(0).optional();

const expression = z
  .string()
  .min(1)
  .max(1_000)
  .superRefine((source, context) => {
    try {
      compileExpression(source);
    } catch (error) {
      context.addIssue({ code: "custom", message: `is no regular expression that RE2 takes: ${(error as Error).message}` });
    }
  });

const semanticMatch = z.strictObject({
  examples: z.array(z.string().min(1).max(2_000)).min(1).max(64).describe("Prompts of the kind that this route is for."),
  threshold: z.number().gt(0).max(1).describe("The least cosine similarity to the nearest example."),
});

const when = z.strictObject({
  task: names("Tasks: `x-signalbox-task`, or what the agent says by itself."),
  sla: z.array(slaClass).min(1).optional().describe("Classes."),
  keywords: names("Any of these in the last user message, whatever the case."),
  pattern: expression
    .optional()
    .describe(
      "A regular expression found in the last user message (its last 4,096 characters). RE2's syntax: its time grows with the text and never worse.",
    ),
  users: names("User ids; `*` stands for any characters."),
  keys: names("Names of keys."),
  roles: names("Roles of keys."),
  applications: names(
    "`x-title`, `http-referer`, `referer` or `user-agent`, whatever the case; `*` stands for any characters: `claude-cli/*`.",
  ),
  endpoints: z.array(z.enum(ENDPOINT_NAMES)).min(1).optional().describe("What was called."),
  agents: z.array(z.enum(AGENT_KINDS)).min(1).optional().describe("The agent software."),
  agent_names: names("Names or types of agents; `*` stands for any characters."),
  agent_depth_above: atLeastNone.describe("0 is the root agent, 1 its sub-agents. An agent whose depth nobody told does not match."),
  agent_depth_below: count.optional().describe("1 means the root agent alone."),
  tools: z.boolean().optional().describe("The request offers tools, or does not."),
  images: z.boolean().optional().describe("The request carries images, or does not."),
  prompt_tokens_below: count.optional().describe("Estimated at 4 bytes a token, tools included; an image in it counts 1,400."),
  prompt_tokens_above: atLeastNone.describe("Estimated at 4 bytes a token, tools included; an image in it counts 1,400."),
  prompt_bytes_below: count.optional().describe("Bytes of JSON: messages, system prompt and tools; an image in it counts 5,600."),
  prompt_bytes_above: atLeastNone.describe("Bytes of JSON: messages, system prompt and tools; an image in it counts 5,600."),
  time: z
    .union([timeWindow, z.array(timeWindow).min(1)])
    .optional()
    .describe("A window of time, or several of which one holds."),
  semantic: semanticMatch.optional().describe("The last user message means the same as an example. Needs `semantic.embeddings`."),
});

const use = z.strictObject({
  silicon: z.array(silicon).min(1).optional(),
  pools: names("Pools that may serve."),
  models: names("Models that may serve, by the ids of their pools."),
  min_tier: tier.optional().describe("The least capability."),
});

const routeCache = z.strictObject({
  kind: z
    .enum(["exact", "semantic"])
    .describe("`exact`: the same request. `semantic`: the same but for a last user message that means the same."),
  ttl_seconds: count
    .max(31 * 86_400)
    .default(3_600)
    .describe("Older replies are not given."),
  threshold: share.default(0.95).describe("`semantic`: the least cosine similarity of the last user messages."),
  any_temperature: z
    .boolean()
    .default(false)
    .describe("Answer from the cache too where neither `temperature: 0` nor a `seed` was asked for."),
});

const shadow = z.strictObject({
  pool: name.describe("Where the copy goes."),
  model: name.optional().describe("Default: the pool's first model."),
  share: share.describe("Of the route's requests."),
  max_concurrent: count.max(256).default(2).describe("Copies under way at once; further ones are left out and counted."),
  max_usd_per_day: z
    .number()
    .positive()
    .describe("What all copies of this route may cost, the worst case set aside first. Calendar days, UTC."),
});

const variants = z
  .array(
    z.strictObject({
      name,
      weight: z.number().min(0).describe("Its share of the sessions is this ÷ the sum of all weights."),
      use: use.describe("What replaces the route's own `use`, field by field."),
    }),
  )
  .min(2)
  .max(16)
  .refine((all) => all.some(({ weight }) => weight > 0), "at least one weight must be above 0");

export const routeSchema = z.strictObject({
  name,
  when: when.describe("Every condition that is given must hold."),
  use: use.describe("What placement may choose from; nothing given: everything."),
  variants: variants.optional().describe("A/B: each session is served by one of these, on top of `use`. Recorded as `<route>/<variant>`."),
  cache: routeCache.optional().describe("Answer again what was answered before, to the same key and project only."),
  shadow: shadow.optional().describe("Send a share of the requests to another pool too, off the path."),
  resilience: classResilience.optional().describe("Before what the pool, the class and the defaults say."),
  escalate: escalateSchema.optional(),
});

export type RouteConfig = z.infer<typeof routeSchema>;
export type RouteCacheConfig = z.infer<typeof routeCache>;
export type ShadowConfig = z.infer<typeof shadow>;
