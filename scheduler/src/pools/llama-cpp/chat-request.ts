/** A chat completions request as the llama.cpp worker understands it. Unknown fields are ignored, as every such server does. */

import type { ChatHistoryItem } from "node-llama-cpp";
import { z } from "zod";
import type { Generation } from "./engine.ts";
import { jsonGrammar } from "./json-grammar.ts";
import { callText, resultText, toolUse } from "./tools.ts";

const part = z.object({ type: z.string(), text: z.string().optional() });
const message = z.object({
  role: z.enum(["system", "developer", "user", "assistant", "tool"]),
  content: z.union([z.string(), z.array(part)]).nullish(),
  tool_calls: z.array(z.object({ function: z.object({ name: z.string(), arguments: z.string() }) })).nullish(),
});
const tool = z.object({
  type: z.literal("function", "this pool offers tools of type function only"),
  function: z.object({ name: z.string().min(1).max(128), description: z.string().optional(), parameters: z.unknown().optional() }),
});
const toolChoice = z.union([
  z.enum(["none", "auto", "required"]),
  z.object({ type: z.literal("function"), function: z.object({ name: z.string() }) }),
]);
const responseFormat = z.discriminatedUnion("type", [
  z.object({ type: z.literal("text") }),
  z.object({ type: z.literal("json_object") }),
  z.object({ type: z.literal("json_schema"), json_schema: z.object({ schema: z.unknown().optional() }) }),
]);
const count = z.int().min(1).nullish();
const chatRequest = z.object({
  messages: z.array(message).min(1),
  n: z.literal(1, "this pool makes one choice").nullish(),
  stream: z.boolean().nullish(),
  stream_options: z.object({ include_usage: z.boolean().optional() }).nullish(),
  max_tokens: count,
  max_completion_tokens: count,
  temperature: z.number().min(0).max(2).nullish(),
  top_p: z.number().gt(0).max(1).nullish(),
  seed: z.int().nullish(),
  stop: z.union([z.string(), z.array(z.string())]).nullish(),
  tools: z.array(tool).max(256).nullish(),
  tool_choice: toolChoice.nullish(),
  parallel_tool_calls: z.boolean().nullish(),
  response_format: responseFormat.nullish(),
});
type Parsed = z.infer<typeof chatRequest>;

export interface ChatRequest {
  stream: boolean;
  includeUsage: boolean;
  generation: Generation;
}

/** @throws ZodError, SyntaxError or SchemaError: the request is the client's mistake */
export function parseChatRequest(body: string, maxOutputTokens: number): ChatRequest {
  const request = chatRequest.parse(JSON.parse(body));
  const asked = request.max_completion_tokens ?? request.max_tokens ?? maxOutputTokens;
  const stop = typeof request.stop === "string" ? [request.stop] : (request.stop ?? []);
  return {
    stream: request.stream ?? false,
    includeUsage: request.stream_options?.include_usage ?? false,
    generation: {
      messages: request.messages.map(toHistoryItem),
      maxTokens: Math.min(asked, maxOutputTokens),
      temperature: request.temperature ?? 1,
      ...(request.top_p != null && { topP: request.top_p }),
      ...(request.seed != null && { seed: request.seed }),
      stop: stop.filter((text) => text !== ""),
      ...constraint(request),
    },
  };
}

function constraint({ tools, tool_choice, parallel_tool_calls, response_format }: Parsed): Pick<Generation, "grammar" | "tools"> {
  if (tools && tools.length > 0 && tool_choice !== "none") {
    const only = typeof tool_choice === "object" ? tool_choice?.function.name : undefined;
    const offered = tools.map(({ function: offer }) => offer);
    if (only !== undefined && !offered.some(({ name }) => name === only)) throw new SyntaxError(`tool_choice: there is no tool "${only}"`);
    const required = only !== undefined || tool_choice === "required";
    return { tools: toolUse(offered, required, parallel_tool_calls !== false, only) };
  }
  if (response_format?.type === "json_object") return { grammar: jsonGrammar() };
  if (response_format?.type === "json_schema") return { grammar: jsonGrammar(response_format.json_schema.schema) };
  return {};
}

/** Earlier tool calls and their results stand in the prompt as the model writes and reads them. */
function toHistoryItem({ role, content, tool_calls }: Parsed["messages"][number]): ChatHistoryItem {
  const text = typeof content === "string" ? content : (content ?? []).map(textOf).join("\n");
  if (role === "system" || role === "developer") return { type: "system", text };
  if (role === "user") return { type: "user", text };
  if (role === "tool") return { type: "user", text: resultText(text) };
  const calls = (tool_calls ?? []).map(({ function: call }) => callText(call));
  return { type: "model", response: [[text, ...calls].filter(Boolean).join("\n")] };
}

/** Left out silently, an image would be answered without having been seen. */
function textOf({ type, text = "" }: z.infer<typeof part>): string {
  if (type !== "text" && type !== "refusal")
    throw new SyntaxError(`messages: this pool reads text only, and there is a part of type ${type}`);
  return text;
}
