/** A Responses reply → the intermediate representation. */

import { compact, type Field } from "../field.ts";
import type { AssistantPart, Reply } from "../types.ts";
import { parseOutputContent, parseOutputItem } from "./parse-item.ts";
import { parseStop, parseUsage } from "./usage.ts";

/** @throws FieldError when it is no response; a failed one is the caller's to look for */
export function parseResponse(body: Field): Reply {
  const parts = body.get("output").items().flatMap(outputParts);
  return compact({
    id: body.get("id").optional("string") ?? "",
    model: body.get("model").optional("string") ?? "",
    parts,
    stop: parseStop(body, {
      toolCalls: parts.some((part) => part.kind === "tool_call"),
      refusal: parts.some((part) => part.kind === "refusal"),
    }),
    usage: parseUsage(body.get("usage")),
    createdAt: body.get("created_at").optional("number"),
  });
}

/** Items of tools that run at OpenAI were not asked for, and say nothing that a client could use. */
function outputParts(item: Field): AssistantPart[] {
  if (item.get("type").value === "message") return item.get("content").items().map(parseOutputContent);
  const part = parseOutputItem(item);
  return part ? [part] : [];
}
