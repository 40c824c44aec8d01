/** A chat completion → the intermediate representation. */

import { compact, type Field } from "../field.ts";
import type { AssistantPart, Reply } from "../types.ts";
import { parseToolCall } from "./parse-message.ts";
import { parseThinking } from "./thinking.ts";
import { parseFinish, parseUsage } from "./usage.ts";

/** @throws FieldError when it is no chat completion */
export function parseResponse(body: Field): Reply {
  const [choice] = body.get("choices").items();
  if (!choice) return body.get("choices").fail("is empty");
  const message = choice.get("message");
  const parts = messageParts(message);
  return compact({
    id: body.get("id").optional("string") ?? "",
    model: body.get("model").optional("string") ?? "",
    parts,
    stop: parts.some((part) => part.kind === "refusal") ? "refusal" : parseFinish(choice.get("finish_reason").optional("string") ?? "stop"),
    usage: parseUsage(body.get("usage")),
    createdAt: body.get("created").optional("number"),
  });
}

function messageParts(message: Field): AssistantPart[] {
  const text = message.get("content").optional("string");
  const refusal = message.get("refusal").optional("string");
  return [
    ...parseThinking(message),
    ...(text ? [{ kind: "text" as const, text }] : []),
    ...(refusal ? [{ kind: "refusal" as const, text: refusal }] : []),
    ...message.get("tool_calls").optionalItems().map(parseToolCall),
  ];
}
