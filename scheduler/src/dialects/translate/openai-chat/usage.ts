/** `prompt_tokens` includes the cached ones, `completion_tokens` the reasoning. */

import type { Field } from "../field.ts";
import type { JsonObject, StopReason, Usage } from "../types.ts";

/** Undefined where the engine gave none that can be. */
export function parseUsage(usage: Field): Usage | undefined {
  const count = (...path: string[]) => path.reduce((field, key) => field.get(key), usage).tokens();
  const input = count("prompt_tokens");
  const output = count("completion_tokens");
  if (input === undefined || output === undefined) return undefined;
  return {
    input,
    output,
    // DeepSeek has a name of its own.
    cacheRead: count("prompt_tokens_details", "cached_tokens") ?? count("prompt_cache_hit_tokens") ?? 0,
    cacheWrite: count("prompt_tokens_details", "cache_write_tokens") ?? 0,
    cacheWrite1h: 0,
    reasoning: count("completion_tokens_details", "reasoning_tokens") ?? 0,
  };
}

export const serialiseUsage = (usage: Usage): JsonObject => ({
  prompt_tokens: usage.input,
  completion_tokens: usage.output,
  total_tokens: usage.input + usage.output,
  prompt_tokens_details: { cached_tokens: usage.cacheRead, cache_write_tokens: usage.cacheWrite },
  completion_tokens_details: { reasoning_tokens: usage.reasoning },
});

const STOP: Record<string, StopReason> = {
  stop: "end",
  length: "max_tokens",
  tool_calls: "tool_calls",
  function_call: "tool_calls",
  content_filter: "content_filter",
};

export const parseFinish = (finish: string): StopReason => STOP[finish] ?? "end";

const FINISH: Record<StopReason, string> = {
  end: "stop",
  stop_sequence: "stop",
  pause: "stop",
  max_tokens: "length",
  context_window: "length",
  tool_calls: "tool_calls",
  refusal: "content_filter",
  content_filter: "content_filter",
};

/** A refusal in words is a reply like any other; one without them was a filter's. */
export const finishReason = (stop: StopReason, inWords: boolean): string => (stop === "refusal" && inWords ? "stop" : FINISH[stop]);
