/** The shape of signalbox.config.yaml. Strict: an unknown key is a mistake. Field names are the file's own (snake_case). */

import { z } from "zod";
import { cacheSchema, semanticSchema } from "./cache-schema.ts";
import { contentSchema } from "./content-schema.ts";
import { learningSchema } from "./learning-schema.ts";
import { probeSchema, warmupSchema } from "./probe-schema.ts";
import { resilienceSchema, timeoutsSchema } from "./resilience-schema.ts";
import { routeSchema } from "./route-schema.ts";
import { timeWindow } from "./time-schema.ts";
import { count, milliseconds, name, silicon, slaClass, tier, usd } from "./values.ts";

const withTools = z.enum(["pass", "strip", "refuse"]);

const poolModel = z.strictObject({
  id: name.describe("What the pool's engine calls it."),
  tier: tier.default(0).describe("Capability: 0 local … 3 frontier."),
  context_tokens: count.optional().describe("Tokens of prompt and reply together."),
  max_output_tokens: count.optional().describe("Ceiling on a reply; budgets set aside this much where a request names no max_tokens."),
  max_tokens_floor: count
    .optional()
    .describe("A reasoning model with less than about 500 answers nothing: a lower max_tokens is raised to this."),
  tools: withTools.optional().describe("Of this model: before the pool's `tools`."),
  input_usd_per_mtok: usd.optional().describe("USD per million prompt tokens. Prices that are given go before the published ones."),
  output_usd_per_mtok: usd.optional().describe("USD per million tokens of the reply."),
  cache_read_usd_per_mtok: usd.optional().describe("USD per million prompt tokens read from a cache."),
  cache_write_usd_per_mtok: usd.optional().describe("Anthropic's with five minutes to live, where there are two."),
  cache_write_1h_usd_per_mtok: usd.optional().describe("Anthropic's with one hour to live."),
});

const rates = z.strictObject({
  fixed_ms: z.number().min(0).optional().describe("Latency of a first token whatever the prompt's size."),
  prefill_tokens_per_second: z.number().positive().optional().describe("Prompt tokens a second, one call alone."),
  decode_tokens_per_second: z.number().positive().optional().describe("Tokens of a reply a second, one call alone."),
});

const priceChange = z.strictObject({
  when: z.strictObject({
    time: z
      .union([timeWindow, z.array(timeWindow).min(1)])
      .optional()
      .describe("A window of time, or several of which one holds."),
    utilisation_above: z.number().min(0).lt(1).optional().describe("Share of the slots that are taken, 0 to 1."),
  }),
  multiply: z.number().min(0).max(1000).describe("What the hourly or token price is multiplied by."),
});

const poolBase = {
  name: name.describe("Of the pool: what spans, pages and `use.pools` call it."),
  silicon: silicon.describe("What its hour is spent on."),
  hardware: z.string().optional().describe("What it runs on, in words: for the pages."),
  models: z.array(poolModel).min(1).describe("What it serves."),
  slots: count.max(4096).default(8).describe("Calls served at once."),
  queue_limit: z
    .int()
    .min(0)
    .optional()
    .describe("Calls that may wait for a slot; further ones are refused. Default: four times the slots."),
  hourly_usd: usd.optional().describe("What the pool costs an hour, used or not."),
  prices: z
    .array(priceChange)
    .min(1)
    .max(32)
    .optional()
    .describe("When the pool costs more or less than its price; the first that holds counts."),
  cost_by: z.enum(["tokens", "time"]).optional().describe("Default: tokens where a token price is given, else time."),
  rates: rates.optional().describe("What is assumed of it until real calls have corrected it."),
  timeouts: timeoutsSchema.optional().describe("Before those of the class and the default."),
  tools: withTools.default("pass").describe("Requests with tools: passed on, passed on without them, or not for this pool."),
};

const baseUrl = z.url({ protocol: /^https?$/ }).describe("Where the engine is; of OpenAI's dialects with its `/v1`.");

const remotePool = {
  ...poolBase,
  api_key_env: name.optional().describe("The environment variable that holds the key."),
  credentials: z
    .enum(["pool", "caller"])
    .optional()
    .describe(
      "`caller`: the engine gets the caller's own login or key, sent along with `x-signalbox-credentials: caller`; others are not placed here.",
    ),
  provider: name.optional().describe("`gen_ai.provider.name`; default: told from base_url."),
  probe: probeSchema,
  warmup: warmupSchema,
};

