/** The messages of an Anthropic request. */

import type { Dropped } from "../dropped.ts";
import { compact, type Field } from "../field.ts";
import { readSeal } from "../seal.ts";
import type {
  AssistantPart,
  BlobSource,
  DocumentPart,
  ImagePart,
  Message,
  TextPart,
  ThinkingPart,
  ToolCallPart,
  ToolResultContent,
  ToolResultPart,
  UserPart,
} from "../types.ts";
import { cacheHint } from "./cache.ts";

/** @throws FieldError naming the block */
export function parseMessage(message: Field, dropped: Dropped): Message {
  const content = message.get("content");
  switch (message.get("role").oneOf(["user", "assistant", "system"])) {
    case "system":
      return { role: "system", parts: parseTexts(content) };
    case "user":
      return { role: "user", parts: blocks(content, (block) => userPart(block, dropped)) };
    case "assistant":
      return { role: "assistant", parts: blocks(content, (block) => parseAssistantBlock(block, dropped)) };
  }
}

/** The system prompt: a string or text blocks. */
export const parseTexts = (content: Field): TextPart[] => blocks(content, textPart);

function blocks<T>(content: Field, parse: (block: Field) => T): (T | TextPart)[] {
  if (typeof content.value !== "string") return content.items().map(parse);
  return content.value === "" ? [] : [{ kind: "text", text: content.value }];
}

function textPart(block: Field): TextPart {
  block.get("type").oneOf(["text"]);
  return compact({ kind: "text", text: block.get("text").string(), cache: cacheHint(block) });
}

function userPart(block: Field, dropped: Dropped): UserPart {
  if (block.get("type").value === "tool_result") return toolResult(block, dropped);
  return contentPart(block, dropped);
}

function toolResult(block: Field, dropped: Dropped): ToolResultPart {
  const content = block.get("content");
  return compact({
    kind: "tool_result",
    callId: block.get("tool_use_id").string(),
    content: content.present ? blocks(content, (part) => contentPart(part, dropped)) : [],
    isError: block.get("is_error").optional("boolean") ? (true as const) : undefined,
    cache: cacheHint(block),
  });
}

function contentPart(block: Field, dropped: Dropped): ToolResultContent {
  switch (block.get("type").oneOf(["text", "image", "document", "search_result", "tool_reference"])) {
    case "text":
      return citedText(block, dropped);
    case "image":
      return imagePart(block, dropped);
    case "document":
      return documentPart(block, dropped);
    case "search_result": {
      const lines = [
        block.get("title").string(),
        block.get("source").string(),
        ...parseTexts(block.get("content")).map(({ text }) => text),
      ];
      return compact({ kind: "text", text: lines.join("\n"), cache: cacheHint(block) });
    }
    case "tool_reference":
      return { kind: "text", text: block.get("tool_name").string() };
  }
}

/** @throws FieldError for blocks of tools that ran at Anthropic */
export function parseAssistantBlock(block: Field, dropped: Dropped): AssistantPart {
  switch (block.get("type").oneOf(["text", "thinking", "redacted_thinking", "tool_use"])) {
    case "text":
      return citedText(block, dropped);
    case "thinking":
      return thinkingPart(block);
    case "redacted_thinking":
      return { kind: "thinking", text: "", seal: { by: "anthropic-messages", data: block.get("data").string(), redacted: true } };
    case "tool_use":
      return toolCall(block);
  }
}

function citedText(block: Field, dropped: Dropped): TextPart {
  if (block.get("citations").present) dropped.add(block.get("citations").path);
  return textPart(block);
}

function thinkingPart(block: Field): ThinkingPart {
  const signature = block.get("signature").optional("string");
  const text = block.get("thinking").string();
  return { kind: "thinking", text, ...(signature && { seal: readSeal(signature, "anthropic-messages") }) };
}

function toolCall(block: Field): ToolCallPart {
  const input = block.get("input");
  return compact({
    kind: "tool_call",
    id: block.get("id").string(),
    name: block.get("name").string(),
    arguments: JSON.stringify(input.present ? input.object() : {}),
    cache: cacheHint(block),
  });
}

function imagePart(block: Field, dropped: Dropped): ImagePart {
  if (block.get("transformations").present) dropped.add(block.get("transformations").path);
  return compact({ kind: "image", source: blobSource(block.get("source")), cache: cacheHint(block) });
}

function documentPart(block: Field, dropped: Dropped): DocumentPart | TextPart {
  for (const name of ["citations", "context"]) if (block.get(name).present) dropped.add(block.get(name).path);
  const source = block.get("source");
  const name = block.get("title").optional("string");
  const cache = cacheHint(block);
  if (source.get("type").value === "text") return compact({ kind: "text", text: source.get("data").string(), cache });
  return compact({ kind: "document", source: blobSource(source), name, cache });
}

function blobSource(source: Field): BlobSource {
  if (source.get("type").value === "file") return source.fail("names a file on Anthropic's servers; send it as base64");
  if (source.get("type").oneOf(["url", "base64"]) === "url") return { kind: "url", url: source.get("url").string() };
  return { kind: "base64", mediaType: source.get("media_type").string(), data: source.get("data").string() };
}
