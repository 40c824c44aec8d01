/** One message of the intermediate representation → the messages of a chat completions request: a tool result is one of its own. */

import { blobUrl } from "../data-url.ts";
import type { Dropped } from "../dropped.ts";
import { compact, FieldError } from "../field.ts";
import type {
  AssistantMessage,
  JsonObject,
  Message,
  RefusalPart,
  TextPart,
  ThinkingPart,
  ToolCallPart,
  ToolResultPart,
  UserMessage,
  UserPart,
} from "../types.ts";
import { thinkingDetails } from "./thinking.ts";

export function serialiseMessage(message: Message, dropped: Dropped): JsonObject[] {
  switch (message.role) {
    case "system":
      return [{ role: "system", content: textContent(message.parts, dropped) }];
    case "user":
      return userMessages(message, dropped);
    case "assistant":
      return [assistantMessage(message, dropped)];
  }
}

/** One text as a string, several as parts. */
export function textContent(parts: TextPart[], dropped: Dropped): string | JsonObject[] {
  if (parts.some((part) => part.cache)) dropped.add("messages[].content[].cache_control");
  const [first] = parts;
  return parts.length === 1 && first ? first.text : parts.map(({ text }) => ({ type: "text", text }));
}

function userMessages(message: UserMessage, dropped: Dropped): JsonObject[] {
  const results = message.parts.filter((part) => part.kind === "tool_result");
  const others = [...results.flatMap(attachments), ...message.parts.filter((part) => part.kind !== "tool_result")];
  return [
    ...results.map((result) => toolMessage(result, dropped)),
    ...(others.length > 0 ? [{ role: "user", content: userContent(others, dropped) }] : []),
  ];
}

/** A tool message holds text alone: what else a tool gave follows as the user's. */
function toolMessage(result: ToolResultPart, dropped: Dropped): JsonObject {
  const texts = result.content.filter((part) => part.kind === "text");
  const attached = result.content.length - texts.length;
  if (result.cache) dropped.add("messages[].content[].cache_control");
  if (result.isError) texts.unshift({ kind: "text", text: "Error:" });
  if (attached > 0) texts.push({ kind: "text", text: `(${attached} attached below)` });
  return { role: "tool", tool_call_id: result.callId, content: texts.length > 0 ? textContent(texts, dropped) : "" };
}

const attachments = (result: ToolResultPart) => result.content.filter((part) => part.kind !== "text");

function userContent(parts: UserPart[], dropped: Dropped): string | JsonObject[] {
  const texts = parts.filter((part) => part.kind === "text");
  if (texts.length === parts.length) return textContent(texts, dropped);
  return parts.map((part) => userPart(part, dropped));
}

function userPart(part: UserPart, dropped: Dropped): JsonObject {
  if (part.kind !== "tool_result" && part.cache) dropped.add("messages[].content[].cache_control");
  if (part.kind === "text") return { type: "text", text: part.text };
  if (part.kind === "image") return { type: "image_url", image_url: compact({ url: blobUrl(part.source), detail: part.detail }) };
  if (part.kind === "tool_result") throw new TypeError("a tool result is a message of its own");
  if (part.source.kind === "url")
    throw new FieldError("messages[].content[].source", "is a document by URL, which chat completions cannot carry");
  return { type: "file", file: compact({ filename: part.name, file_data: blobUrl(part.source) }) };
}

function assistantMessage({ parts }: AssistantMessage, dropped: Dropped): JsonObject {
  const texts = parts.filter((part) => part.kind === "text");
  const thinking = parts.filter((part) => part.kind === "thinking");
  const calls = parts.filter((part) => part.kind === "tool_call");
  const refusals = parts.filter((part) => part.kind === "refusal");
  if (thinking.some((part) => part.seal && part.seal.by !== "openai-chat")) dropped.add("messages[].content[].signature");
  return compact({
    role: "assistant",
    content: assistantContent(texts, refusals, dropped),
    reasoning_content:
      thinking
        .map(({ text }) => text)
        .filter(Boolean)
        .join("\n\n") || undefined,
    reasoning_details: thinkingDetails(thinking.map(withOwnSeal)),
    refusal: refusals.length === 1 ? refusals[0]?.text : undefined,
    tool_calls: calls.length > 0 ? calls.map(serialiseToolCall) : undefined,
  });
}

/** A seal means nothing to any other provider. */
const withOwnSeal = ({ seal, ...part }: ThinkingPart): ThinkingPart => (seal?.by === "openai-chat" ? { ...part, seal } : part);

/** One refusal has a field of its own; several are parts of the content. */
function assistantContent(texts: TextPart[], refusals: RefusalPart[], dropped: Dropped): string | JsonObject[] | null {
  if (refusals.length > 1)
    return [...texts.map(({ text }) => ({ type: "text", text })), ...refusals.map(({ text }) => ({ type: "refusal", refusal: text }))];
  return texts.length > 0 ? textContent(texts, dropped) : null;
}

export function serialiseToolCall(call: ToolCallPart): JsonObject {
  if (call.custom) return { id: call.id, type: "custom", custom: { name: call.name, input: call.arguments } };
  return { id: call.id, type: "function", function: { name: call.name, arguments: call.arguments } };
}
