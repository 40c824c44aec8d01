/**
 * A scripted provider that speaks Anthropic Messages (`/v1/messages`, `/v1/messages/count_tokens`, `/v1/models`), with a ledger.
 *
 *     const provider = await startAnthropicProvider({ script: () => ({ thinking: { text: "Hm.", seal: "c2ln" }, text: "Hi." }) });
 */

import type { Provider } from "./provider.ts";
import {
  callsOf,
  type RenderedReply,
  type RichPlan,
  type RichProviderOptions,
  type RichUsage,
  startScripted,
  usageOf,
  wordsOf,
} from "./provider-anthropic-or-responses.ts";
import type { PlannedError, ScriptedRequest } from "./provider-plan.ts";

export const startAnthropicProvider = (options: RichProviderOptions = {}): Promise<Provider> =>
  startScripted(
    {
      path: "/v1/messages",
      models: (ids) => ({
        data: ids.map((id) => ({ id, type: "model", display_name: id, created_at: "2026-01-01T00:00:00Z" })),
        has_more: false,
        first_id: ids[0] ?? null,
        last_id: ids.at(-1) ?? null,
      }),
      error: errorBody,
      render,
      answer: (request) =>
        request.path === "/v1/messages/count_tokens" ? { input_tokens: Math.ceil(request.rawBody.length / 4) } : undefined,
    },
    options,
  );

const ERROR_TYPES: Record<number, string> = {
  400: "invalid_request_error",
  401: "authentication_error",
  402: "billing_error",
  403: "permission_error",
  404: "not_found_error",
  429: "rate_limit_error",
  529: "overloaded_error",
};

const errorBody = ({ status, type, message = `scripted ${status}` }: PlannedError) => ({
  type: "error",
  error: { type: type ?? ERROR_TYPES[status] ?? "api_error", message },
});

/** A content block as it is in JSON, as it begins in a stream, and what comes in between: a delta is a token. */
interface Block {
  whole: object;
  empty: object;
  deltas: object[];
  /** After the deltas; no token. */
  last?: object;
}

function render(request: ScriptedRequest, plan: RichPlan, n: number): RenderedReply {
  const blocks = blocksOf(plan, n);
  const usage = usageOf(
    request,
    plan,
    blocks.reduce((sum, block) => sum + block.deltas.length, 0),
  );
  const stop = { stop_reason: plan.stop ?? (plan.toolCalls ? "tool_use" : "end_turn"), stop_sequence: null };
  const head = { id: `msg_${n}`, type: "message", role: "assistant", model: plan.model ?? request.model };
  const events = [
    event("message_start", {
      message: { ...head, content: [], stop_reason: null, stop_sequence: null, usage: { ...wireUsage(usage), output_tokens: 1 } },
    }),
    event("ping", {}),
    ...blocks.flatMap((block, index) => [
      event("content_block_start", { index, content_block: block.empty }),
      ...block.deltas.map((delta) => event("content_block_delta", { index, delta }, 1)),
      ...(block.last ? [event("content_block_delta", { index, delta: block.last })] : []),
      event("content_block_stop", { index }),
    ]),
    event("message_delta", {
      delta: stop,
      usage: { output_tokens: usage.output, output_tokens_details: { thinking_tokens: usage.reasoning } },
    }),
    event("message_stop", {}),
  ];
  return {
    json: JSON.stringify({ ...head, content: blocks.map((block) => block.whole), ...stop, usage: wireUsage(usage) }),
    events,
    usage,
  };
}

const event = (type: string, fields: object, tokens = 0) => ({
  bytes: `event: ${type}\ndata: ${JSON.stringify({ type, ...fields })}\n\n`,
  tokens,
});

function blocksOf(plan: RichPlan, n: number): Block[] {
  const blocks: Block[] = [];
  if (plan.thinking) {
    const { text, seal = "" } = plan.thinking;
    blocks.push({
      whole: { type: "thinking", thinking: text, signature: seal },
      empty: { type: "thinking", thinking: "", signature: "" },
      deltas: text.split(/(?<= )/).map((thinking) => ({ type: "thinking_delta", thinking })),
      last: { type: "signature_delta", signature: seal },
    });
  }
  const words = wordsOf(plan);
  if (words.length > 0) {
    blocks.push({
      whole: { type: "text", text: words.join(""), citations: null },
      empty: { type: "text", text: "" },
      deltas: words.map((text) => ({ type: "text_delta", text })),
    });
  }
  for (const { id, name, text } of callsOf(plan, n, "toolu_")) {
    const half = Math.ceil(text.length / 2);
    blocks.push({
      whole: { type: "tool_use", id, name, input: JSON.parse(text || "{}") },
      empty: { type: "tool_use", id, name, input: {} },
      deltas: ["", text.slice(0, half), text.slice(half)].map((partial_json) => ({ type: "input_json_delta", partial_json })),
    });
  }
  return blocks;
}

/** `input_tokens` leaves out the cached ones. */
const wireUsage = (usage: RichUsage) => ({
  input_tokens: usage.input - usage.cacheRead - usage.cacheWrite,
  cache_creation_input_tokens: usage.cacheWrite,
  cache_read_input_tokens: usage.cacheRead,
  cache_creation: { ephemeral_5m_input_tokens: usage.cacheWrite - usage.cacheWrite1h, ephemeral_1h_input_tokens: usage.cacheWrite1h },
  output_tokens: usage.output,
  output_tokens_details: { thinking_tokens: usage.reasoning },
  service_tier: "standard",
});
