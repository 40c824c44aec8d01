/** A chat completions request as the llama.cpp worker understands it. Unknown fields are ignored, as every such server does. */

import type { ChatHistoryItem } from "node-llama-cpp";
import { z } from "zod";
import type { Generation } from "./engine.ts";

const part = z.object({ type: z.string(), text: z.string().optional() });
const message = z.object({
  role: z.enum(["system", "developer", "user", "assistant", "tool"]),
  content: z.union([z.string(), z.array(part)]).nullish(),
  tool_calls: z.array(z.object({ function: z.object({ name: z.string(), arguments: z.string() }) })).optional(),
});
const count = z.int().min(1).nullish();
const chatRequest = z.object({
  messages: z.array(message).min(1),
  stream: z.boolean().nullish(),
  stream_options: z.object({ include_usage: z.boolean().optional() }).nullish(),
  max_tokens: count,
  max_completion_tokens: count,
  temperature: z.number().min(0).max(2).nullish(),
  top_p: z.number().gt(0).max(1).nullish(),
  seed: z.int().nullish(),
  stop: z.union([z.string(), z.array(z.string())]).nullish(),
});

export interface ChatRequest {
  stream: boolean;
  includeUsage: boolean;
  generation: Generation;
}

/** @throws ZodError or SyntaxError: the request is the client's mistake */
export function parseChatRequest(body: string, maxOutputTokens: number): ChatRequest {
  const request = chatRequest.parse(JSON.parse(body));
  const asked = request.max_completion_tokens ?? request.max_tokens ?? maxOutputTokens;
  return {
    stream: request.stream ?? false,
    includeUsage: request.stream_options?.include_usage ?? false,
    generation: {
      messages: request.messages.map(toHistoryItem),
      maxTokens: Math.min(asked, maxOutputTokens),
      temperature: request.temperature ?? 1,
      ...(request.top_p != null && { topP: request.top_p }),
      ...(request.seed != null && { seed: request.seed }),
      stop: typeof request.stop === "string" ? [request.stop] : (request.stop ?? []),
    },
  };
}

/** Earlier tool calls and their results are told to the model as text: this pool offers no tools of its own. */
function toHistoryItem({ role, content, tool_calls }: z.infer<typeof message>): ChatHistoryItem {
  const text = typeof content === "string" ? content : (content ?? []).map((item) => item.text ?? "").join("\n");
  if (role === "system" || role === "developer") return { type: "system", text };
  if (role === "user") return { type: "user", text };
  if (role === "tool") return { type: "user", text: `Tool result: ${text}` };
  const calls = (tool_calls ?? []).map(({ function: call }) => `Tool call: ${call.name}(${call.arguments})`);
  return { type: "model", response: [[text, ...calls].filter(Boolean).join("\n")] };
}
