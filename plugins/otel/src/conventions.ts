/**
 * Every span, attribute, header and enum name that Signalbox writes or reads.
 *
 * The `gen_ai.*` names are OpenTelemetry's GenAI semantic conventions. They are in Development and have left the main
 * semantic-conventions package, so these are our own copies. What the conventions do not have (cost, route, pool, SLA,
 * sub-agent descent) is in our namespace `signalbox.`.
 *
 * This file imports nothing: every part of Signalbox may import it.
 */

/** `gen_ai.operation.name`: what a span did. `migrate` is ours. */
export const Operation = {
  invokeAgent: "invoke_agent",
  /** A sub-agent's beginning, told by its spawner: on the record of the sub-agent, below the tool call that spawned it. */
  createAgent: "create_agent",
  chat: "chat",
  embeddings: "embeddings",
  executeTool: "execute_tool",
  /** The scheduler's server span around admission, placement and relay of one request. */
  schedule: "schedule",
  /** KV state moved between pools or tiers. */
  migrate: "migrate",
  /** A read or a write of one of the agent's memory files. */
  memory: "memory",
} as const;
export type Operation = (typeof Operation)[keyof typeof Operation];

/** Span names: the operation, then its target. */
export const spanName = {
  invokeAgent: (agentName: string | undefined) => (agentName === undefined ? "invoke_agent" : `invoke_agent ${agentName}`),
  chat: (model: string) => `chat ${model}`,
  embeddings: (model: string) => `embeddings ${model}`,
  executeTool: (toolName: string) => `execute_tool ${toolName}`,
  schedule: (requestModel: string) => `schedule ${requestModel}`,
  migrate: (pool: string) => `migrate ${pool}`,
  memory: (operation: string) => `memory ${operation}`,
} as const;

