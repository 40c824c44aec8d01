/** An Anthropic Messages request → the intermediate representation. */

import type { Dropped } from "../dropped.ts";
import { compact, type Field } from "../field.ts";
import { arrange } from "../messages.ts";
import { refuse } from "../refuse.ts";
import type { Effort, FunctionTool, Reasoning, Request, ResponseFormat, TextPart, ToolChoice } from "../types.ts";
import { cacheHint } from "./cache.ts";
import { parseMessage, parseTexts } from "./parse-message.ts";

const REFUSED = {
  container: "runs code on Anthropic's servers",
  mcp_servers: "calls MCP servers from Anthropic's servers",
};

const READ = new Set([
  ...Object.keys(REFUSED),
  ...["model", "system", "messages", "tools", "tool_choice", "max_tokens", "temperature", "top_p", "top_k", "stop_sequences", "stream"],
  ...["thinking", "output_config", "metadata", "cache_control"],
]);

const EFFORTS = ["low", "medium", "high", "xhigh", "max"] as const satisfies Effort[];

export interface ParseOptions {
  /** Tools that run at the provider: refuse the request, or leave them out. */
  serverTools: "refuse" | "drop";
}

/** @throws FieldError for what cannot be translated */
export function parseRequest(body: Field, dropped: Dropped, { serverTools }: ParseOptions): Request {
  refuse(body, REFUSED);
  dropped.addRest(body, READ);
  const system = body.get("system");
  const { system: leading, messages } = arrange(
    body
      .get("messages")
      .items()
      .map((message) => parseMessage(message, dropped)),
  );
  const choice = body.get("tool_choice");
  const sequential = choice.get("disable_parallel_tool_use").optional("boolean");
  const tools = body
    .get("tools")
    .optionalItems()
    .filter((tool) => isClientTool(tool, dropped, serverTools));
  return compact({
    model: body.get("model").string(),
    system: [...(system.present ? parseTexts(system) : []), ...leading] satisfies TextPart[],
    messages,
    tools: tools.map((tool) => parseTool(tool, dropped)),
    toolChoice: toolChoice(choice),
    parallelToolCalls: sequential === undefined ? undefined : !sequential,
    maxOutputTokens: body.get("max_tokens").optional("number"),
    temperature: body.get("temperature").optional("number"),
    topP: body.get("top_p").optional("number"),
    topK: body.get("top_k").optional("number"),
    stop: body
      .get("stop_sequences")
      .optionalItems()
      .map((item) => item.string()),
    stream: body.get("stream").optional("boolean") ?? false,
    includeUsage: true,
    responseFormat: responseFormat(body.get("output_config").get("format")),
    reasoning: reasoning(body),
    user: body.get("metadata").get("user_id").optional("string"),
    cache: cacheHint(body),
  });
}

function isClientTool(tool: Field, dropped: Dropped, serverTools: "refuse" | "drop"): boolean {
  const type = tool.get("type").optional("string") ?? "custom";
  if (type === "custom") return true;
  if (serverTools === "refuse") tool.get("type").fail(`${type} is a tool of Anthropic's own, which other engines do not have`);
  dropped.add(`${tool.path} (${type})`);
  return false;
}

const TOOL_READ = new Set(["type", "name", "description", "input_schema", "strict", "cache_control"]);

function parseTool(tool: Field, dropped: Dropped): FunctionTool {
  dropped.addRest(tool, TOOL_READ);
  return compact({
    kind: "function",
    name: tool.get("name").string(),
    description: tool.get("description").optional("string"),
    parameters: tool.get("input_schema").object(),
    strict: tool.get("strict").optional("boolean") ? (true as const) : undefined,
    cache: cacheHint(tool),
  });
}

function toolChoice(choice: Field): ToolChoice | undefined {
  if (!choice.present) return undefined;
  const type = choice.get("type").oneOf(["auto", "any", "none", "tool"]);
  if (type === "tool") return { mode: "tool", name: choice.get("name").string() };
  return { mode: type === "any" ? "required" : type };
}

function responseFormat(format: Field): ResponseFormat | undefined {
  if (!format.present) return undefined;
  format.get("type").oneOf(["json_schema"]);
  return { kind: "json_schema", name: "response", schema: format.get("schema").object(), strict: true };
}

function reasoning(body: Field): Reasoning | undefined {
  const thinking = body.get("thinking");
  const effort = body.get("output_config").get("effort");
  if (!thinking.present && !effort.present) return undefined;
  const type = thinking.present ? thinking.get("type").string() : undefined;
  if (type === "disabled") return { effort: "none" };
  return compact({
    effort: effort.present ? effort.oneOf(EFFORTS) : undefined,
    budget: type === "enabled" ? thinking.get("budget_tokens").number() : undefined,
    adaptive: type !== undefined && type !== "enabled" ? (true as const) : undefined,
  });
}