const keptState = z.strictObject({
  ram_bytes: z
    .int()
    .min(0)
    .default(256 * 2 ** 20)
    .describe("In a tmpfs (/dev/shm); 0: none there."),
  file_bytes: z
    .int()
    .min(0)
    .default(4 * 2 ** 30)
    .describe("In files; 0: none."),
  folder: z.string().min(1).optional().describe("Of the files; default: `kv` in the state folder."),
  max_idle_seconds: z.number().positive().default(86_400).describe("State of a session that was not used for so long is dropped."),
});

const llamaCppPool = z.strictObject({
  ...poolBase,
  engine: z.literal("llama-cpp"),
  model: z
    .string()
    .min(1)
    .optional()
    .describe("A GGUF file, relative to this config file; `demo` is the model that Signalbox makes itself."),
  url: z
    .url({ protocol: /^https?$/ })
    .optional()
    .describe("In place of `model`: a worker on another box, started there by `signalbox pool-worker`."),
  api_key_env: name.optional().describe("With `url`: the environment variable that holds the worker's key."),
  kv: keptState
    .default(() => keptState.parse({}))
    .describe(
      "State that sessions leave behind when their place in a context is wanted for another: kept in memory, then in files, the oldest out.",
    ),
  heartbeat_timeout_ms: milliseconds
    .default(10_000)
    .describe("A worker that says nothing for so long hangs: it is ended and started again, as after a crash."),
  gpu: z
    .enum(["auto", "off"])
    .optional()
    .describe("`auto` uses the GPU that node-llama-cpp finds. Default: auto for silicon gpu, else off."),
  threads: count.optional().describe("Of the CPU. Default: as llama.cpp chooses."),
  context_tokens: count.default(8192).describe("Tokens of context in each slot."),
  max_output_tokens: count.default(1024).describe("Ceiling on a reply, and what is taken where a request names none."),
  demo_pace_ms: milliseconds
    .optional()
    .describe("Demo only: the least milliseconds per token, so that one machine can stand in for two of unlike speed."),
});

export const poolSchema = z.discriminatedUnion("engine", [
  llamaCppPool,
  z.strictObject({
    ...remotePool,
    engine: z.literal("openai-compatible"),
    base_url: baseUrl,
    dialects: z
      .array(z.enum(["chat", "responses"]))
      .min(1)
      .default(["chat"])
      .describe("Endpoints that it serves: `/chat/completions`, `/responses`. Calls in another dialect are translated to the first."),
  }),
  z.strictObject({ ...remotePool, engine: z.literal("anthropic"), base_url: baseUrl.default("https://api.anthropic.com") }),
]);

const anyTarget = {
  confidence: z.number().gt(0).lt(1).optional().describe("The share of calls that a pool must be predicted to meet it for. Default: 0.9."),
  weight: z
    .number()
    .positive()
    .max(1e6)
    .optional()
    .describe(
      "What a late call counts against those of other classes, where no pool can be in time for all. Default: 100 interactive, else 1.",
    ),
};
const latencyTarget = z.strictObject({
  ttft_ms: milliseconds.describe("To the first token."),
  tpot_ms: milliseconds.describe("Per token after it."),
  ...anyTarget,
});
const deadlineTarget = z.strictObject({ deadline_ms: milliseconds.describe("To the last token."), ...anyTarget });
const slaTarget = z.union([latencyTarget, deadlineTarget]);

export const BUDGET_SCOPES = ["session", "agent", "key", "user", "project", "global"] as const;
export const BUDGET_PERIODS = ["day", "month", "none"] as const;
/** Beyond it nano-USD are no exact integers any more. */
export const MAX_BUDGET_USD = 1_000_000;
export const budgetLadder = z
  .array(z.strictObject({ at: z.number().gt(0).describe("Share of the limit."), do: z.enum(["warn", "reroute", "pause", "kill"]) }))
  .min(1)
  .max(16);

