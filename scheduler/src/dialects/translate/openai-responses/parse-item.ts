/** The items of a Responses conversation: `input` of a request, `output` of a reply. */

import { parseBlobUrl } from "../data-url.ts";
import type { Dropped } from "../dropped.ts";
import { compact, type Field } from "../field.ts";
import { readSeal } from "../seal.ts";
import type {
  AssistantPart,
  DocumentPart,
  ImagePart,
  Message,
  TextPart,
  ThinkingPart,
  ToolCallPart,
  ToolResultContent,
  ToolResultPart,
} from "../types.ts";

/** Left out: the tool ran at OpenAI, its results are in the text after it; or it is a note of Codex to itself. */
const LEFT_OUT = new Set(["web_search_call", "file_search_call", "image_generation_call", "code_interpreter_call", "ghost_snapshot"]);

/** One item is one message; `arrange` joins those of a turn. @throws FieldError for items that only OpenAI's servers understand */
export function parseItem(item: Field, dropped: Dropped): Message[] {
  const type = item.get("type").optional("string") ?? "message";
  switch (type) {
    case "message":
      return [parseMessage(item, dropped)];
    case "function_call_output":
    case "custom_tool_call_output":
      return [{ role: "user", parts: [toolResult(item, type)] }];
    case "agent_message":
      return [{ role: "user", parts: parts(item.get("content"), agentPart) }];
    case "additional_tools":
      return [];
    default: {
      const part = parseOutputItem(item);
      if (part) return [{ role: "assistant", parts: [part] }];
      if (!LEFT_OUT.has(type)) item.get("type").fail(`${type} is an item that only OpenAI's servers understand`);
      dropped.add(`${item.path} (${type})`);
      return [];
    }
  }
}

/** An item that a model wrote, but for messages; undefined for any other. */
export function parseOutputItem(item: Field): AssistantPart | undefined {
  switch (item.get("type").value) {
    case "reasoning":
      return parseReasoning(item);
    case "function_call":
      return toolCall(item, item.get("arguments").string());
    case "custom_tool_call":
      return { ...toolCall(item, item.get("input").string()), custom: true };
    default:
      return undefined;
  }
}

function parseMessage(item: Field, dropped: Dropped): Message {
  if (item.get("phase").present) dropped.add(item.get("phase").path);
  const content = item.get("content");
  switch (item.get("role").oneOf(["system", "developer", "user", "assistant"])) {
    case "system":
    case "developer":
      return { role: "system", parts: parts(content, textPart) };
    case "user":
      return { role: "user", parts: parts(content, inputPart) };
    case "assistant":
      return { role: "assistant", parts: parts(content, parseOutputContent) };
  }
}

function parts<T>(content: Field, parse: (part: Field) => T): (T | TextPart)[] {
  if (typeof content.value !== "string") return content.items().map(parse);
  return content.value === "" ? [] : [{ kind: "text", text: content.value }];
}

function textPart(part: Field): TextPart {
  part.get("type").oneOf(["input_text", "output_text", "text"]);
  return { kind: "text", text: part.get("text").string() };
}

/** A part of what the assistant said. */
export function parseOutputContent(part: Field): AssistantPart {
  if (part.get("type").value === "refusal") return { kind: "refusal", text: part.get("refusal").string() };
  return textPart(part);
}

function inputPart(part: Field): ToolResultContent {
  switch (part.get("type").value) {
    case "input_image":
      return imagePart(part);
    case "input_file":
      return documentPart(part);
    case "input_audio":
      return part.fail("is audio, which the other dialects cannot carry");
    default:
      return textPart(part);
  }
}

/** OpenAI's ciphertext: a Fernet token. */
const CIPHERTEXT = /^gAAAA[\w-]{60,}={0,2}$/;

/**
 * What one agent of Codex tells another: its text stands under `encrypted_content`, in the clear unless OpenAI's own model wrote it.
 */
function agentPart(part: Field): TextPart {
  if (part.get("type").value !== "encrypted_content") return textPart(part);
  const text = part.get("encrypted_content").string();
  if (CIPHERTEXT.test(text)) part.get("encrypted_content").fail("is a message that OpenAI encrypted, which only its servers can read");
  return { kind: "text", text };
}

function imagePart(part: Field): ImagePart {
  if (part.get("file_id").present) part.get("file_id").fail("names a file on OpenAI's servers; send image_url");
  const detail = part.get("detail").optional("string");
  return compact({ kind: "image", source: parseBlobUrl(part.get("image_url").string()), detail: detail === "auto" ? undefined : detail });
}

function documentPart(part: Field): DocumentPart {
  if (part.get("file_id").present) part.get("file_id").fail("names a file on OpenAI's servers; send file_data");
  const url = part.get("file_url").optional("string");
  return compact({
    kind: "document",
    source: url === undefined ? parseBlobUrl(part.get("file_data").string()) : { kind: "url" as const, url },
    name: part.get("filename").optional("string"),
  });
}

function parseReasoning(item: Field): ThinkingPart {
  const sealed = item.get("encrypted_content").optional("string");
  return { kind: "thinking", text: reasoningText(item), ...(sealed && { seal: readSeal(sealed, "openai-responses") }) };
}

/** OpenAI tells a summary, open models all of it. */
export function reasoningText(item: Field): string {
  const joined = (name: string) =>
    item
      .get(name)
      .optionalItems()
      .map((part) => part.get("text").string())
      .join("\n\n");
  return joined("summary") || joined("content");
}

function toolCall(item: Field, text: string): ToolCallPart {
  return compact({
    kind: "tool_call",
    id: item.get("call_id").string(),
    name: item.get("name").string(),
    namespace: item.get("namespace").optional("string"),
    arguments: text,
  });
}

function toolResult(item: Field, type: string): ToolResultPart {
  return {
    kind: "tool_result",
    callId: item.get("call_id").string(),
    content: parts(item.get("output"), inputPart),
    ...(type === "custom_tool_call_output" && { custom: true }),
  };
}
