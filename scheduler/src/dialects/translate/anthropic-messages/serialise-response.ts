/** The intermediate representation → an Anthropic message. */

import type { ReplyContext } from "../context.ts";
import { messageId } from "../ids.ts";
import type { AssistantPart, JsonObject, Reply, StopReason } from "../types.ts";
import { textBlock, thinkingBlock, toolUse } from "./serialise-message.ts";
import { serialiseUsage, stopReason } from "./usage.ts";

export function serialiseResponse(reply: Reply, context: ReplyContext): JsonObject {
  return {
    ...messageHead(reply.id, reply.model || context.model),
    content: reply.parts.map(block),
    ...ending(reply.stop, reply.stopSequence),
    usage: { ...serialiseUsage(reply.usage), ...UNKNOWN_USAGE },
  };
}

const UNKNOWN_USAGE = { server_tool_use: null, service_tier: null };

/** What a stream's first event says too. */
export const messageHead = (id: string, model: string): JsonObject => ({
  id: messageId(id),
  type: "message",
  role: "assistant",
  model,
  container: null,
});

export const ending = (stop: StopReason, stopSequence: string | undefined): JsonObject => ({
  stop_reason: stopReason(stop),
  stop_sequence: stopSequence ?? null,
  stop_details: null,
});

function block(part: AssistantPart): JsonObject {
  switch (part.kind) {
    case "text":
      return { ...textBlock(part), citations: null };
    case "refusal":
      return { type: "text", text: part.text, citations: null };
    case "thinking":
      return thinkingBlock(part);
    case "tool_call":
      return toolUse(part);
  }
}
