/** The intermediate representation → an OpenAI Responses request. */

import { carry } from "../carries.ts";
import type { Dropped } from "../dropped.ts";
import { compact } from "../field.ts";
import { openaiUser } from "../openai.ts";
import { effortOf } from "../reasoning.ts";
import { flatName } from "../tool-names.ts";
import type { JsonObject, Reasoning, Request, ResponseFormat, TextPart, Tool, ToolChoice } from "../types.ts";
import { noteCacheHints, serialiseItems, systemItem } from "./serialise-item.ts";

/** OpenAI refuses less; Claude Code asks for 1 to see whether its key works. */
const MIN_OUTPUT_TOKENS = 16;

export function serialiseRequest(given: Request, dropped: Dropped): JsonObject {
  const request = carry(given, "openai-responses", dropped);
  const { tools } = request;
  const [instructions, ...more] = request.system;
  noteCacheHints(request.system, dropped);
  return compact({
    model: request.model,
    instructions: instructions?.text,
    input: [
      ...more.map((part: TextPart) => systemItem([part])),
      ...request.messages.flatMap((message) => serialiseItems(message, dropped)),
    ],
    ...(tools.length > 0 && {
      tools: serialiseTools(tools, dropped),
      tool_choice: toolChoice(request.toolChoice, tools),
      parallel_tool_calls: request.parallelToolCalls,
    }),
    max_output_tokens: request.maxOutputTokens === undefined ? undefined : Math.max(request.maxOutputTokens, MIN_OUTPUT_TOKENS),
    temperature: request.temperature,
    top_p: request.topP,
    ...(request.stream && { stream: true }),
    text: textConfig(request),
    reasoning: reasoning(request.reasoning),
    metadata: request.metadata,
    safety_identifier: openaiUser(request.user, dropped),
    prompt_cache_key: request.promptCacheKey,
    // Nothing is looked up later, so nothing is kept there; reasoning then travels with the conversation.
    store: false,
    include: ["reasoning.encrypted_content"],
  });
}

/** Those of a namespace stand together, where its first one stood. */
function serialiseTools(tools: Tool[], dropped: Dropped): JsonObject[] {
  const groups = Map.groupBy(tools, (tool) => tool.namespace);
  const placed = new Set<string>();
  return tools.flatMap((tool) => {
    if (tool.namespace === undefined) return [serialiseTool(tool, dropped)];
    if (placed.has(tool.namespace)) return [];
    placed.add(tool.namespace);
    const inner = groups.get(tool.namespace) ?? [];
    return [
      { type: "namespace", name: tool.namespace, description: tool.namespace, tools: inner.map((each) => serialiseTool(each, dropped)) },
    ];
  });
}

/** Without `strict: false` OpenAI makes a schema strict by itself. */
function serialiseTool(tool: Tool, dropped: Dropped): JsonObject {
  const { name, description } = tool;
  if (tool.kind === "custom")
    return compact({ type: "custom", name, description, format: tool.grammar && { type: "grammar", ...tool.grammar } });
  if (tool.cache) dropped.add("tools[].cache_control");
  return compact({ type: "function", name: flatName({ name }), description, parameters: tool.parameters, strict: tool.strict ?? false });
}

function toolChoice(choice: ToolChoice | undefined, tools: Tool[]): unknown {
  if (choice?.mode !== "tool") return choice?.mode;
  const isCustom = tools.some((tool) => tool.kind === "custom" && tool.name === choice.name);
  return isCustom ? { type: "custom", name: choice.name } : { type: "function", name: flatName(choice) };
}

function textConfig({ responseFormat, verbosity }: Request): JsonObject | undefined {
  return responseFormat || verbosity ? compact({ format: formatConfig(responseFormat), verbosity }) : undefined;
}

function formatConfig(format: ResponseFormat | undefined): JsonObject | undefined {
  if (!format) return undefined;
  const { kind, ...schema } = format;
  return { type: kind, ...schema, ...(kind === "json_schema" && { strict: "strict" in schema && schema.strict === true }) };
}

/** Whoever asks another dialect for thinking gets to see it: OpenAI shows a summary. */
function reasoning(given: Reasoning | undefined): JsonObject | undefined {
  if (!given) return undefined;
  const effort = given.effort ?? (given.budget === undefined ? undefined : effortOf(given.budget));
  const summary = given.summary ?? (given.budget !== undefined || given.adaptive ? "auto" : undefined);
  return effort || summary ? compact({ effort, summary }) : undefined;
}