/** Attribute names. Types are in the comments: string unless said otherwise. */
export const Attribute = {
  // GenAI
  operation: "gen_ai.operation.name",
  provider: "gen_ai.provider.name",
  conversationId: "gen_ai.conversation.id",
  agentId: "gen_ai.agent.id",
  agentName: "gen_ai.agent.name",
  requestModel: "gen_ai.request.model",
  /** boolean */
  requestStream: "gen_ai.request.stream",
  /** int */
  requestMaxTokens: "gen_ai.request.max_tokens",
  responseModel: "gen_ai.response.model",
  responseId: "gen_ai.response.id",
  /** string[] */
  finishReasons: "gen_ai.response.finish_reasons",
  /** double, seconds from the request to the first chunk */
  timeToFirstChunk: "gen_ai.response.time_to_first_chunk",
  /** int; INCLUDES cached tokens */
  inputTokens: "gen_ai.usage.input_tokens",
  /** int; INCLUDES reasoning tokens */
  outputTokens: "gen_ai.usage.output_tokens",
  /** int; the part of the input that was read from a cache */
  cacheReadTokens: "gen_ai.usage.cache_read.input_tokens",
  /** int; the part of the input that was written to a cache */
  cacheWriteTokens: "gen_ai.usage.cache_creation.input_tokens",
  /** int; the part of the output that was reasoning */
  reasoningTokens: "gen_ai.usage.reasoning.output_tokens",
  toolName: "gen_ai.tool.name",
  toolCallId: "gen_ai.tool.call.id",
  toolType: "gen_ai.tool.type",
  toolArguments: "gen_ai.tool.call.arguments",
  toolResult: "gen_ai.tool.call.result",
  inputMessages: "gen_ai.input.messages",
  outputMessages: "gen_ai.output.messages",
  systemInstructions: "gen_ai.system_instructions",

  // general OpenTelemetry
  serviceName: "service.name",
  serviceVersion: "service.version",
  /** the ROOT session, on every span of ours */
  sessionId: "session.id",
  userId: "user.id",
  errorType: "error.type",
  /** int */
  httpStatusCode: "http.response.status_code",
  serverAddress: "server.address",
  /** int */
  serverPort: "server.port",

  // who: session, agent, turn
  project: "signalbox.project",
  /** the name of the key that the call came with, never the key itself */
  keyName: "signalbox.key",
  /** the agent inside the session; the root agent's id equals the session id */
  signalboxAgentId: "signalbox.agent.id",
  parentAgentId: "signalbox.agent.parent_id",
  /** int; 0 for the root agent */
  agentDepth: "signalbox.agent.depth",
  agentKind: "signalbox.agent.kind",
  turnId: "signalbox.turn.id",
  channel: "signalbox.channel",
  /** the tool call (its `gen_ai.tool.call.id`) that spawned this agent */
  spawnedByToolCall: "signalbox.agent.spawned_by_tool_call",
  task: "signalbox.task",

  // where and why: route and pool
  route: "signalbox.route",
  /** why that route, in words */
  routeReason: "signalbox.route.reason",
  /** double, −1 … 1: cosine similarity to the nearest example, where the route matched by meaning */
  semanticScore: "signalbox.route.semantic_score",
  pool: "signalbox.pool",
  silicon: "signalbox.pool.silicon",
  hardware: "signalbox.pool.hardware",
  /** int 0 … 3: 0 local, 3 frontier */
  tier: "signalbox.tier",
  /** int 0 … 3 */
  tierRequested: "signalbox.tier.requested",
  slaClass: "signalbox.sla.class",
  /** double, milliseconds */
  slaBudgetMs: "signalbox.sla.budget_ms",
  /** boolean */
  slaMet: "signalbox.sla.met",
  decisionId: "signalbox.decision.id",
  decisionReason: "signalbox.decision.reason",
  /** JSON array of DecisionCandidate, at most 16 */
  decisionCandidates: "signalbox.decision.candidates",
  /** int, 1-based: which attempt of the request this span is; marks the scheduler's own chat span */
  attempt: "signalbox.attempt",
  /** why a further attempt was made, and what ended the one before: `failover: 500`, `hedge`, `escalation: bad_answer_empty` */
  attemptReason: "signalbox.attempt.reason",
  /** sent | received */
  payloadDirection: "signalbox.payload.direction",
  /** that went over the wire */
  payloadBytes: "signalbox.payload.bytes",
  /** the end was left out */
  payloadTruncated: "signalbox.payload.truncated",
  /** boolean: this call went through the scheduler, whose attempt span carries the cost */
  routed: "signalbox.routed",
  /** on a resource: which of an emitter's records count as its model calls, where it sends two kinds of the same; see CALLS_FROM_LOGS */
  callsFrom: "signalbox.calls_from",

  // how long, in milliseconds (double)
  queueMs: "signalbox.queue_ms",
  prefillMs: "signalbox.prefill_ms",
  decodeMs: "signalbox.decode_ms",

  // how much; on leaf spans only
  /** int, nano-USD */
  costNanousd: "signalbox.cost.nanousd",
  /** double, USD; the same amount, for TraceQL and humans */
  costUsd: "signalbox.cost.usd",
  costSource: "signalbox.cost.source",
  /** int, nano-USD: the same call on the single-vendor baseline model */
  baselineNanousd: "signalbox.cost.baseline_nanousd",
  baselineModel: "signalbox.cost.baseline_model",
  cache: "signalbox.cache",
  /** double, seconds since the cached reply was made */
  cacheAgeSeconds: "signalbox.cache.age_seconds",
  /** double, −1 … 1: cosine similarity of the two last user messages */
  cacheScore: "signalbox.cache.score",
  /** int, nano-USD: what the cached reply cost when it was made */
  cacheSavedNanousd: "signalbox.cache.saved_nanousd",
  /** int; tokens that were not asked of a pool again */
  cacheSavedInputTokens: "signalbox.cache.saved_input_tokens",
  cacheSavedOutputTokens: "signalbox.cache.saved_output_tokens",
  /** string: the decision id whose request this is a copy of; on spans of shadow traffic */
  shadow: "signalbox.shadow",
  budgetState: "signalbox.budget.state",
  /** string[]; paths of request fields that the pool's dialect cannot carry: left out. Set where a request was translated */
  translationDropped: "signalbox.translation.dropped",

  // KV state of a session, moved between pools or tiers (`live`: in the context, `ram`, `file`)
  /** `placement`, `drain`, `restore`, `eviction` */
  migrationReason: "signalbox.migration.reason",
  migrationFromPool: "signalbox.migration.from_pool",
  migrationFromTier: "signalbox.migration.from_tier",
  migrationToTier: "signalbox.migration.to_tier",
  /** int */
  migrationTokens: "signalbox.migration.tokens",
  /** int */
  migrationBytes: "signalbox.migration.bytes",

  // memory files
  memoryPath: "signalbox.memory.path",
  /** `read` or `write` */
  memoryOperation: "signalbox.memory.operation",
  /** the lines that were read, as `from-to`; absent where it was the whole file */
  memoryLines: "signalbox.memory.lines",

  /** string[], on spans made of history on disk: ids that a live record of their call may have (response, request, decision) */
  importCallIds: "signalbox.import.call_ids",

  /** int, on any span of an emitter: spans that this process dropped before it */
  droppedSpans: "signalbox.dropped_spans",
} as const;

