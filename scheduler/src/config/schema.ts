/** The shape of signalbox.config.yaml. Strict: an unknown key is a mistake. Field names are the file's own (snake_case). */

import { z } from "zod";
import { cacheSchema, semanticSchema } from "./cache-schema.ts";
import { resilienceSchema, timeoutsSchema } from "./resilience-schema.ts";
import { routeSchema } from "./route-schema.ts";
import { timeWindow } from "./time-schema.ts";
import { count, milliseconds, name, silicon, slaClass, tier, usd } from "./values.ts";

const poolModel = z.strictObject({
  /** What the pool's engine calls it. */
  id: name,
  /** Capability: 0 local … 3 frontier. */
  tier: tier.default(0),
  /** Tokens of prompt and reply together. */
  context_tokens: count.optional(),
  /** Ceiling on a reply; budgets set aside this much where a request names no max_tokens. */
  max_output_tokens: count.optional(),
  /** A reasoning model with less than about 500 answers nothing: a lower max_tokens is raised to this. */
  max_tokens_floor: count.optional(),
  input_usd_per_mtok: usd.optional(),
  output_usd_per_mtok: usd.optional(),
  cache_read_usd_per_mtok: usd.optional(),
  /** Anthropic's with five minutes to live, where there are two. */
  cache_write_usd_per_mtok: usd.optional(),
  cache_write_1h_usd_per_mtok: usd.optional(),
});

/** What is assumed of a pool until real calls have corrected it. */
const rates = z.strictObject({
  /** Latency of a first token whatever the prompt's size. */
  fixed_ms: z.number().min(0).optional(),
  prefill_tokens_per_second: z.number().positive().optional(),
  decode_tokens_per_second: z.number().positive().optional(),
});

const priceChange = z.strictObject({
  when: z.strictObject({
    time: z.union([timeWindow, z.array(timeWindow).min(1)]).optional(),
    /** Share of the slots that are taken, 0 to 1. */
    utilisation_above: z.number().min(0).lt(1).optional(),
  }),
  /** What the hourly or token price is multiplied by. */
  multiply: z.number().min(0).max(1000),
});

const poolBase = {
  name,
  silicon,
  hardware: z.string().optional(),
  models: z.array(poolModel).min(1),
  /** Calls served at once. */
  slots: count.max(4096).default(8),
  /** Calls that may wait for a slot; further ones are refused. Default: four times the slots. */
  queue_limit: z.int().min(0).optional(),
  hourly_usd: usd.optional(),
  /** When the pool costs more or less than its price; the first that holds counts. */
  prices: z.array(priceChange).min(1).max(32).optional(),
  /** Default: tokens where a token price is given, else time. */
  cost_by: z.enum(["tokens", "time"]).optional(),
  rates: rates.optional(),
  timeouts: timeoutsSchema.optional(),
  /** Requests with tools: passed on, passed on without them, or not for this pool. */
  tools: z.enum(["pass", "strip", "refuse"]).default("pass"),
};

const baseUrl = z.url({ protocol: /^https?$/ });

const remotePool = {
  ...poolBase,
  /** The environment variable that holds the key. */
  api_key_env: name.optional(),
  /** `caller`: the engine gets the caller's own login or key, sent along with `x-signalbox-credentials: caller`; others are not placed here. */
  credentials: z.enum(["pool", "caller"]).optional(),
  /** `gen_ai.provider.name`; default: told from base_url. */
  provider: name.optional(),
};

/** What sessions leave behind when their place in a context is wanted for another: kept in memory, then in files, the oldest out. */
const keptState = z.strictObject({
  /** In a tmpfs (/dev/shm); 0: none there. */
  ram_bytes: z
    .int()
    .min(0)
    .default(256 * 2 ** 20),
  /** 0: none. */
  file_bytes: z
    .int()
    .min(0)
    .default(4 * 2 ** 30),
  /** Of the files; default: `kv` in the state folder. */
  folder: z.string().min(1).optional(),
  max_idle_seconds: z.number().positive().default(86_400),
});

