/** The chat completions dialect of the scripted provider: a plan as one JSON body, or as server-sent events. */

import type { PlannedToolCall, ReplyPlan, ScriptedRequest, ServedUsage } from "./provider-plan.ts";

const GREETING = "Hello from the scripted provider.";

export interface RenderedChat {
  json: string;
  /** Events without the `data: ` frame; `[DONE]` is the last. */
  events: string[];
  usage: ServedUsage;
  /** How many of the first events carry a token each: what a broken stream is charged for. */
  contentEvents: number;
}

export function renderChat(request: ScriptedRequest, plan: ReplyPlan, n: number): RenderedChat {
  const text = plan.text ?? (plan.toolCalls ? "" : GREETING);
  const words = text.split(/(?<= )/).filter(Boolean);
  const toolCalls = (plan.toolCalls ?? []).map((call, index) => toolCall(call, n, index));
  const deltas = [
    ...words.map((content) => ({ content })),
    ...toolCalls.flatMap((call, index) => [
      { tool_calls: [{ index, ...call, function: { name: call.function.name, arguments: "" } }] },
      { tool_calls: [{ index, function: { arguments: call.function.arguments } }] },
    ]),
  ];
  const usage: ServedUsage = {
    input: plan.usage?.input ?? Math.ceil(request.rawBody.length / 4),
    output: plan.usage?.output ?? deltas.length,
    cacheRead: plan.usage?.cacheRead ?? 0,
    reasoning: plan.usage?.reasoning ?? 0,
  };
  const finishReason = toolCalls.length > 0 ? "tool_calls" : "stop";
  const base = { id: `chatcmpl-${n}`, created: Math.floor(Date.now() / 1000), model: plan.model ?? request.model };
  const choice = (delta: object, finish: string | null = null) => ({
    ...base,
    object: "chat.completion.chunk",
    choices: [{ index: 0, delta, finish_reason: finish }],
  });
  const events: object[] = [choice({ role: "assistant", content: "" }), ...deltas.map((delta) => choice(delta)), choice({}, finishReason)];
  if (includesUsage(request)) events.push({ ...base, object: "chat.completion.chunk", choices: [], usage: wireUsage(usage) });

  const message = { role: "assistant", content: text || null, ...(toolCalls.length > 0 && { tool_calls: toolCalls }) };
  const completion = {
    ...base,
    object: "chat.completion",
    choices: [{ index: 0, message, finish_reason: finishReason }],
    usage: wireUsage(usage),
  };
  return {
    json: JSON.stringify(completion),
    events: [...events.map((event) => JSON.stringify(event)), "[DONE]"],
    usage,
    contentEvents: deltas.length,
  };
}

function toolCall(call: PlannedToolCall, n: number, index: number) {
  const text = typeof call.arguments === "string" ? call.arguments : JSON.stringify(call.arguments);
  return { id: call.id ?? `call_${n}_${index}`, type: "function", function: { name: call.name, arguments: text } };
}

function includesUsage(request: ScriptedRequest): boolean {
  const options = request.body.stream_options as { include_usage?: boolean } | null | undefined;
  return options?.include_usage === true;
}

function wireUsage(usage: ServedUsage) {
  return {
    prompt_tokens: usage.input,
    completion_tokens: usage.output,
    total_tokens: usage.input + usage.output,
    prompt_tokens_details: { cached_tokens: usage.cacheRead },
    completion_tokens_details: { reasoning_tokens: usage.reasoning },
  };
}
