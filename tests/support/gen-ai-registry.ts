/**
 * OpenTelemetry's GenAI semantic conventions as data: what the model files of open-telemetry/semantic-conventions-genai say (registry.yaml
 * and spans.yaml), read on 2026-11-21. All of it is in Development; where a name changed lately both stand here.
 */

export type AttributeType = "string" | "int" | "double" | "boolean" | "string[]" | "messages" | "any";

/** Every `gen_ai.*` attribute. */
export const GEN_AI_ATTRIBUTES: Readonly<Record<string, AttributeType>> = {
  "gen_ai.operation.name": "string",
  "gen_ai.provider.name": "string",
  "gen_ai.conversation.id": "string",
  "gen_ai.conversation.compacted": "boolean",
  "gen_ai.agent.id": "string",
  "gen_ai.agent.name": "string",
  "gen_ai.agent.description": "string",
  "gen_ai.agent.version": "string",
  "gen_ai.workflow.name": "string",
  "gen_ai.data_source.id": "string",
  "gen_ai.prompt.name": "string",
  "gen_ai.prompt.version": "string",
  "gen_ai.output.type": "string",
  "gen_ai.request.model": "string",
  "gen_ai.request.max_tokens": "int",
  "gen_ai.request.choice.count": "int",
  "gen_ai.request.temperature": "double",
  "gen_ai.request.top_p": "double",
  "gen_ai.request.top_k": "double",
  "gen_ai.request.stop_sequences": "string[]",
  "gen_ai.request.frequency_penalty": "double",
  "gen_ai.request.presence_penalty": "double",
  "gen_ai.request.encoding_formats": "string[]",
  "gen_ai.request.seed": "int",
  "gen_ai.request.stream": "boolean",
  "gen_ai.request.previous_response.id": "string",
  "gen_ai.request.reasoning.level": "string",
  "gen_ai.response.id": "string",
  "gen_ai.response.model": "string",
  "gen_ai.response.finish_reasons": "string[]",
  "gen_ai.response.time_to_first_chunk": "double",
  "gen_ai.usage.input_tokens": "int",
  "gen_ai.usage.output_tokens": "int",
  "gen_ai.usage.cache_read.input_tokens": "int",
  "gen_ai.usage.cache_creation.input_tokens": "int",
  "gen_ai.usage.cache_write.input_tokens": "int",
  "gen_ai.usage.reasoning.output_tokens": "int",
  "gen_ai.embeddings.dimension.count": "int",
  "gen_ai.tool.name": "string",
  "gen_ai.tool.type": "string",
  "gen_ai.tool.description": "string",
  "gen_ai.tool.call.id": "string",
  "gen_ai.tool.call.arguments": "any",
  "gen_ai.tool.call.result": "any",
  "gen_ai.tool.definitions": "any",
  "gen_ai.system_instructions": "any",
  "gen_ai.input.messages": "messages",
  "gen_ai.output.messages": "messages",
  "gen_ai.retrieval.documents": "any",
  "gen_ai.retrieval.query.text": "string",
  "gen_ai.memory.store.id": "string",
  "gen_ai.memory.record.id": "string",
  "gen_ai.memory.record.count": "int",
  "gen_ai.memory.query.text": "string",
  "gen_ai.memory.records": "any",
};

/** Span kinds as OTLP numbers them. */
const INTERNAL = 1;
const CLIENT = 3;

export interface SpanConvention {
  kinds: readonly number[];
  /** The attribute whose value follows the operation in the span's name; where the span has none, the operation stands alone. */
  target: string | null;
  required: readonly string[];
  /** Required where the span can know it: for spans of ours it always can. */
  whenAvailable: readonly string[];
}

const INFERENCE: SpanConvention = {
  kinds: [CLIENT, INTERNAL],
  target: "gen_ai.request.model",
  required: ["gen_ai.provider.name"],
  whenAvailable: ["gen_ai.conversation.id", "gen_ai.request.model"],
};
const MEMORY: SpanConvention = { kinds: [CLIENT, INTERNAL], target: null, required: [], whenAvailable: [] };

/** By `gen_ai.operation.name`. */
export const GEN_AI_SPANS: Readonly<Record<string, SpanConvention>> = {
  chat: INFERENCE,
  generate_content: INFERENCE,
  text_completion: INFERENCE,
  embeddings: { ...INFERENCE, kinds: [CLIENT], whenAvailable: ["gen_ai.request.model"] },
  retrieval: { kinds: [CLIENT], target: "gen_ai.data_source.id", required: [], whenAvailable: [] },
  create_agent: { kinds: [CLIENT], target: "gen_ai.agent.name", required: ["gen_ai.provider.name"], whenAvailable: [] },
  invoke_agent: {
    kinds: [INTERNAL, CLIENT],
    target: "gen_ai.agent.name",
    required: ["gen_ai.provider.name"],
    whenAvailable: ["gen_ai.conversation.id"],
  },
  execute_tool: { kinds: [INTERNAL], target: "gen_ai.tool.name", required: ["gen_ai.tool.name"], whenAvailable: ["gen_ai.tool.call.id"] },
  invoke_workflow: { kinds: [INTERNAL], target: "gen_ai.workflow.name", required: [], whenAvailable: [] },
  plan: { kinds: [INTERNAL], target: "gen_ai.agent.name", required: [], whenAvailable: [] },
  create_memory_store: MEMORY,
  delete_memory_store: MEMORY,
  search_memory: MEMORY,
  create_memory: MEMORY,
  update_memory: MEMORY,
  upsert_memory: MEMORY,
  delete_memory: MEMORY,
};

/** What the conventions have no word for: a decision, a move of KV state, a file of an agent's memory that was read or written. */
export const OUR_OPERATIONS: ReadonlySet<string> = new Set(["schedule", "migrate", "memory"]);

export const ENUMS: Readonly<Record<string, readonly string[]>> = { "gen_ai.output.type": ["text", "json", "image", "speech"] };
/** Each is part of the other. */
export const PARTS: readonly (readonly [parts: readonly string[], whole: string])[] = [
  [["gen_ai.usage.cache_read.input_tokens", "gen_ai.usage.cache_creation.input_tokens"], "gen_ai.usage.input_tokens"],
  [["gen_ai.usage.reasoning.output_tokens"], "gen_ai.usage.output_tokens"],
];
