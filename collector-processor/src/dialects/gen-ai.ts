import { Attribute, Operation } from "@signalbox/otel/conventions";
import { type Dialect, draftText, integer, MAX_COUNT, type Mapping, milliseconds, text } from "./dialect.ts";

const OPERATIONS = new Set<string>(Object.values(Operation));
/** Model calls under other names. */
const CALLS = new Set(["text_completion", "generate_content"]);

const operation: Mapping = (draft, value) => {
  if (typeof value !== "string") return false;
  if (OPERATIONS.has(value)) {
    draft.row.operation = value;
    return true;
  }
  if (CALLS.has(value)) draft.row.operation = Operation.chat;
  return false;
};

/** The earlier name of an attribute: it counts where the later one is absent, in whichever order they stand. */
const earlier = (
  column: "provider" | "input_tokens" | "output_tokens" | "cache_read_tokens" | "cache_write_tokens",
  mapping: Mapping,
): Mapping => {
  return (draft, value) => (draft.row[column] === null ? mapping(draft, value) : false);
};

/** As Anthropic's API has it in `usage.cache_creation`; the conventions have no name for it. */
const cacheWrite1h: Mapping = (draft, value) => {
  if (typeof value === "number" && Number.isInteger(value) && value >= 0 && value <= MAX_COUNT) draft.cacheWrite1hTokens = value;
  return false;
};

/** What was served counts, and what was asked for where that is not said; it stays in the attributes, for repricing. */
export const SERVICE_TIERS = {
  served: ["openai.response.service_tier", "gen_ai.openai.response.service_tier"],
  asked: ["openai.request.service_tier", "gen_ai.openai.request.service_tier"],
} as const;
export const CACHE_WRITE_1H = ["gen_ai.usage.cache_creation.ephemeral_1h_input_tokens", "cache_creation_1h_tokens"] as const;

const serviceTier =
  (isServed: boolean): Mapping =>
  (draft, value) => {
    if (typeof value === "string" && (isServed || draft.serviceTier === null)) draft.serviceTier = value;
    return false;
  };
const tierMappings = Object.fromEntries([
  ...SERVICE_TIERS.served.map((name) => [name, serviceTier(true)] as const),
  ...SERVICE_TIERS.asked.map((name) => [name, serviceTier(false)] as const),
]);

/** OpenTelemetry's GenAI semantic conventions, with the names of 2024 that emitters still send. */
export const genAi: Dialect = {
  name: "gen_ai",
  attributes: {
    [Attribute.operation]: operation,
    [Attribute.provider]: text("provider"),
    "gen_ai.system": earlier("provider", text("provider")),
    [Attribute.conversationId]: draftText("conversationId"),
    [Attribute.agentId]: draftText("genAiAgentId"),
    [Attribute.agentName]: text("agent_name"),
    [Attribute.requestModel]: text("request_model"),
    [Attribute.responseModel]: draftText("responseModel", 160),
    [Attribute.inputTokens]: integer("input_tokens"),
    "gen_ai.usage.prompt_tokens": earlier("input_tokens", integer("input_tokens")),
    [Attribute.outputTokens]: integer("output_tokens"),
    "gen_ai.usage.completion_tokens": earlier("output_tokens", integer("output_tokens")),
    [Attribute.cacheReadTokens]: integer("cache_read_tokens"),
    [Attribute.cacheWriteTokens]: integer("cache_write_tokens"),
    "gen_ai.usage.cache_read_input_tokens": earlier("cache_read_tokens", integer("cache_read_tokens")),
    "gen_ai.usage.cache_creation_input_tokens": earlier("cache_write_tokens", integer("cache_write_tokens")),
    // the name that followed cache_creation in 2026
    "gen_ai.usage.cache_write.input_tokens": earlier("cache_write_tokens", integer("cache_write_tokens")),
    [CACHE_WRITE_1H[0]]: cacheWrite1h,
    ...tierMappings,
    [Attribute.reasoningTokens]: integer("reasoning_tokens"),
    [Attribute.toolName]: text("tool_name"),
    [Attribute.toolCallId]: text("tool_call_id"),
    [Attribute.timeToFirstChunk]: milliseconds("ttft_ms", 1000),
  },
};
