/** `gen_ai.response.finish_reasons` in one set of words, whatever the engine's dialect calls them. */

import type { StopReason } from "../dialects/translate/index.ts";

export const FINISH_REASONS: Record<StopReason, string> = {
  end: "stop",
  stop_sequence: "stop",
  tool_calls: "tool_calls",
  max_tokens: "length",
  context_window: "length",
  refusal: "refusal",
  content_filter: "content_filter",
  pause: "pause",
};
