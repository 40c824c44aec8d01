/** The intermediate representation → a chat completion. */

import type { ReplyContext } from "../context.ts";
import { compact } from "../field.ts";
import { chatId } from "../ids.ts";
import type { JsonObject, Reply } from "../types.ts";
import { serialiseToolCall } from "./serialise-message.ts";
import { thinkingDetails } from "./thinking.ts";
import { finishReason, serialiseUsage } from "./usage.ts";

export function serialiseResponse(reply: Reply, context: ReplyContext): JsonObject {
  const finish = finishReason(
    reply.stop,
    reply.parts.some((part) => part.kind === "refusal"),
  );
  return {
    id: chatId(reply.id),
    object: "chat.completion",
    created: reply.createdAt ?? context.createdAt,
    model: reply.model || context.model,
    choices: [{ index: 0, message: message(reply), logprobs: null, finish_reason: finish }],
    ...(reply.usage && { usage: serialiseUsage(reply.usage) }),
  };
}

/** Chat completions have one content: texts are joined as the stream of them would be. */
function message({ parts }: Reply): JsonObject {
  const joined = (kind: "text" | "thinking" | "refusal") => parts.flatMap((part) => (part.kind === kind ? [part.text] : [])).join("");
  const thinking = parts.filter((part) => part.kind === "thinking");
  const calls = parts.filter((part) => part.kind === "tool_call").map(serialiseToolCall);
  return compact({
    role: "assistant",
    content: joined("text") || null,
    refusal: joined("refusal") || null,
    reasoning_content: joined("thinking") || undefined,
    reasoning_details: thinkingDetails(thinking),
    tool_calls: calls.length > 0 ? calls : undefined,
  });
}
