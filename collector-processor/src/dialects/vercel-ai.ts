import { Operation } from "@signalbox/otel/conventions";
import { boundedText } from "../text.ts";
import { ID_BYTES } from "./dialect.ts";
import type { AttributeView, Emitter } from "./emitter.ts";
import { clearUsage, setUsage } from "./usage.ts";

const CALL = /^ai\.\w+\.do(?:Generate|Stream)$/;
const EMBEDDING = /^ai\.embed(?:Many)?\.doEmbed$/;
const METADATA = "ai.telemetry.metadata.";

/**
 * Vercel's AI SDK (experimental_telemetry), by its documentation of collected data, versions 3 to 6.
 *
 * `ai.generateText`, `ai.streamText` and the like wrap one or more `….doGenerate` or `….doStream` spans, one a request to the
 * provider, and repeat their usage: only the inner ones are calls. The SDK's providers report input with its cached part included
 * since version 5; before, Anthropic's without: `unknown`.
 */
export const vercelAi: Emitter = {
  name: "vercel-ai",
  markers: ["ai.operationId"],
  isContent: (name) => CONTENT.has(name),

  apply(draft, { attributes, content }) {
    const { row } = draft;
    const operation = attributes.text("ai.operationId") ?? "";
    const session = attributes.text(`${METADATA}sessionId`) ?? attributes.text(`${METADATA}session_id`);
    if (session !== null) draft.sessionId ??= boundedText(session, ID_BYTES);
    row.user_id ??= attributes.text(`${METADATA}userId`);
    row.agent_name ??= attributes.text("ai.telemetry.functionId");
    row.request_model ??= attributes.text("ai.model.id");
    // `anthropic.messages`: the provider, and which of its APIs
    row.provider = (attributes.text("ai.model.provider") ?? row.provider)?.split(".", 1)[0] ?? null;
    draft.responseModel ??= attributes.text("ai.response.model");
    content.add("input", attributes.get("ai.prompt.messages") ?? attributes.get("ai.prompt") ?? attributes.get("ai.toolCall.args") ?? null);
    content.add("output", outputOf(attributes));

    if (CALL.test(operation) || EMBEDDING.test(operation)) {
      row.operation = EMBEDDING.test(operation) ? Operation.embeddings : Operation.chat;
      setUsage(draft, usageOf(attributes));
      const first = attributes.get("ai.response.msToFirstChunk") ?? attributes.get("ai.stream.msToFirstChunk");
      if (typeof first === "number" && first >= 0) row.ttft_ms = first;
      return;
    }
    clearUsage(draft);
    row.operation = "";
    if (operation === "ai.toolCall") {
      row.operation = Operation.executeTool;
      row.tool_name = attributes.text("ai.toolCall.name") ?? row.tool_name;
      row.tool_call_id = attributes.text("ai.toolCall.id") ?? row.tool_call_id;
    } else if (/^ai\.(?:generate|stream)/.test(operation)) row.operation = Operation.invokeAgent;
  },
};

const CONTENT = new Set([
  "ai.prompt",
  "ai.prompt.messages",
  "ai.response.text",
  "ai.response.object",
  "ai.response.reasoning",
  "ai.response.toolCalls",
  "ai.result.text",
  "ai.result.object",
  "ai.result.toolCalls",
  "ai.toolCall.args",
  "ai.toolCall.result",
  "ai.value",
  "ai.values",
  "ai.embedding",
  "ai.embeddings",
]);

const first = (attributes: AttributeView, ...names: string[]) =>
  names.map((name) => attributes.count(name)).find((count) => count !== null) ?? null;

const usageOf = (attributes: AttributeView) => ({
  input: first(
    attributes,
    "ai.usage.inputTokens",
    "ai.usage.promptTokens",
    "gen_ai.usage.input_tokens",
    "gen_ai.usage.prompt_tokens",
    "ai.usage.tokens",
  ),
  output: first(
    attributes,
    "ai.usage.outputTokens",
    "ai.usage.completionTokens",
    "gen_ai.usage.output_tokens",
    "gen_ai.usage.completion_tokens",
  ),
  cacheRead: first(attributes, "ai.usage.cachedInputTokens", "ai.usage.inputTokenDetails.cacheReadTokens"),
  cacheWrite: first(attributes, "ai.usage.inputTokenDetails.cacheWriteTokens"),
  reasoning: first(attributes, "ai.usage.reasoningTokens", "ai.usage.outputTokenDetails.reasoningTokens"),
});

function outputOf(attributes: AttributeView) {
  for (const name of [
    "ai.response.text",
    "ai.result.text",
    "ai.response.object",
    "ai.result.object",
    "ai.toolCall.result",
    "ai.response.toolCalls",
  ]) {
    const value = attributes.get(name);
    if (value !== undefined && value !== "") return value;
  }
  return null;
}
