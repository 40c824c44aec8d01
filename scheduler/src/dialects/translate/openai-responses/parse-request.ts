/** An OpenAI Responses request, as Codex and the SDK send it → the intermediate representation. */

import type { Dropped } from "../dropped.ts";
import { compact, type Field } from "../field.ts";
import { arrange } from "../messages.ts";
import { allowOnly, parseJsonSchema, parseMetadata } from "../openai.ts";
import { refuse } from "../refuse.ts";
import { EFFORTS, type Reasoning, type Request, type ResponseFormat, type Tool, type ToolChoice } from "../types.ts";
import { parseItem } from "./parse-item.ts";
import { parseTools, type ServerTools } from "./parse-tools.ts";

const REFUSED = {
  previous_response_id: "refers to a reply kept on OpenAI's servers; send the whole conversation as `input`",
  conversation: "refers to a conversation kept on OpenAI's servers; send it as `input`",
  prompt: "refers to a prompt kept on OpenAI's servers; send its text",
  background: "asks to be answered later, by OpenAI's servers",
  top_logprobs: "asks for log probabilities, which other dialects do not have",
};

const READ = new Set([
  ...Object.keys(REFUSED),
  ...["model", "instructions", "input", "tools", "tool_choice", "parallel_tool_calls", "max_output_tokens", "temperature", "top_p"],
  ...["stream", "text", "reasoning", "metadata", "user", "safety_identifier", "prompt_cache_key"],
]);

/** @throws FieldError for what cannot be translated */
export function parseRequest(body: Field, dropped: Dropped, { serverTools }: { serverTools: ServerTools }): Request {
  refuse(body, REFUSED);
  dropped.addRest(body, READ);
  const input = body.get("input");
  const items = typeof input.value === "string" ? [] : input.items();
  const instructions = body.get("instructions").optional("string");
  const { system, messages } = arrange(
    typeof input.value === "string"
      ? [{ role: "user", parts: [{ kind: "text", text: input.value }] }]
      : items.flatMap((item) => parseItem(item, dropped)),
  );
  const added = items.filter((item) => item.get("type").value === "additional_tools").flatMap((item) => item.get("tools").items());
  const tools = parseTools([...body.get("tools").optionalItems(), ...added], dropped, serverTools);
  return compact({
    model: body.get("model").string(),
    system: instructions ? [{ kind: "text" as const, text: instructions }, ...system] : system,
    messages,
    ...toolsAndChoice(tools, body.get("tool_choice")),
    parallelToolCalls: body.get("parallel_tool_calls").optional("boolean"),
    maxOutputTokens: body.get("max_output_tokens").optional("number"),
    temperature: body.get("temperature").optional("number"),
    topP: body.get("top_p").optional("number"),
    stop: [],
    stream: body.get("stream").optional("boolean") ?? false,
    includeUsage: true,
    responseFormat: responseFormat(body.get("text").get("format")),
    reasoning: reasoning(body.get("reasoning")),
    verbosity: body.get("text").get("verbosity").optional("string"),
    metadata: parseMetadata(body.get("metadata")),
    user: body.get("safety_identifier").optional("string") ?? body.get("user").optional("string"),
    promptCacheKey: body.get("prompt_cache_key").optional("string"),
  });
}

function toolsAndChoice(tools: Tool[], choice: Field): { tools: Tool[]; toolChoice: ToolChoice | undefined } {
  if (!choice.present) return { tools, toolChoice: undefined };
  switch (choice.get("type").value) {
    case undefined:
      return { tools, toolChoice: { mode: choice.oneOf(["auto", "none", "required"]) } };
    case "function":
    case "custom":
      return { tools, toolChoice: { mode: "tool", name: choice.get("name").string() } };
    case "allowed_tools": {
      const names = choice
        .get("tools")
        .items()
        .map((tool) => tool.get("name").string());
      return allowOnly(tools, names, choice.get("mode").oneOf(["auto", "required"]));
    }
    default:
      return choice.fail("forces a tool of OpenAI's own, which other engines do not have");
  }
}

function responseFormat(format: Field): ResponseFormat | undefined {
  if (!format.present) return undefined;
  const type = format.get("type").oneOf(["text", "json_object", "json_schema"]);
  if (type === "text") return undefined;
  return type === "json_object" ? { kind: type } : parseJsonSchema(format);
}

function reasoning(field: Field): Reasoning | undefined {
  if (!field.present) return undefined;
  const effort = field.get("effort");
  return compact({ effort: effort.present ? effort.oneOf(EFFORTS) : undefined, summary: field.get("summary").optional("string") });
}