const budget = z.strictObject({
  scope: z
    .enum(BUDGET_SCOPES)
    .describe(
      "Whose spending it holds. Shadow copies count for their project and globally, vectors for matching by meaning globally, and both for nobody else.",
    ),
  id: z.string().min(1).max(256).optional().describe("Default: every id of the scope, each for itself."),
  limit_usd: z.number().positive().max(MAX_BUDGET_USD).describe("What may be spent in a period."),
  period: z.enum(BUDGET_PERIODS).default("none").describe("Calendar days and months, UTC."),
  ladder: budgetLadder.describe("What happens on the way to the limit, and at it."),
});

const admission = z.strictObject({
  when_database_is_away: z
    .enum(["open", "closed"])
    .default("open")
    .describe("What becomes of calls that a budget applies to: decided by what was last known, or refused."),
});

const fanOut = z.looseObject({
  name,
  endpoint: z.url({ protocol: /^https?$/ }).describe("An OTLP receiver."),
  protocol: z.enum(["http", "grpc"]).default("http").describe("OTLP over HTTP (protobuf), or over gRPC."),
  content: z.boolean().default(false).describe("Prompts and results too."),
  headers: z.record(z.string(), z.string()).optional(),
});

const keyScope = {
  name,
  project: name.optional().describe("Calls with this key count for this project and user, whatever their headers say."),
  user: name.optional().describe("The same for the user."),
  role: name.optional().describe("What rules may ask for (`when: { roles: […] }`)."),
  models: z.array(name).min(1).optional().describe("What may be asked for; default: everything."),
  requests_per_minute: count.optional().describe("Default: no limit."),
  tokens_per_minute: count.optional().describe("Of prompts and replies. Default: no limit."),
};
const key = z.union([
  z.strictObject({ ...keyScope, key_env: name.describe("The environment variable that holds the key.") }),
  z.strictObject({ ...keyScope, key: z.string().min(8).describe("The key itself; better in the environment.") }),
]);

export const configSchema = z.strictObject({
  baseline: z
    .strictObject({ model: name, pool: name.optional() })
    .optional()
    .describe("The counterfactual: what each call would have cost on a single vendor's model."),
  pools: z.array(poolSchema).min(1).describe("Where calls are served: silicon, an engine, models and a price."),
  models: z
    .record(name, z.strictObject({ any_of: z.array(name).min(1).describe("Models of pools, by their ids.") }))
    .default({})
    .describe("What clients may ask for besides the pools' models, and what may serve it."),
  sla: z
    .strictObject({ interactive: slaTarget.optional(), standard: slaTarget.optional(), background: slaTarget.optional() })
    .default({})
    .describe("What each class must meet."),
  tasks: z
    .record(name, z.strictObject({ min_tier: tier.optional(), sla: slaClass.optional() }))
    .default({})
    .describe("What a task needs: a least tier, a class. The task comes with the request or from the agent's own hints."),
  routes: z.array(routeSchema).default([]).describe("Rules; the first that matches counts."),
  semantic: semanticSchema.optional().describe("The model that makes vectors of texts, for routes and caches that go by meaning."),
  cache: cacheSchema.prefault({}).describe("Bounds of the reply cache; which routes use it, they say themselves."),
  learning: learningSchema.prefault({}).describe("What is kept of what placement learns."),
  content: contentSchema.prefault({}).describe("What is kept of calls besides their numbers."),
  resilience: resilienceSchema.prefault({}).describe("What is done when a pool fails or is slow."),
  budgets: z.array(budget).default([]).describe("Caps on spending."),
  admission: admission.default({ when_database_is_away: "open" }),
  fan_out: z.array(fanOut).default([]).describe("Where the collector sends what it stores, too; it checks the rest of it."),
  keys: z.array(key).default([]).describe("Once there is one, the model endpoints ask for a key."),
  collector: z.looseObject({}).optional().describe("The collector's own part, which it checks itself."),
});

export type Config = z.infer<typeof configSchema>;
export type PoolConfig = Config["pools"][number];
export type LlamaCppPoolConfig = Extract<PoolConfig, { engine: "llama-cpp" }>;
export type RemotePoolConfig = Extract<PoolConfig, { engine: "openai-compatible" | "anthropic" }>;
export type KeyConfig = Config["keys"][number];
export type PoolModelConfig = PoolConfig["models"][number];
export type { CacheConfig, SemanticConfig } from "./cache-schema.ts";
export type { RouteConfig } from "./route-schema.ts";
export type PriceChangeConfig = z.infer<typeof priceChange>;
export type SlaTargetConfig = z.infer<typeof slaTarget>;
