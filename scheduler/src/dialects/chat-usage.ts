/** OpenAI's usage object in our terms. Its prompt_tokens include the cached ones and its completion_tokens the reasoning. */

import type { TokenUsage } from "@signalbox/otel/prices";
import { tokenCount } from "./token-count.ts";

export interface CallUsage extends TokenUsage {
  cacheRead: number;
  reasoning: number;
}

/** What an engine said about one reply. */
export interface ReplyFacts {
  usage: CallUsage | undefined;
  finishReason: string | undefined;
  id: string | undefined;
  model: string | undefined;
}

interface WireReply {
  id?: unknown;
  model?: unknown;
  choices?: { finish_reason?: unknown }[];
  usage?: {
    prompt_tokens?: unknown;
    completion_tokens?: unknown;
    prompt_tokens_details?: { cached_tokens?: unknown } | null;
    completion_tokens_details?: { reasoning_tokens?: unknown } | null;
    /** DeepSeek's name for cached tokens. */
    prompt_cache_hit_tokens?: unknown;
  } | null;
}

/** Reads a completion or a chunk; what is not there, or not of its type, is undefined. */
export function readReply(json: string): ReplyFacts {
  let reply: WireReply | null = null;
  try {
    reply = JSON.parse(json) as WireReply | null;
  } catch {
    // Not JSON: relayed all the same, with its usage unknown.
  }
  return {
    usage: readUsage(reply?.usage),
    finishReason: text(reply?.choices?.[0]?.finish_reason),
    id: text(reply?.id),
    model: text(reply?.model),
  };
}

function readUsage(usage: WireReply["usage"]): CallUsage | undefined {
  const input = tokenCount(usage?.prompt_tokens);
  const output = tokenCount(usage?.completion_tokens);
  if (!usage || input === undefined || output === undefined) return undefined;
  return {
    input,
    output,
    cacheRead: tokenCount(usage.prompt_tokens_details?.cached_tokens) ?? tokenCount(usage.prompt_cache_hit_tokens) ?? 0,
    reasoning: tokenCount(usage.completion_tokens_details?.reasoning_tokens) ?? 0,
  };
}

const text = (value: unknown) => (typeof value === "string" && value !== "" ? value : undefined);
