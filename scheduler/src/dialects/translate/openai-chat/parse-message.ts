/** The messages of a chat completions request. */

import { parseBlobUrl } from "../data-url.ts";
import type { Dropped } from "../dropped.ts";
import { compact, type Field } from "../field.ts";
import type { AssistantPart, DocumentPart, ImagePart, Message, TextPart, ToolCallPart, UserPart } from "../types.ts";
import { parseThinking } from "./thinking.ts";

/** @throws FieldError naming the part */
export function parseMessage(message: Field, dropped: Dropped): Message {
  if (message.get("name").present) dropped.add(message.get("name").path);
  switch (message.get("role").oneOf(["system", "developer", "user", "assistant", "tool", "function"])) {
    case "system":
    case "developer":
      return { role: "system", parts: texts(message.get("content")) };
    case "user":
      return { role: "user", parts: contentParts(message.get("content"), userPart) };
    case "assistant":
      return { role: "assistant", parts: assistantParts(message) };
    case "tool":
      return {
        role: "user",
        parts: [{ kind: "tool_result", callId: message.get("tool_call_id").string(), content: texts(message.get("content")) }],
      };
    case "function":
      return message.get("role").fail("function is the old form of tool; send tool_call_id");
  }
}

function assistantParts(message: Field): AssistantPart[] {
  if (message.get("audio").present) message.get("audio").fail("refers to speech kept on OpenAI's servers");
  if (message.get("function_call").present) message.get("function_call").fail("is the old form of `tool_calls`; send `tool_calls`");
  const refusal = message.get("refusal").optional("string");
  const content = message.get("content");
  return [
    ...parseThinking(message),
    ...(content.present ? contentParts(content, assistantPart) : []),
    ...(refusal ? [{ kind: "refusal" as const, text: refusal }] : []),
    ...message.get("tool_calls").optionalItems().map(parseToolCall),
  ];
}

export function parseToolCall(call: Field): ToolCallPart {
  const id = call.get("id").string();
  if (call.get("type").value === "custom") {
    const custom = call.get("custom");
    return { kind: "tool_call", id, name: custom.get("name").string(), arguments: custom.get("input").string(), custom: true };
  }
  const called = call.get("function");
  return { kind: "tool_call", id, name: called.get("name").string(), arguments: called.get("arguments").optional("string") ?? "" };
}

/** A string is one text; an empty one is none. */
function contentParts<T>(content: Field, parse: (part: Field) => T): (T | TextPart)[] {
  if (typeof content.value !== "string") return content.items().map(parse);
  return content.value === "" ? [] : [{ kind: "text", text: content.value }];
}

const texts = (content: Field): TextPart[] => contentParts(content, textPart);

function textPart(part: Field): TextPart {
  part.get("type").oneOf(["text"]);
  return { kind: "text", text: part.get("text").string() };
}

function assistantPart(part: Field): AssistantPart {
  if (part.get("type").value === "refusal") return { kind: "refusal", text: part.get("refusal").string() };
  return textPart(part);
}

function userPart(part: Field): UserPart {
  switch (part.get("type").oneOf(["text", "image_url", "file", "input_audio"])) {
    case "text":
      return textPart(part);
    case "image_url":
      return imagePart(part.get("image_url"));
    case "file":
      return documentPart(part.get("file"));
    case "input_audio":
      return part.fail("is audio, which the other dialects cannot carry");
  }
}

function imagePart(image: Field): ImagePart {
  const detail = image.get("detail").optional("string");
  return compact({ kind: "image", source: parseBlobUrl(image.get("url").string()), detail: detail === "auto" ? undefined : detail });
}

function documentPart(file: Field): DocumentPart {
  if (file.get("file_id").present) file.get("file_id").fail("names a file on OpenAI's servers; send file_data");
  const source = parseBlobUrl(file.get("file_data").string());
  if (source.kind === "url") return file.get("file_data").fail("must be a data URL (data:application/pdf;base64,…)");
  return compact({ kind: "document", source, name: file.get("filename").optional("string") });
}
