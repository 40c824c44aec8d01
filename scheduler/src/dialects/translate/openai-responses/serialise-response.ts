/** The intermediate representation → a Responses reply. */

import type { ReplyContext } from "../context.ts";
import { itemId, responseId } from "../ids.ts";
import type { AssistantPart, JsonObject, Reply } from "../types.ts";
import { callFields, reasoningFields, spokenContent } from "./serialise-item.ts";
import { ending, serialiseUsage } from "./usage.ts";

export function serialiseResponse(reply: Reply, context: ReplyContext): JsonObject {
  const inWords = reply.parts.some((part) => part.kind === "refusal");
  return {
    ...responseObject(reply, context),
    ...ending(reply.stop, inWords),
    output: reply.parts.map((part, index) => outputItem(part, reply.id, index)),
    usage: reply.usage ? serialiseUsage(reply.usage) : null,
  };
}

/** The object as it is when a response begins. It repeats the request, but for `tools` and `instructions`, which can be long. */
export function responseObject(head: { id: string; model: string; createdAt?: number }, context: ReplyContext): JsonObject {
  const { echo } = context;
  return {
    id: responseId(head.id),
    object: "response",
    created_at: head.createdAt ?? context.createdAt,
    status: "in_progress",
    error: null,
    incomplete_details: null,
    instructions: null,
    max_output_tokens: echo.maxOutputTokens ?? null,
    metadata: echo.metadata ?? {},
    model: head.model || context.model,
    output: [],
    parallel_tool_calls: echo.parallelToolCalls ?? true,
    previous_response_id: null,
    prompt_cache_key: echo.promptCacheKey ?? null,
    store: false,
    temperature: echo.temperature ?? null,
    tool_choice: "auto",
    tools: [],
    top_p: echo.topP ?? null,
    usage: null,
  };
}

/** The item as it is when it is complete. */
export function outputItem(part: AssistantPart, replyId: string, index: number): JsonObject {
  switch (part.kind) {
    case "text":
    case "refusal":
      return { id: itemId("msg", replyId, index), type: "message", role: "assistant", status: "completed", content: [spokenContent(part)] };
    case "thinking":
      return { id: itemId("rs", replyId, index), type: "reasoning", ...reasoningFields(part) };
    case "tool_call":
      return part.custom
        ? { id: itemId("ctc", replyId, index), type: "custom_tool_call", status: "completed", ...callFields(part) }
        : { id: itemId("fc", replyId, index), type: "function_call", status: "completed", ...callFields(part) };
  }
}
