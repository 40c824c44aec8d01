/** The intermediate representation → a chat completions request that any OpenAI-compatible server takes. */

import { carry } from "../carries.ts";
import type { Dropped } from "../dropped.ts";
import { compact } from "../field.ts";
import { openaiUser } from "../openai.ts";
import { effortOf } from "../reasoning.ts";
import { flatName, type PlainRequest, withPlainTools } from "../tool-names.ts";
import type { Effort, FunctionTool, JsonObject, Reasoning, Request, ResponseFormat, ToolChoice } from "../types.ts";
import { serialiseMessage, textContent } from "./serialise-message.ts";

export type MaxTokensField = "max_tokens" | "max_completion_tokens";

/** @param maxTokensField OpenAI's newer models refuse `max_tokens`; DeepSeek and older servers know only that */
export function serialiseRequest(given: Request, dropped: Dropped, maxTokensField: MaxTokensField): JsonObject {
  const request: PlainRequest = withPlainTools(carry(given, "openai-chat", dropped));
  const { system, tools } = request;
  return compact({
    model: request.model,
    messages: [
      ...(system.length > 0 ? [{ role: "system", content: textContent(system, dropped) }] : []),
      ...request.messages.flatMap((message) => serialiseMessage(message, dropped)),
    ],
    ...(tools.length > 0 && {
      tools: tools.map((tool) => serialiseTool(tool, dropped)),
      tool_choice: toolChoice(request.toolChoice),
      parallel_tool_calls: request.parallelToolCalls,
    }),
    [maxTokensField]: request.maxOutputTokens,
    temperature: request.temperature,
    top_p: request.topP,
    seed: request.seed,
    frequency_penalty: request.frequencyPenalty,
    presence_penalty: request.presencePenalty,
    stop: request.stop.length > 0 ? request.stop : undefined,
    ...(request.stream && { stream: true, stream_options: { include_usage: true } }),
    response_format: responseFormat(request.responseFormat),
    reasoning_effort: effort(request.reasoning),
    verbosity: request.verbosity,
    metadata: request.metadata,
    user: openaiUser(request.user, dropped),
    prompt_cache_key: request.promptCacheKey,
  });
}

function serialiseTool(tool: FunctionTool, dropped: Dropped): JsonObject {
  const { kind: _, cache, ...definition } = tool;
  if (cache) dropped.add("tools[].cache_control");
  return { type: "function", function: definition };
}

function toolChoice(choice: ToolChoice | undefined): unknown {
  if (choice?.mode !== "tool") return choice?.mode;
  return { type: "function", function: { name: flatName(choice) } };
}

function responseFormat(format: ResponseFormat | undefined): JsonObject | undefined {
  if (!format) return undefined;
  const { kind, ...schema } = format;
  return kind === "json_object" ? { type: kind } : { type: kind, json_schema: schema };
}

/** Thinking that was only switched on (Anthropic's adaptive) leaves the effort to the engine. */
function effort(reasoning: Reasoning | undefined): Effort | undefined {
  return reasoning?.effort ?? (reasoning?.budget === undefined ? undefined : effortOf(reasoning.budget));
}
