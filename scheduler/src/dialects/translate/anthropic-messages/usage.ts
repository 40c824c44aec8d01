/** Anthropic's `input_tokens` leaves out what was read from and written to the cache; ours, as OpenAI's, includes it. */

import type { Field } from "../field.ts";
import { type JsonObject, NO_USAGE, type StopReason, type Usage } from "../types.ts";

/** What was told so far: the events of a stream tell piece by piece, each a total. */
export interface ToldUsage {
  /** Without what was read from and written to the cache. */
  plainInput: number | undefined;
  output: number | undefined;
  cacheRead: number | undefined;
  cacheWrite: number | undefined;
  cacheWrite1h: number | undefined;
  reasoning: number | undefined;
}

export function readUsage(usage: Field, before?: ToldUsage): ToldUsage {
  const count = (...path: string[]) => path.reduce((field, key) => field.get(key), usage).tokens();
  return {
    plainInput: count("input_tokens") ?? before?.plainInput,
    output: count("output_tokens") ?? before?.output,
    cacheRead: count("cache_read_input_tokens") ?? before?.cacheRead,
    cacheWrite: count("cache_creation_input_tokens") ?? before?.cacheWrite,
    cacheWrite1h: count("cache_creation", "ephemeral_1h_input_tokens") ?? before?.cacheWrite1h,
    reasoning: count("output_tokens_details", "thinking_tokens") ?? before?.reasoning,
  };
}

/** Undefined where the engine gave none that can be. */
export function usageOf(told: ToldUsage): Usage | undefined {
  const { plainInput, output, cacheRead = 0, cacheWrite = 0, cacheWrite1h = 0, reasoning = 0 } = told;
  if (plainInput === undefined || output === undefined) return undefined;
  return { input: plainInput + cacheRead + cacheWrite, output, cacheRead, cacheWrite, cacheWrite1h, reasoning };
}

/** Clients of this dialect are told counts in any case: zeros where nobody knows. */
export const serialiseUsage = (usage: Usage = NO_USAGE): JsonObject => ({
  input_tokens: Math.max(0, usage.input - usage.cacheRead - usage.cacheWrite),
  cache_creation_input_tokens: usage.cacheWrite,
  cache_read_input_tokens: usage.cacheRead,
  cache_creation: { ephemeral_5m_input_tokens: usage.cacheWrite - usage.cacheWrite1h, ephemeral_1h_input_tokens: usage.cacheWrite1h },
  output_tokens: usage.output,
  output_tokens_details: { thinking_tokens: usage.reasoning },
});

const STOP: Record<string, StopReason> = {
  end_turn: "end",
  tool_use: "tool_calls",
  max_tokens: "max_tokens",
  model_context_window_exceeded: "context_window",
  stop_sequence: "stop_sequence",
  refusal: "refusal",
  pause_turn: "pause",
};

export const parseStop = (reason: string): StopReason => STOP[reason] ?? "end";

const REASON: Record<StopReason, string> = {
  end: "end_turn",
  tool_calls: "tool_use",
  max_tokens: "max_tokens",
  context_window: "model_context_window_exceeded",
  stop_sequence: "stop_sequence",
  refusal: "refusal",
  content_filter: "refusal",
  pause: "pause_turn",
};

export const stopReason = (stop: StopReason): string => REASON[stop];
