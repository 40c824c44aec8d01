import { type Json, list, object, text } from "../history/values.ts";

interface Message {
  role: string;
  parts: Json[];
}

/**
 * What is sent to a model, in the GenAI message schema: messages of OpenAI (chat completions, responses) and Anthropic, a prompt alone, or
 * what is in that schema already. Parts that have no word there (images, files) keep their own.
 */
export function inputMessages(input: unknown): Message[] {
  if (!Array.isArray(input)) return [{ role: "user", parts: [plain(input)] }];
  return input.map((message) => messageOf(object(message), message));
}

function messageOf(message: Json, raw: unknown): Message {
  if (Array.isArray(message.parts)) return { role: text(message.role) ?? "user", parts: message.parts };
  // items of the Responses API have no role
  if (message.type === "function_call") return { role: "assistant", parts: [toolCall(message.call_id, message)] };
  if (message.type === "function_call_output") return { role: "tool", parts: [toolAnswer(message.call_id, message.output)] };
  const role = text(message.role);
  if (role === undefined) return { role: "user", parts: [plain(raw)] };
  if (role === "tool") return { role, parts: [toolAnswer(message.tool_call_id, message.content)] };
  const called = list(message.tool_calls)
    .map(object)
    .map((call) => toolCall(call.id, object(call.function)));
  return { role, parts: [...contentParts(message.content), ...called] };
}

function contentParts(content: unknown): Json[] {
  if (content === undefined || content === null || content === "") return [];
  return Array.isArray(content) ? content.map((block) => blockPart(object(block), block)) : [plain(content)];
}

function blockPart(block: Json, raw: unknown): Json {
  if (block.type === "tool_use") return toolCall(block.id, block);
  if (block.type === "tool_result") return toolAnswer(block.tool_use_id, block.content);
  if (typeof block.text === "string") return plain(block.text);
  return typeof block.type === "string" ? block : plain(raw);
}

const plain = (content: unknown): Json => ({ type: "text", content: typeof content === "string" ? content : JSON.stringify(content) });
export const toolCall = (id: unknown, call: Json): Json => ({
  type: "tool_call",
  id,
  name: call.name,
  arguments: call.arguments ?? call.input,
});
const toolAnswer = (id: unknown, response: unknown): Json => ({ type: "tool_call_response", id, response });
