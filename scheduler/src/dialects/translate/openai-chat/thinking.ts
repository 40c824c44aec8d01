/**
 * Thinking in chat completions, where OpenAI's own API has no field for it. Engines say `reasoning_content` (DeepSeek, vLLM, llama.cpp) or
 * `reasoning` (Ollama, newer vLLM); seals go in OpenRouter's `reasoning_details`, which its clients send back.
 */

import type { Field } from "../field.ts";
import { readSeal, writeSeal } from "../seal.ts";
import type { JsonObject, Seal, ThinkingPart } from "../types.ts";

/** The thinking of a message or of a delta. */
export const thinkingText = (message: Field): string =>
  message.get("reasoning_content").optional("string") ?? message.get("reasoning").optional("string") ?? "";

/** The parts of a whole message: one for each of its details, or one for the plain text. */
export function parseThinking(message: Field): ThinkingPart[] {
  const details = message.get("reasoning_details").optionalItems().flatMap(parseDetail);
  const text = thinkingText(message);
  const [only] = details;
  if (details.length === 1 && only && only.text === "" && !only.seal?.redacted) return [{ ...only, text }];
  if (details.length > 0) return details;
  return text === "" ? [] : [{ kind: "thinking", text }];
}

function parseDetail(detail: Field): ThinkingPart[] {
  const type = detail.get("type").optional("string");
  const text = detail.get("text").optional("string") ?? "";
  const sealed = detail.get(type === "reasoning.encrypted" ? "data" : "signature").optional("string");
  if (text === "" && !sealed) return [];
  return [{ kind: "thinking", text, ...(sealed && { seal: readSeal(sealed, "openai-chat") }) }];
}

/** One entry of `reasoning_details`. In a stream the text went before it and is empty here. */
export function thinkingDetail(text: string, seal: Seal | undefined): JsonObject {
  if (seal?.redacted) return { type: "reasoning.encrypted", data: writeSeal(seal, "openai-chat") };
  return { type: "reasoning.text", text, ...(seal && { signature: writeSeal(seal, "openai-chat") }) };
}

/** All thinking of a message, seals in place; undefined where there are none and the plain text says it all. */
export function thinkingDetails(parts: ThinkingPart[]): JsonObject[] | undefined {
  return parts.some((part) => part.seal) ? parts.map(({ text, seal }) => thinkingDetail(text, seal)) : undefined;
}
