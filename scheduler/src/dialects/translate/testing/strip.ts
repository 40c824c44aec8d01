/** A request without one of the things that a dialect may not carry, one function for each row of carries.ts. */

import { type Carriage, CONTENT, FIELDS } from "../carries.ts";
import { compact } from "../field.ts";
import { arrange } from "../messages.ts";
import type { AssistantPart, Dialect, Message, Request, TextPart, Tool, UserPart } from "../types.ts";

type Part = Message["parts"][number];

/** Maps every part, those in tool results too; undefined takes it away. */
function mapParts(request: Request, change: (part: Part, inResult: boolean) => Part | undefined): Request {
  const kept = (parts: Part[], inResult: boolean): Part[] =>
    parts.flatMap((part): Part[] => {
      const changed = change(part, inResult);
      if (changed?.kind !== "tool_result") return changed ? [changed] : [];
      return [{ ...changed, content: kept(changed.content, true) as TextPart[] }];
    });
  const messages = request.messages.map((message) => ({ ...message, parts: kept(message.parts, false) }) as Message);
  return { ...request, system: kept(request.system, false) as TextPart[], messages };
}

const without = (request: Request, isGone: (part: Part, inResult: boolean) => boolean) =>
  mapParts(request, (part, inResult) => (isGone(part, inResult) ? undefined : part));

const mapTools = (request: Request, change: (tool: Tool) => Tool): Request => ({ ...request, tools: request.tools.map(change) });

/** Takes one member away from all that have it. */
const withoutMember = <T extends object>(value: T, member: string): T => compact({ ...value, [member]: undefined });

const ORDER: AssistantPart["kind"][] = ["thinking", "text", "refusal", "tool_call"];

const STRIP: Record<keyof typeof CONTENT, (request: Request, dialect: Dialect) => Request> = {
  "text, images, tool calls, tool results": (request) => request,
  "order of an assistant's text, thinking and tool calls": (request) => ({
    ...request,
    messages: arrange(request.messages).messages.map((message) =>
      message.role === "assistant"
        ? { ...message, parts: message.parts.toSorted((a, b) => ORDER.indexOf(a.kind) - ORDER.indexOf(b.kind)) }
        : message,
    ),
  }),
  "PDF documents as bytes": (request) => without(request, (part) => part.kind === "document" && part.source.kind === "base64"),
  "PDF documents by URL": (request) => without(request, (part) => part.kind === "document" && part.source.kind === "url"),
  "thinking text": (request, dialect) => without(request, (part) => part.kind === "thinking" && part.seal?.by !== dialect),
  "thinking sealed by the engine's own provider": (request) => without(request, (part) => part.kind === "thinking"),
  "image detail": (request) => mapParts(request, (part) => (part.kind === "image" ? withoutMember(part, "detail") : part)),
  "images and documents in tool results": (request) => without(request, (part, inResult) => inResult && part.kind !== "text"),
  "error flag of tool results": (request) =>
    mapParts(request, (part) => (part.kind === "tool_result" ? withoutMember(part, "isError") : part)),
  "refusals of earlier turns": (request) => without(request, (part) => part.kind === "refusal"),
  "system messages after the first turn": (request) => ({
    ...request,
    messages: request.messages.filter((message) => message.role !== "system"),
  }),
  "cache hints on parts and tools": (request) =>
    mapTools(
      mapParts(request, (part) => withoutMember(part, "cache")),
      (tool) => withoutMember(tool, "cache"),
    ),
  "strict tools": (request) => mapTools(request, (tool) => withoutMember(tool, "strict")),
  "custom (free text) tools": (request) => ({
    ...without(request, (part: Part | UserPart) => "custom" in part && part.custom === true),
    tools: request.tools.filter((tool) => tool.kind === "function"),
  }),
  "tool namespaces": (request) =>
    mapTools(
      mapParts(request, (part) => withoutMember(part, "namespace")),
      (tool) => withoutMember(tool, "namespace"),
    ),
};

/** The request without what the dialect carries in one of the given ways. */
export function strip(request: Request, dialect: Dialect, carriages: Carriage[]): Request {
  const isGone = (row: Record<Dialect, Carriage>) => carriages.includes(row[dialect]);
  let rest = request;
  for (const [feature, row] of Object.entries(CONTENT)) if (isGone(row)) rest = STRIP[feature as keyof typeof CONTENT](rest, dialect);
  for (const [field, row] of Object.entries(FIELDS))
    if (isGone(row)) rest = field === "stop" ? { ...rest, stop: [] } : withoutMember(rest, field);
  // Tools that are gone take a choice among them along.
  const choice = rest.tools.length === 0 ? withoutMember(withoutMember(rest, "toolChoice"), "parallelToolCalls") : rest;
  return { ...choice, ...arrange([{ role: "system", parts: choice.system }, ...choice.messages]) };
}
