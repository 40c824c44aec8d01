/** Messages of the intermediate representation → Anthropic's. */

import type { Dropped } from "../dropped.ts";
import { compact } from "../field.ts";
import { anthropicToolId } from "../ids.ts";
import { textOf } from "../messages.ts";
import { writeSeal } from "../seal.ts";
import type {
  AssistantPart,
  BlobSource,
  DocumentPart,
  ImagePart,
  JsonObject,
  Message,
  TextPart,
  ThinkingPart,
  ToolCallPart,
  UserPart,
} from "../types.ts";
import { cacheControl } from "./cache.ts";

/** Roles alternate; a message whose parts were all dropped is left out. */
export function serialiseMessages(messages: Message[], dropped: Dropped): JsonObject[] {
  const turns: { role: string; content: JsonObject[] }[] = [];
  for (const message of messages) {
    const role = message.role === "system" ? "user" : message.role;
    const content = blocks(message, dropped);
    const last = turns.at(-1);
    if (content.length === 0) continue;
    if (last?.role === role) last.content.push(...content);
    else turns.push({ role, content });
  }
  return turns;
}

function blocks(message: Message, dropped: Dropped): JsonObject[] {
  switch (message.role) {
    case "system":
      return [{ type: "text", text: `<system>\n${textOf(message.parts)}\n</system>` }];
    case "user":
      return message.parts.map((part) => userBlock(part, dropped));
    case "assistant":
      return message.parts.flatMap((part) => assistantBlock(part, dropped));
  }
}

export const textBlock = ({ text, cache }: TextPart): JsonObject => ({ type: "text", text, ...cacheControl(cache) });

function userBlock(part: UserPart, dropped: Dropped): JsonObject {
  switch (part.kind) {
    case "text":
      return textBlock(part);
    case "image":
    case "document":
      return blobBlock(part, dropped);
    case "tool_result":
      return {
        type: "tool_result",
        tool_use_id: anthropicToolId(part.callId),
        content: part.content.map((inner) => (inner.kind === "text" ? textBlock(inner) : blobBlock(inner, dropped))),
        ...(part.isError && { is_error: true }),
        ...cacheControl(part.cache),
      };
  }
}

function blobBlock(part: ImagePart | DocumentPart, dropped: Dropped): JsonObject {
  if (part.kind === "image" && part.detail !== undefined) dropped.add("messages[].content[].detail");
  const title = part.kind === "document" ? part.name : undefined;
  return compact({ type: part.kind, source: blobSource(part.source), title, ...cacheControl(part.cache) });
}

const blobSource = (source: BlobSource): JsonObject =>
  source.kind === "url" ? { type: "url", url: source.url } : { type: "base64", media_type: source.mediaType, data: source.data };

function assistantBlock(part: AssistantPart, dropped: Dropped): JsonObject[] {
  switch (part.kind) {
    case "text":
      return part.text === "" ? [] : [textBlock(part)];
    case "refusal":
      return [{ type: "text", text: part.text }];
    case "thinking":
      return ownThinking(part, dropped);
    case "tool_call":
      return [toolUse(part)];
  }
}

/** Anthropic verifies signatures: thinking of another provider cannot be sent. */
function ownThinking(part: ThinkingPart, dropped: Dropped): JsonObject[] {
  if (part.seal?.by === "anthropic-messages") return [thinkingBlock(part)];
  dropped.add("messages[].thinking");
  return [];
}

/** For a reply too, where the seal may be another provider's and travels under our tag. */
export function thinkingBlock({ text, seal }: ThinkingPart): JsonObject {
  if (seal?.redacted && seal.by === "anthropic-messages") return { type: "redacted_thinking", data: seal.data };
  return { type: "thinking", thinking: text, signature: seal ? writeSeal(seal, "anthropic-messages") : "" };
}

export function toolUse(call: ToolCallPart): JsonObject {
  return {
    type: "tool_use",
    id: anthropicToolId(call.id),
    name: call.name,
    input: parseInput(call.arguments),
    ...cacheControl(call.cache),
  };
}

/** Anthropic wants an object; what a model wrote badly is kept, so that it can see its mistake. */
function parseInput(json: string): unknown {
  if (json.trim() === "") return {};
  try {
    const input: unknown = JSON.parse(json);
    if (typeof input === "object" && input !== null && !Array.isArray(input)) return input;
  } catch {
    // Kept as text below.
  }
  return { input: json };
}