const llamaCppPool = z.strictObject({
  ...poolBase,
  engine: z.literal("llama-cpp"),
  /** A GGUF file, relative to this config file; `demo` is the model that Signalbox makes itself. */
  model: z.string().min(1).optional(),
  /** In place of `model`: a worker on another box, started there by `signalbox pool-worker`. */
  url: z.url({ protocol: /^https?$/ }).optional(),
  /** With `url`: the environment variable that holds the worker's key. */
  api_key_env: name.optional(),
  kv: keptState.default(() => keptState.parse({})),
  /** `auto` uses the GPU that node-llama-cpp finds. Default: auto for silicon gpu, else off. */
  gpu: z.enum(["auto", "off"]).optional(),
  threads: count.optional(),
  /** Tokens of context in each slot. */
  context_tokens: count.default(8192),
  /** Ceiling on a reply, and what is taken where a request names none. */
  max_output_tokens: count.default(1024),
  /** Demo only: the least milliseconds per token, so that one machine can stand in for two of unlike speed. */
  demo_pace_ms: milliseconds.optional(),
});

export const poolSchema = z.discriminatedUnion("engine", [
  llamaCppPool,
  z.strictObject({
    ...remotePool,
    engine: z.literal("openai-compatible"),
    base_url: baseUrl,
    /** Endpoints that it serves: `/chat/completions`, `/responses`. Calls in another dialect are translated to the first. */
    dialects: z
      .array(z.enum(["chat", "responses"]))
      .min(1)
      .default(["chat"]),
  }),
  z.strictObject({ ...remotePool, engine: z.literal("anthropic"), base_url: baseUrl.default("https://api.anthropic.com") }),
]);

const latencyTarget = z.strictObject({
  /** To the first token. */
  ttft_ms: milliseconds,
  /** Per token after it. */
  tpot_ms: milliseconds,
  confidence: z.number().gt(0).lt(1).optional(),
});
const deadlineTarget = z.strictObject({
  /** To the last token. */
  deadline_ms: milliseconds,
  confidence: z.number().gt(0).lt(1).optional(),
});
const slaTarget = z.union([latencyTarget, deadlineTarget]);

export const BUDGET_SCOPES = ["session", "agent", "key", "user", "project", "global"] as const;
export const BUDGET_PERIODS = ["day", "month", "none"] as const;
/** Beyond it nano-USD are no exact integers any more. */
export const MAX_BUDGET_USD = 1_000_000;
/** `at` is a share of the limit. */
export const budgetLadder = z
  .array(z.strictObject({ at: z.number().gt(0), do: z.enum(["warn", "reroute", "pause", "kill"]) }))
  .min(1)
  .max(16);

const budget = z.strictObject({
  scope: z.enum(BUDGET_SCOPES),
  /** Default: every id of the scope, each for itself. */
  id: z.string().min(1).max(256).optional(),
  limit_usd: z.number().positive().max(MAX_BUDGET_USD),
  /** Calendar days and months, UTC. */
  period: z.enum(BUDGET_PERIODS).default("none"),
  ladder: budgetLadder,
});

const admission = z.strictObject({
  /** What becomes of calls that a budget applies to: decided by what was last known, or refused. */
  when_database_is_away: z.enum(["open", "closed"]).default("open"),
});

/** The collector acts on it, and checks the rest of it. */
const fanOut = z.looseObject({
  name,
  endpoint: z.url({ protocol: /^https?$/ }),
  content: z.boolean().default(false),
  headers: z.record(z.string(), z.string()).optional(),
});

const keyScope = {
  name,
  /** Calls with this key count for this project and user, whatever their headers say. */
  project: name.optional(),
  user: name.optional(),
  /** What rules may ask for (`when: { roles: […] }`). */
  role: name.optional(),
  /** What may be asked for; default: everything. */
  models: z.array(name).min(1).optional(),
  requests_per_minute: count.optional(),
  tokens_per_minute: count.optional(),
};
const key = z.union([z.strictObject({ ...keyScope, key_env: name }), z.strictObject({ ...keyScope, key: z.string().min(8) })]);

export const configSchema = z.strictObject({
  baseline: z.strictObject({ model: name, pool: name.optional() }).optional(),
  pools: z.array(poolSchema).min(1),
  models: z.record(name, z.strictObject({ any_of: z.array(name).min(1) })).default({}),
  sla: z.strictObject({ interactive: slaTarget.optional(), standard: slaTarget.optional(), background: slaTarget.optional() }).default({}),
  tasks: z.record(name, z.strictObject({ min_tier: tier.optional(), sla: slaClass.optional() })).default({}),
  routes: z.array(routeSchema).default([]),
  semantic: semanticSchema.optional(),
  cache: cacheSchema.prefault({}),
  resilience: resilienceSchema.prefault({}),
  budgets: z.array(budget).default([]),
  admission: admission.default({ when_database_is_away: "open" }),
  fan_out: z.array(fanOut).default([]),
  keys: z.array(key).default([]),
  /** The collector's own part, which it checks itself. */
  collector: z.looseObject({}).optional(),
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
