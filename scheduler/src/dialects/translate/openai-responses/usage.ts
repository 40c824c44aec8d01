/** `input_tokens` includes the cached ones, `output_tokens` the reasoning. */

import type { Field } from "../field.ts";
import type { JsonObject, StopReason, Usage } from "../types.ts";

/** Undefined where the engine gave none that can be. */
export function parseUsage(usage: Field): Usage | undefined {
  const count = (...path: string[]) => path.reduce((field, key) => field.get(key), usage).tokens();
  const input = count("input_tokens");
  const output = count("output_tokens");
  if (input === undefined || output === undefined) return undefined;
  return {
    input,
    output,
    cacheRead: count("input_tokens_details", "cached_tokens") ?? 0,
    cacheWrite: count("input_tokens_details", "cache_write_tokens") ?? 0,
    cacheWrite1h: 0,
    reasoning: count("output_tokens_details", "reasoning_tokens") ?? 0,
  };
}

export const serialiseUsage = (usage: Usage): JsonObject => ({
  input_tokens: usage.input,
  input_tokens_details: { cached_tokens: usage.cacheRead, cache_write_tokens: usage.cacheWrite },
  output_tokens: usage.output,
  output_tokens_details: { reasoning_tokens: usage.reasoning },
  total_tokens: usage.input + usage.output,
});

/** How a response that did not fail ended; `said` is what it is made of. */
export function parseStop(response: Field, said: { toolCalls: boolean; refusal: boolean }): StopReason {
  if (response.get("status").value === "incomplete") {
    return response.get("incomplete_details").get("reason").value === "content_filter" ? "content_filter" : "max_tokens";
  }
  if (said.refusal) return "refusal";
  return said.toolCalls ? "tool_calls" : "end";
}

export interface Ending {
  status: "completed" | "incomplete";
  incomplete_details: { reason: "max_output_tokens" | "content_filter" } | null;
}

const COMPLETED: Ending = { status: "completed", incomplete_details: null };
const TOO_LONG: Ending = { status: "incomplete", incomplete_details: { reason: "max_output_tokens" } };
const FILTERED: Ending = { status: "incomplete", incomplete_details: { reason: "content_filter" } };

/** A refusal in words is a reply like any other; one without them was a filter's. */
export function ending(stop: StopReason, refusalInWords: boolean): Ending {
  if (stop === "max_tokens" || stop === "context_window") return TOO_LONG;
  if (stop === "content_filter") return FILTERED;
  return stop === "refusal" && !refusalInWords ? FILTERED : COMPLETED;
}