/** Claude Code's tools whose end a hook tells of: what spawns a sub-agent, and what reads or writes files. */
export const CLAUDE_CODE_TOLD_TOOLS: readonly string[] = ["Agent", "Task", "Read", "Write", "Edit", "MultiEdit"];

/** Claude Code's log records count, and its spans do not. */
export const CALLS_FROM_LOGS = "logs";
/** OpenClaw's own exporter: `openclaw.model.usage` counts, and `openclaw.model.call` does not. */
export const CALLS_FROM_USAGE = "usage";

/** `service.name` of spans made of history on disk: where a live record of the same call is there too, that one counts. */
export const IMPORT_SERVICE = "signalbox-import";

/** The silicon of a pool. */
export const SILICONS = ["cpu", "gpu", "npu", "cloud"] as const;
export type Silicon = (typeof SILICONS)[number];

/** Service-level classes, most urgent first. */
export const SLA_CLASSES = ["interactive", "standard", "background"] as const;
export type SlaClass = (typeof SLA_CLASSES)[number];

/** Where a cost comes from. `unknown` is said, never shown as 0. */
export const COST_SOURCES = ["reported", "priced", "measured", "estimated", "unknown"] as const;
export type CostSource = (typeof COST_SOURCES)[number];

/** The agent software a span speaks of. */
export const AGENT_KINDS = ["openclaw", "claude-code", "codex", "other"] as const;
export type AgentKind = (typeof AGENT_KINDS)[number];

export const CACHE_KINDS = ["exact", "semantic", "prefix", "none"] as const;
export type CacheKind = (typeof CACHE_KINDS)[number];

/** `stale`: the database was away, and what was last known of the budget decided. */
export const BUDGET_STATES = ["ok", "warn", "rerouted", "paused", "killed", "stale"] as const;
export type BudgetState = (typeof BUDGET_STATES)[number];

/** Request headers that carry identity and intent to the scheduler, all lower case, in order of trust. */
export const RequestHeader = {
  session: "x-signalbox-session",
  agent: "x-signalbox-agent",
  parentAgent: "x-signalbox-parent-agent",
  agentName: "x-signalbox-agent-name",
  agentKind: "x-signalbox-agent-kind",
  turn: "x-signalbox-turn",
  channel: "x-signalbox-channel",
  sla: "x-signalbox-sla",
  task: "x-signalbox-task",
  /** llm-d's names: milliseconds to the first token, and per token after it; over the class's own targets */
  sloTtftMs: "x-slo-ttft-ms",
  sloTpotMs: "x-slo-tpot-ms",
  /** `off`: neither answered from the reply cache nor kept in it */
  cache: "x-signalbox-cache",
  user: "x-signalbox-user",
  project: "x-signalbox-project",
  /** an ingest or model key, where Authorization is taken */
  key: "x-signalbox-key",
  /** on the control stream: the key that the follower's agent makes its calls with; the answer names its project */
  followerKey: "x-signalbox-follower-key",
  /** `caller`: the other keys of this request are the caller's own at a vendor, for pools of `credentials: caller`, and none of ours */
  credentials: "x-signalbox-credentials",
  traceparent: "traceparent",
} as const;

