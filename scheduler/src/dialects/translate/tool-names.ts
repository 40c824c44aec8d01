/**
 * Tools that a dialect cannot express, made into plain functions, and back again in the reply.
 *
 * Codex groups tools in namespaces and has tools whose input is free text. Chat completions servers and Anthropic know neither: a
 * namespace goes into the name, free text into an argument `input`. The context of the request says how to undo both.
 */

import type { AssistantPart, CustomTool, FunctionTool, Request, Tool, ToolCallPart } from "./types.ts";

/** OpenAI's limit; Anthropic's is higher. */
const MAX_NAME = 64;
const INPUT = "input";

/** What the client calls a tool. */
export interface ClientTool {
  name: string;
  namespace?: string;
  custom?: true;
}

/** Engine's name → client's tool, for those that differ. */
export type ToolNames = ReadonlyMap<string, ClientTool>;

/** The name for an engine; a pure function of its arguments, so that calls of earlier turns keep theirs. */
export function flatName({ name, namespace }: { name: string; namespace?: string }): string {
  const whole = namespace === undefined ? name : `${namespace}__${name}`;
  if (whole.length <= MAX_NAME) return whole;
  const suffix = `_${hash(whole)}`;
  return whole.slice(0, MAX_NAME - suffix.length) + suffix;
}

export function toolNames(tools: Tool[]): ToolNames {
  const names = new Map<string, ClientTool>();
  for (const tool of tools) {
    const flat = flatName(tool);
    if (flat === tool.name && tool.kind === "function") continue;
    const { name, namespace } = tool;
    names.set(flat, { name, ...(namespace !== undefined && { namespace }), ...(tool.kind === "custom" && { custom: true }) });
  }
  return names;
}

/** A request whose tools are functions, in no namespace. */
export type PlainRequest = Omit<Request, "tools"> & { tools: FunctionTool[] };

/** The request for an engine that knows plain functions only. */
export function withPlainTools(request: Request): PlainRequest {
  return {
    ...request,
    tools: request.tools.map(plainTool),
    messages: request.messages.map((message) =>
      message.role === "assistant"
        ? { ...message, parts: message.parts.map((part) => (part.kind === "tool_call" ? plainCall(part) : part)) }
        : message,
    ),
  };
}

function plainTool(tool: Tool): FunctionTool {
  if (tool.kind === "custom") return wrapCustom(tool);
  const { namespace: _, ...rest } = tool;
  return { ...rest, name: flatName(tool) };
}

function wrapCustom(tool: CustomTool): FunctionTool {
  const grammar = tool.grammar && `The input follows this ${tool.grammar.syntax} grammar:\n${tool.grammar.definition}`;
  return {
    kind: "function",
    name: flatName(tool),
    description: [tool.description, grammar].filter(Boolean).join("\n\n"),
    parameters: {
      type: "object",
      properties: { [INPUT]: { type: "string", description: "The whole input of the tool, as plain text." } },
      required: [INPUT],
      additionalProperties: false,
    },
  };
}

function plainCall(call: ToolCallPart): ToolCallPart {
  const { namespace: _, custom, ...rest } = call;
  return { ...rest, name: flatName(call), arguments: custom ? JSON.stringify({ [INPUT]: call.arguments }) : call.arguments };
}

/** A part of a reply with the tool under the client's name. */
export function restorePart<T extends AssistantPart>(part: T, names: ToolNames): T | ToolCallPart {
  if (part.kind !== "tool_call") return part;
  const tool = names.get(part.name);
  if (!tool) return part;
  return { ...part, ...tool, arguments: tool.custom && !part.custom ? unwrapInput(part.arguments) : part.arguments };
}

/** The free text of a wrapped call; what is not as we asked for is passed on as it is. */
export function unwrapInput(json: string): string {
  try {
    const parsed: unknown = JSON.parse(json);
    const input = typeof parsed === "object" && parsed !== null ? (parsed as Record<string, unknown>)[INPUT] : undefined;
    return typeof input === "string" ? input : json;
  } catch {
    return json;
  }
}

/** FNV-1a, 32 bits, as 8 hex digits. */
function hash(text: string): string {
  let value = 0x811c9dc5;
  for (let at = 0; at < text.length; at++) value = Math.imul(value ^ text.charCodeAt(at), 0x01000193);
  return (value >>> 0).toString(16).padStart(8, "0");
}
