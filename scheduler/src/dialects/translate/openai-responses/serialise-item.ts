/** Messages of the intermediate representation → items. */

import { blobUrl } from "../data-url.ts";
import type { Dropped } from "../dropped.ts";
import { compact } from "../field.ts";
import { writeSeal } from "../seal.ts";
import { flatName } from "../tool-names.ts";
import type {
  AssistantMessage,
  AssistantPart,
  JsonObject,
  Message,
  TextPart,
  ThinkingPart,
  ToolCallPart,
  ToolResultContent,
  ToolResultPart,
  UserMessage,
} from "../types.ts";

export function serialiseItems(message: Message, dropped: Dropped): JsonObject[] {
  noteCacheHints(message.parts, dropped);
  switch (message.role) {
    case "system":
      return [systemItem(message.parts)];
    case "user":
      return userItems(message, dropped);
    case "assistant":
      return assistantItems(message, dropped);
  }
}

export const systemItem = (parts: TextPart[]): JsonObject => ({ type: "message", role: "developer", content: parts.map(inputPart) });

export function noteCacheHints(parts: readonly object[], dropped: Dropped): void {
  if (parts.some((part) => "cache" in part)) dropped.add("messages[].content[].cache_control");
}

function userItems({ parts }: UserMessage, dropped: Dropped): JsonObject[] {
  const others = parts.filter((part) => part.kind !== "tool_result");
  return [
    ...parts.flatMap((part) => (part.kind === "tool_result" ? [resultItem(part, dropped)] : [])),
    ...(others.length > 0 ? [{ type: "message", role: "user", content: others.map(inputPart) }] : []),
  ];
}

function resultItem(result: ToolResultPart, dropped: Dropped): JsonObject {
  noteCacheHints(result.content, dropped);
  const content = result.isError ? [{ kind: "text" as const, text: "Error:" }, ...result.content] : result.content;
  const [first] = content;
  const output = content.length === 1 && first?.kind === "text" ? first.text : content.map(inputPart);
  return {
    type: result.custom ? "custom_tool_call_output" : "function_call_output",
    call_id: result.callId,
    output: content.length === 0 ? "" : output,
  };
}

function inputPart(part: ToolResultContent): JsonObject {
  switch (part.kind) {
    case "text":
      return { type: "input_text", text: part.text };
    case "image":
      return { type: "input_image", image_url: blobUrl(part.source), detail: part.detail ?? "auto" };
    case "document":
      return part.source.kind === "url"
        ? compact({ type: "input_file", file_url: part.source.url })
        : compact({ type: "input_file", filename: part.name ?? "document.pdf", file_data: blobUrl(part.source) });
  }
}

/** Texts that follow each other are one message; thinking and calls are items of their own. */
function assistantItems({ parts }: AssistantMessage, dropped: Dropped): JsonObject[] {
  const items: JsonObject[] = [];
  let said: JsonObject[] = [];
  const flush = () => {
    if (said.length > 0) items.push({ type: "message", role: "assistant", content: said });
    said = [];
  };
  for (const part of parts) {
    if (part.kind === "text" || part.kind === "refusal") {
      said.push(spokenContent(part));
      continue;
    }
    flush();
    items.push(
      ...(part.kind === "thinking"
        ? ownReasoning(part, dropped)
        : [{ type: part.custom ? "custom_tool_call" : "function_call", ...callFields(part) }]),
    );
  }
  flush();
  return items;
}

/** OpenAI takes reasoning back only under its own seal. */
function ownReasoning(part: ThinkingPart, dropped: Dropped): JsonObject[] {
  if (part.seal?.by === "openai-responses") return [{ type: "reasoning", ...reasoningFields(part) }];
  dropped.add("messages[].thinking");
  return [];
}

export const spokenContent = (part: Extract<AssistantPart, { kind: "text" | "refusal" }>): JsonObject =>
  part.kind === "text" ? { type: "output_text", text: part.text, annotations: [] } : { type: "refusal", refusal: part.text };

/** For a reply too, where the seal may be another provider's and travels under our tag. */
export const reasoningFields = ({ text, seal }: ThinkingPart): JsonObject => ({
  summary: text === "" ? [] : [{ type: "summary_text", text }],
  encrypted_content: seal ? writeSeal(seal, "openai-responses") : null,
});

export function callFields(call: ToolCallPart): JsonObject {
  const name = call.namespace === undefined ? flatName(call) : call.name;
  return compact({ call_id: call.id, name, namespace: call.namespace, [call.custom ? "input" : "arguments"]: call.arguments });
}
