import { Operation } from "@signalbox/otel/conventions";
import { boundedText } from "../text.ts";
import { ID_BYTES } from "./dialect.ts";
import type { AttributeView, Emitter } from "./emitter.ts";
import { clearUsage, type EmittedUsage, setUsage } from "./usage.ts";

const OPERATIONS: Record<string, string> = {
  generation: Operation.chat,
  embedding: Operation.embeddings,
  agent: Operation.invokeAgent,
  tool: Operation.executeTool,
};

/**
 * Langfuse's SDKs, by the constants of langfuse-js (LangfuseOtelSpanAttributes). `usage_details` is JSON in one of two forms: buckets
 * that do not overlap, any name with `input` or `output` in it (additive), or OpenAI's, whose prompt includes what was cached.
 */
export const langfuse: Emitter = {
  name: "langfuse",
  markers: ["langfuse.observation.type"],
  isContent: (name) => /^langfuse\.(?:observation|trace)\.(?:input|output)$/.test(name),

  apply(draft, { attributes, content }) {
    const { row } = draft;
    const session = attributes.text("langfuse.session.id");
    if (session !== null) draft.sessionId ??= boundedText(session, ID_BYTES);
    row.user_id ??= attributes.text("langfuse.user.id");
    const type = attributes.text("langfuse.observation.type")?.toLowerCase() ?? "";
    row.operation = OPERATIONS[type] ?? "";
    row.request_model = attributes.text("langfuse.observation.model.name") ?? row.request_model;
    if (type === "agent") row.agent_name ??= draft.row.name;
    if (type === "tool") row.tool_name ??= draft.row.name;
    if (type === "generation" || type === "embedding") {
      const details = attributes.text("langfuse.observation.usage_details");
      const usage = details === null ? null : usageOf(details);
      if (usage !== null) {
        setUsage(draft, usage);
        // both forms are made to include what was cached
        draft.cacheMode = "subtract";
      }
      const firstToken = completionStart(attributes, row.start_time);
      if (firstToken !== null) row.ttft_ms = firstToken;
    } else clearUsage(draft);
    content.add("input", attributes.get("langfuse.observation.input") ?? null);
    content.add("output", attributes.get("langfuse.observation.output") ?? null);
  },
};

function usageOf(details: string): EmittedUsage | null {
  let parsed: unknown;
  try {
    parsed = JSON.parse(details);
  } catch {
    return null;
  }
  if (typeof parsed !== "object" || parsed === null) return null;
  const counts = Object.entries(parsed).filter((entry): entry is [string, number] => Number.isSafeInteger(entry[1]) && entry[1] >= 0);
  const sum = (wanted: (name: string) => boolean) => {
    const found = counts.filter(([name]) => wanted(name));
    return found.length === 0 ? null : found.reduce((total, [, count]) => total + count, 0);
  };
  const openAi = new Map(counts);
  if (openAi.has("prompt_tokens")) {
    const { prompt_tokens_details: prompt, completion_tokens_details: completion } = parsed as Record<string, Record<string, unknown>>;
    return {
      input: openAi.get("prompt_tokens") ?? null,
      output: openAi.get("completion_tokens") ?? null,
      cacheRead: typeof prompt?.cached_tokens === "number" ? prompt.cached_tokens : null,
      reasoning: typeof completion?.reasoning_tokens === "number" ? completion.reasoning_tokens : null,
    };
  }
  return {
    input: sum((name) => name.includes("input")),
    output: sum((name) => name.includes("output")),
    cacheRead: sum((name) => name.includes("input") && /cache_read|cached/.test(name)),
    cacheWrite: sum((name) => name.includes("input") && /cache_(?:creation|write)/.test(name)),
    cacheWrite1h: sum((name) => name.includes("input") && /cache_(?:creation|write)/.test(name) && name.includes("1h")),
    reasoning: sum((name) => name.includes("output") && name.includes("reasoning")),
  };
}

/** Milliseconds from the start to the first token; null where it is not said, or before the start. */
function completionStart(attributes: AttributeView, startMicros: number): number | null {
  const text = attributes.text("langfuse.observation.completion_start_time");
  const at = text === null ? Number.NaN : Date.parse(text.replaceAll('"', ""));
  const waited = at - startMicros / 1000;
  return waited >= 0 ? waited : null;
}