/** Response headers of the scheduler. Cost is a trailer, or an SSE comment, where it is known only at the end. */
export const ResponseHeader = {
  decision: "x-signalbox-decision",
  route: "x-signalbox-route",
  pool: "x-signalbox-pool",
  silicon: "x-signalbox-silicon",
  tier: "x-signalbox-tier",
  slaMet: "x-signalbox-sla-met",
  /** a BudgetState; absent where no budget applies */
  budget: "x-signalbox-budget",
  /** `exact`, `semantic`, or `miss`; absent where the route keeps no replies */
  cache: "x-signalbox-cache",
  costNanousd: "x-signalbox-cost-nanousd",
  /** why the call may not be served by anybody, e.g. `session_killed`: an agent must not ask another provider in our place */
  refused: "x-signalbox-refused",
  /** of the control stream: the project of the follower's key, percent-encoded; absent where it has none */
  project: "x-signalbox-project",
  traceresponse: "traceresponse",
  requestId: "request-id",
} as const;

/**
 * One pool that a decision looked at, as stored in `signalbox.decision.candidates`.
 * Predictions are absent where the pool was rejected before it was estimated.
 */
export interface DecisionCandidate {
  pool: string;
  model: string;
  silicon: Silicon;
  /** why the pool was not eligible, in words; absent on eligible pools */
  rejected?: string;
  /** predicted time to first token, milliseconds */
  ttft_ms?: number;
  /** predicted time per output token, milliseconds */
  tpot_ms?: number;
  /** the same two from the pool's measured or configured rates alone, before real calls corrected them */
  ttft_uncorrected_ms?: number;
  tpot_uncorrected_ms?: number;
  /** tokens at the prompt's start that the pool was expected to hold already */
  warm_prefix_tokens?: number;
  /** predicted cost of the call, nano-USD */
  cost_nanousd?: number;
  /** eligible, and predicted to miss the class, or to make calls there miss theirs */
  misses_sla?: true;
  chosen?: true;
}
export const MAX_DECISION_CANDIDATES = 16;

/** Default ports, all on loopback. */
export const DefaultPort = { otlpHttp: 4318, otlpGrpc: 4317, scheduler: 4320, web: 4321, postgres: 4325 } as const;

/**
 * How long each service keeps a connection that is idle (SIGNALBOX_KEEP_ALIVE_MS): longer than clients do, of which reqwest (Codex) and
 * Go keep theirs the longest by default, 90 s. Who closes first never sends a request into a connection that is being closed.
 */
export const DEFAULT_KEEP_ALIVE_MS = 120_000;

/** The names of log records that are ours. */
export const LogEvent = {
  /** a body of one attempt on a pool: in the record's body; trace and span are the attempt's, time is when that began */
  payload: "signalbox.payload",
} as const;

/** The project of what names none, unless the collector's `default_project` says another. */
export const DEFAULT_PROJECT = "default";

/** Between the project and the id of a session or agent, where both are one key (`session_controls.id`, `budget_usage.id`). No header can hold it. */
export const PROJECT_SEPARATOR = "\u001f";

/** The id of a session or an agent as people know it, without the project that it may stand behind. */
export const plainId = (id: string): string => id.slice(id.lastIndexOf(PROJECT_SEPARATOR) + 1);

/** The project that an id stands behind; undefined for a plain one. */
export function projectOfId(id: string): string | undefined {
  const at = id.lastIndexOf(PROJECT_SEPARATOR);
  return at < 0 ? undefined : id.slice(0, at);
}

/** What text in Postgres cannot hold, or JSON there refuses: NUL and lone surrogates; each becomes U+FFFD. */
export function storableText(text: string): string {
  return (text.includes("\0") ? text.replaceAll("\0", "\uFFFD") : text).toWellFormed();
}

/** The Postgres channels that NOTIFY is sent on; payloads are JSON of at most 8,000 bytes. */
export const NotifyChannel = {
  /** after each committed batch: `{"sessions": string[], "spans": number}`; sessions is cut to 50 */
  ingest: "signalbox_ingest",
  /** a control row changed: `{"session": string, "state": string}` */
  control: "signalbox_control",
  /** a limit was set: `{"scope": string, "id": string}` */
  budgets: "signalbox_budgets",
  /** rules, channels or alerts changed: `{}` */
  alerts: "signalbox_alerts",
  /** a key was made or revoked: `{}` */
  keys: "signalbox_keys",
} as const;
