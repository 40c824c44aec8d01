import { Operation } from "@signalbox/otel/conventions";
import { boundedText } from "../text.ts";
import { ID_BYTES } from "./dialect.ts";
import type { AttributeView, Emitter } from "./emitter.ts";
import { flattenedMessages } from "./flattened-messages.ts";
import { clearUsage, setUsage } from "./usage.ts";

const KINDS: Record<string, string> = { agent: Operation.invokeAgent, tool: Operation.executeTool, workflow: "", task: "" };
const REQUESTS: Record<string, string> = { chat: Operation.chat, completion: Operation.chat, embedding: Operation.embeddings };
const PROPERTIES = "traceloop.association.properties.";

/**
 * OpenLLMetry (Traceloop), by the attributes of opentelemetry-semantic-conventions-ai. Cached tokens have names with underscores, and
 * its Anthropic instrumentation adds them to the input (openllmetry #2175); others hand on what the provider said: `unknown`.
 * Spans with `traceloop.span.kind` are workflows, agents and tools around calls, never calls.
 */
export const openLlmetry: Emitter = {
  name: "openllmetry",
  // its calls bear none of the markers since they speak the GenAI conventions
  emits: ({ scope }) => scope.startsWith("@traceloop/"),
  markers: ["traceloop.span.kind", "llm.request.type", "traceloop.workflow.name"],
  isContent: (name) => CONTENT.test(name),

  apply(draft, { attributes, content }) {
    const { row } = draft;
    const session = property(attributes, "session_id", "sessionId", "conversation_id", "thread_id", "chat_id");
    if (session !== null) draft.sessionId ??= boundedText(session, ID_BYTES);
    row.user_id ??= property(attributes, "user_id", "userId");
    const kind = attributes.text("traceloop.span.kind");
    const entity = attributes.text("traceloop.entity.name");
    if (kind !== null && kind in KINDS) {
      row.operation = KINDS[kind] ?? "";
      clearUsage(draft);
      if (kind === "agent") row.agent_name = entity ?? row.agent_name;
      if (kind === "tool") row.tool_name = entity ?? row.tool_name;
      content.add("input", attributes.get("traceloop.entity.input") ?? null);
      content.add("output", attributes.get("traceloop.entity.output") ?? null);
      return;
    }
    if (row.operation === "") row.operation = REQUESTS[attributes.text("llm.request.type") ?? ""] ?? "";
    setUsage(draft, {
      input: attributes.count("gen_ai.usage.input_tokens") ?? attributes.count("gen_ai.usage.prompt_tokens"),
      output: attributes.count("gen_ai.usage.output_tokens") ?? attributes.count("gen_ai.usage.completion_tokens"),
      cacheRead: attributes.count("gen_ai.usage.cache_read_input_tokens") ?? row.cache_read_tokens,
      cacheWrite: attributes.count("gen_ai.usage.cache_creation_input_tokens") ?? row.cache_write_tokens,
      reasoning:
        attributes.count("gen_ai.usage.reasoning_tokens") ?? attributes.count("llm.usage.reasoning_tokens") ?? row.reasoning_tokens,
    });
    content.add("input", flattenedMessages(attributes, "gen_ai.prompt."));
    content.add("output", flattenedMessages(attributes, "gen_ai.completion."));
  },
};

const CONTENT = /^(?:traceloop\.entity\.(?:input|output)$|gen_ai\.(?:prompt|completion)\.\d)/;

/** The first of an application's own properties that is set. */
function property(attributes: AttributeView, ...names: string[]): string | null {
  for (const name of names) {
    const value = attributes.text(PROPERTIES + name);
    if (value !== null) return value;
  }
  return null;
}
