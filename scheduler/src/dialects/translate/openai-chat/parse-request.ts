/** A chat completions request → the intermediate representation. */

import type { Dropped } from "../dropped.ts";
import { compact, type Field } from "../field.ts";
import { arrange } from "../messages.ts";
import { allowOnly, parseCustom, parseFunction, parseJsonSchema, parseMetadata } from "../openai.ts";
import { refuse } from "../refuse.ts";
import { EFFORTS, type Request, type ResponseFormat, type Tool, type ToolChoice } from "../types.ts";
import { parseMessage } from "./parse-message.ts";

const REFUSED = {
  audio: "asks for speech, which only a chat completions engine can give",
  logprobs: "asks for log probabilities, which only a chat completions engine can give",
  top_logprobs: "asks for log probabilities, which only a chat completions engine can give",
  logit_bias: "names tokens of one model's vocabulary",
  functions: "is the old form of `tools`; send `tools`",
  function_call: "is the old form of `tool_choice`; send `tool_choice`",
  web_search_options: "asks for a web search on OpenAI's servers",
};

const READ = new Set([
  ...Object.keys(REFUSED),
  ...[
    "model",
    "messages",
    "tools",
    "tool_choice",
    "parallel_tool_calls",
    "max_tokens",
    "max_completion_tokens",
    "temperature",
    "top_p",
    "n",
  ],
  ...["top_k", "seed", "frequency_penalty", "presence_penalty", "stop", "stream", "stream_options", "response_format", "reasoning_effort"],
  ...["verbosity", "metadata", "user", "safety_identifier", "prompt_cache_key", "modalities"],
]);

/** @throws FieldError for what cannot be translated */
export function parseRequest(body: Field, dropped: Dropped): Request {
  refuse(body, REFUSED);
  if ((body.get("n").optional("number") ?? 1) !== 1) body.get("n").fail("must be 1: other dialects have one choice");
  if (
    body
      .get("modalities")
      .optionalItems()
      .some((item) => item.value !== "text")
  )
    body.get("modalities").fail("must be text only");
  dropped.addRest(body, READ);

  const choice = body.get("tool_choice");
  const tools = body.get("tools").optionalItems().map(parseTool);
  const effort = body.get("reasoning_effort");
  return compact({
    model: body.get("model").string(),
    ...arrange(
      body
        .get("messages")
        .items()
        .map((message) => parseMessage(message, dropped)),
    ),
    ...(choice.get("type").value === "allowed_tools"
      ? allowedTools(choice.get("allowed_tools"), tools)
      : { tools, toolChoice: toolChoice(choice) }),
    parallelToolCalls: body.get("parallel_tool_calls").optional("boolean"),
    maxOutputTokens: body.get("max_completion_tokens").optional("number") ?? body.get("max_tokens").optional("number"),
    temperature: body.get("temperature").optional("number"),
    topP: body.get("top_p").optional("number"),
    topK: body.get("top_k").optional("number"),
    seed: body.get("seed").optional("number"),
    frequencyPenalty: body.get("frequency_penalty").optional("number"),
    presencePenalty: body.get("presence_penalty").optional("number"),
    stop: stopSequences(body.get("stop")),
    stream: body.get("stream").optional("boolean") ?? false,
    includeUsage: body.get("stream_options").get("include_usage").optional("boolean") ?? false,
    responseFormat: responseFormat(body.get("response_format")),
    reasoning: effort.present ? { effort: effort.oneOf(EFFORTS) } : undefined,
    verbosity: body.get("verbosity").optional("string"),
    metadata: parseMetadata(body.get("metadata")),
    user: body.get("user").optional("string") ?? body.get("safety_identifier").optional("string"),
    promptCacheKey: body.get("prompt_cache_key").optional("string"),
  });
}

function parseTool(tool: Field): Tool {
  if (tool.get("type").value === "function") return parseFunction(tool.get("function"));
  if (tool.get("type").value !== "custom") return tool.get("type").fail("must be function or custom");
  const custom = tool.get("custom");
  return parseCustom(custom, custom.get("format").get("grammar"));
}

function toolChoice(field: Field): ToolChoice | undefined {
  if (!field.present) return undefined;
  const type = field.get("type").value;
  if (type === "function" || type === "custom") return { mode: "tool", name: field.get(type).get("name").string() };
  return { mode: field.oneOf(["auto", "none", "required"]) };
}

function allowedTools(field: Field, tools: Tool[]): { tools: Tool[]; toolChoice: ToolChoice } {
  const names = field
    .get("tools")
    .items()
    .map((tool) => tool.get(tool.get("type").string()).get("name").string());
  return allowOnly(tools, names, field.get("mode").oneOf(["auto", "required"]));
}

function stopSequences(field: Field): string[] {
  return typeof field.value === "string" ? [field.value] : field.optionalItems().map((item) => item.string());
}

function responseFormat(field: Field): ResponseFormat | undefined {
  if (!field.present) return undefined;
  const type = field.get("type").oneOf(["text", "json_object", "json_schema"]);
  if (type === "text") return undefined;
  return type === "json_object" ? { kind: type } : parseJsonSchema(field.get("json_schema"));
}
