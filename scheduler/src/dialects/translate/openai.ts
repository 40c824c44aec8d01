/** What OpenAI's two dialects have in common in their requests. */

import type { Dropped } from "./dropped.ts";
import type { Field } from "./field.ts";
import type { CustomTool, FunctionTool, ResponseFormat, Tool, ToolChoice } from "./types.ts";

/** Reads `{name, description, parameters, strict}`. */
export function parseFunction(field: Field): FunctionTool {
  const description = field.get("description").optional("string");
  const parameters = field.get("parameters");
  return {
    kind: "function",
    name: field.get("name").string(),
    ...(description !== undefined && { description }),
    parameters: parameters.present ? parameters.object() : { type: "object", properties: {} },
    ...(field.get("strict").optional("boolean") && { strict: true }),
  };
}

/** `format` is where the two dialects differ: the grammar's own object. */
export function parseCustom(field: Field, grammar: Field): CustomTool {
  const description = field.get("description").optional("string");
  return {
    kind: "custom",
    name: field.get("name").string(),
    ...(description !== undefined && { description }),
    ...(grammar.get("definition").present && {
      grammar: { syntax: grammar.get("syntax").string(), definition: grammar.get("definition").string() },
    }),
  };
}

/** Reads `{name, description, schema, strict}`. */
export function parseJsonSchema(field: Field): ResponseFormat {
  const description = field.get("description").optional("string");
  return {
    kind: "json_schema",
    name: field.get("name").string(),
    ...(description !== undefined && { description }),
    schema: field.get("schema").object(),
    ...(field.get("strict").optional("boolean") && { strict: true }),
  };
}

export function parseMetadata(field: Field): Record<string, string> | undefined {
  if (!field.present) return undefined;
  return Object.fromEntries(field.keys().map((key) => [key, field.get(key).string()]));
}

/** `allowed_tools`: the others are taken away. */
export function allowOnly(tools: Tool[], allowed: string[], mode: "auto" | "required"): { tools: Tool[]; toolChoice: ToolChoice } {
  return { tools: tools.filter((tool) => allowed.includes(tool.name)), toolChoice: { mode } };
}

/** OpenAI refuses a request whose user is longer (Claude Code's metadata.user_id is). */
const MAX_USER = 64;

export function openaiUser(user: string | undefined, dropped: Dropped): string | undefined {
  if (user === undefined || user.length <= MAX_USER) return user;
  dropped.add("user");
  return undefined;
}
