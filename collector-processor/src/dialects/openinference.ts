import { Operation } from "@signalbox/otel/conventions";
import { boundedText } from "../text.ts";
import { ID_BYTES } from "./dialect.ts";
import type { AttributeView, Emitter } from "./emitter.ts";
import { flattenedMessages } from "./flattened-messages.ts";
import { clearUsage, setUsage } from "./usage.ts";

const OPERATIONS: Record<string, string> = {
  LLM: Operation.chat,
  EMBEDDING: Operation.embeddings,
  AGENT: Operation.invokeAgent,
  TOOL: Operation.executeTool,
};

/**
 * OpenInference (Arize): LangChain, LlamaIndex, OpenAI and others, by the attributes of its published conventions.
 *
 * Only kinds LLM and EMBEDDING are calls; CHAIN and AGENT spans around them may repeat their tokens. Prompt tokens are the whole
 * prompt since 2025-03 (openinference #1429), before that and in some instrumentors (#3610) Anthropic's without the cached part:
 * `unknown`. An LLM span of a framework around an LLM span of a client library cannot be told from the record: enable one of both.
 */
export const openInference: Emitter = {
  name: "openinference",
  markers: ["openinference.span.kind"],
  isContent: (name) => CONTENT.test(name),

  apply(draft, { attributes, content }) {
    const { row } = draft;
    const kind = attributes.text("openinference.span.kind")?.toUpperCase() ?? "";
    row.operation = OPERATIONS[kind] ?? "";
    row.provider = attributes.text("llm.provider") ?? attributes.text("llm.system") ?? row.provider;
    row.request_model =
      attributes.text("llm.request.model_name") ??
      attributes.text("llm.model_name") ??
      attributes.text("embedding.model_name") ??
      row.request_model;
    draft.responseModel = attributes.text("llm.response.model_name") ?? draft.responseModel;
    row.agent_name = attributes.text("agent.name") ?? row.agent_name;
    const node = attributes.text("graph.node.id");
    if (node !== null && row.agent_id === "") row.agent_id = boundedText(node, ID_BYTES);
    const parent = attributes.text("graph.node.parent_id");
    if (parent !== null && draft.parentAgentId === null) draft.parentAgentId = boundedText(parent, ID_BYTES);
    if (kind === "TOOL") {
      row.tool_name = attributes.text("tool.name") ?? row.tool_name;
      row.tool_call_id = attributes.text("tool_call.id") ?? attributes.text("tool.id") ?? row.tool_call_id;
    }
    if (kind === "LLM" || kind === "EMBEDDING") setUsage(draft, usageOf(attributes));
    else clearUsage(draft);

    const input = flattenedMessages(attributes, "llm.input_messages.", "message.");
    const output = flattenedMessages(attributes, "llm.output_messages.", "message.");
    content.add("input", input ?? attributes.get("input.value") ?? null);
    content.add("output", output ?? attributes.get("output.value") ?? null);
  },
};

const CONTENT =
  /^(?:input\.value|output\.value|llm\.(?:input|output)_messages\.|llm\.prompts\.|embedding\.(?:text|embeddings\.)|retrieval\.documents\.|tool\.parameters$)/;

const usageOf = (attributes: AttributeView) => ({
  input: attributes.count("llm.token_count.prompt"),
  // an embedding has no completion; a chat without one is unknown
  output: attributes.count("llm.token_count.completion"),
  cacheRead: attributes.count("llm.token_count.prompt_details.cache_read"),
  cacheWrite: attributes.count("llm.token_count.prompt_details.cache_write"),
  reasoning: attributes.count("llm.token_count.completion_details.reasoning"),
});
