/** The intermediate representation → an Anthropic Messages request. */

import { carry } from "../carries.ts";
import type { Dropped } from "../dropped.ts";
import { compact } from "../field.ts";
import { budgetOf } from "../reasoning.ts";
import { flatName, withPlainTools } from "../tool-names.ts";
import type { FunctionTool, JsonObject, Message, Reasoning, Request, ResponseFormat } from "../types.ts";
import { cacheControl } from "./cache.ts";
import { modelTraits } from "./models.ts";
import { serialiseMessages, textBlock } from "./serialise-message.ts";

/** @param defaultMaxTokens Anthropic wants a limit, the other dialects do not */
export function serialiseRequest(given: Request, dropped: Dropped, defaultMaxTokens: number): JsonObject {
  const request = withPlainTools(carry(given, "anthropic-messages", dropped));
  const traits = modelTraits(request.model);
  const budget = traits.thinking === "budget" ? manualBudget(request, dropped) : undefined;
  const limit = request.maxOutputTokens ?? defaultMaxTokens;
  return compact({
    model: request.model,
    // Thinking counts towards the limit, and the limit must be above it.
    max_tokens: budget !== undefined && limit <= budget ? budget + limit : limit,
    ...(request.system.length > 0 && { system: request.system.map(textBlock) }),
    messages: serialiseMessages(request.messages, dropped),
    ...(request.tools.length > 0 && { tools: request.tools.map(serialiseTool), tool_choice: toolChoice(request) }),
    ...sampling(request, traits.sampling && budget === undefined, dropped),
    ...(request.stop.length > 0 && { stop_sequences: request.stop }),
    ...(request.stream && { stream: true }),
    thinking: budget === undefined ? thinkingMode(request.reasoning, traits.thinking) : { type: "enabled", budget_tokens: budget },
    output_config: outputConfig(request, traits.thinking === "adaptive", dropped),
    ...(request.user !== undefined && { metadata: { user_id: request.user } }),
    ...cacheControl(request.cache ?? (isHinted(request) ? undefined : automaticCache(request))),
  });
}

function serialiseTool({ name, description, parameters, strict, cache }: FunctionTool): JsonObject {
  return compact({ name, description, input_schema: { type: "object", ...parameters }, strict, ...cacheControl(cache) });
}

function toolChoice({ toolChoice: choice, parallelToolCalls }: Omit<Request, "tools">): JsonObject | undefined {
  const sequential = parallelToolCalls === undefined ? {} : { disable_parallel_tool_use: !parallelToolCalls };
  if (!choice) return parallelToolCalls === undefined ? undefined : { type: "auto", ...sequential };
  if (choice.mode === "none") return { type: "none" };
  if (choice.mode === "tool") return { type: "tool", name: flatName(choice), ...sequential };
  return { type: choice.mode === "required" ? "any" : "auto", ...sequential };
}

/** Sampling parameters go with neither manual thinking nor newer models. Anthropic's temperature ends at 1, OpenAI's at 2. */
function sampling(request: Omit<Request, "tools">, allowed: boolean, dropped: Dropped): JsonObject {
  const fields = compact({
    temperature: request.temperature === undefined ? undefined : Math.min(request.temperature, 1),
    top_p: request.topP,
    top_k: request.topK,
  });
  if (allowed) return fields;
  for (const name of Object.keys(fields)) dropped.add(name);
  return {};
}

/** Tokens of thinking for a model that wants a number; undefined: no manual thinking. */
function manualBudget({ reasoning, messages, toolChoice: choice }: Omit<Request, "tools">, dropped: Dropped): number | undefined {
  if (!reasoning || reasoning.effort === "none") return undefined;
  const budget = reasoning.budget ?? budgetOf(reasoning.effort ?? "medium");
  // Manual thinking wants the turn it goes on with to begin with thinking of Anthropic's own, and no tool to be forced.
  const isForced = choice?.mode === "required" || choice?.mode === "tool";
  if (!isForced && !continuesUnsignedTurn(messages)) return Math.max(budget, 1_024);
  dropped.add("reasoning");
  return undefined;
}

function continuesUnsignedTurn(messages: Message[]): boolean {
  if (messages.at(-1)?.role === "assistant") return true;
  const last = messages.findLast((message) => message.role === "assistant");
  const isToolTurn = messages.at(-1)?.parts.some((part) => part.kind === "tool_result") ?? false;
  return isToolTurn && !last?.parts.some((part) => part.kind === "thinking" && part.seal?.by === "anthropic-messages");
}

function thinkingMode(reasoning: Reasoning | undefined, thinking: "budget" | "adaptive"): JsonObject | undefined {
  if (!reasoning || thinking === "budget") return undefined;
  return reasoning.effort === "none" ? { type: "disabled" } : { type: "adaptive" };
}

function outputConfig(
  { reasoning, responseFormat }: Omit<Request, "tools">,
  knowsEffort: boolean,
  dropped: Dropped,
): JsonObject | undefined {
  const given = reasoning?.effort;
  const effort = knowsEffort && given !== "none" ? (given === "minimal" ? "low" : given) : undefined;
  const format = outputFormat(responseFormat, dropped);
  return effort || format ? compact({ effort, format }) : undefined;
}

function outputFormat(format: ResponseFormat | undefined, dropped: Dropped): JsonObject | undefined {
  if (format?.kind === "json_schema") return { type: "json_schema", schema: format.schema };
  if (format) dropped.add("response_format");
  return undefined;
}

function isHinted({ system, messages }: Omit<Request, "tools">): boolean {
  return [...system, ...messages.flatMap((message): object[] => message.parts)].some((part) => "cache" in part);
}

/** OpenAI caches by itself and its clients count on it; Anthropic only when asked. Pays off from the second call of a conversation on. */
const automaticCache = ({ messages }: Omit<Request, "tools">) =>
  messages.some((message) => message.role === "assistant") ? "5m" : undefined;
