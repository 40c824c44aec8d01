import { randomBytes } from "node:crypto";
import type { Reply } from "../capture/scripted-server.ts";

export interface MessagesToolCall {
  name: string;
  input: Record<string, unknown>;
}

/** One turn of the scripted model, in terms of the Messages API. */
export interface MessagesPlan {
  text?: string;
  toolCalls?: MessagesToolCall[];
  /** What the answer says its model is; default the one asked for. */
  model?: string;
  usage?: Record<string, unknown>;
  /** Milliseconds between chunks of text. */
  chunkDelayMs?: number;
  error?: { status: number; type: string; message: string; headers?: Record<string, string> };
}

const DEFAULT_USAGE = { input_tokens: 120, cache_creation_input_tokens: 0, cache_read_input_tokens: 0, service_tier: "standard" };
const id = (prefix: string) => prefix + randomBytes(12).toString("hex");

/** The answer of `POST /v1/messages` to a plan, streamed or not as the request asks. Output tokens: 11 a block and 1 a word. */
export function renderMessages(body: Record<string, unknown>, plan: MessagesPlan): Reply {
  const requestId = id("req_");
  if (plan.error) {
    const { status, type, message, headers } = plan.error;
    return {
      status,
      headers: { "request-id": requestId, ...headers },
      json: { type: "error", error: { type, message }, request_id: requestId },
    };
  }
  const text = plan.text ?? (plan.toolCalls ? undefined : "Hello from the scripted model.");
  const content = [
    ...(text === undefined ? [] : [{ type: "text" as const, text }]),
    ...(plan.toolCalls ?? []).map((call) => ({ type: "tool_use" as const, id: id("toolu_"), ...call })),
  ];
  const model = plan.model ?? String(body.model);
  const usage = { ...DEFAULT_USAGE, ...plan.usage };
  const outputTokens = content.length * 11 + (text?.split(" ").length ?? 0);
  const message = { id: id("msg_"), type: "message", role: "assistant", model, stop_sequence: null };
  const stopReason = plan.toolCalls ? "tool_use" : "end_turn";
  const served = { model, usage: { ...usage, output_tokens: outputTokens } };
  const headers = { "request-id": requestId };
  if (body.stream !== true) {
    return { headers, json: { ...message, content, stop_reason: stopReason, usage: served.usage }, served };
  }

  const events: Record<string, unknown>[] = [
    { type: "message_start", message: { ...message, content: [], stop_reason: null, usage: { ...usage, output_tokens: 1 } } },
  ];
  content.forEach((block, index) => {
    const isText = block.type === "text";
    const start = isText ? { type: "text", text: "" } : { ...block, input: {} };
    const deltas = isText
      ? chunks(block.text).map((chunk) => ({ type: "text_delta", text: chunk }))
      : [{ type: "input_json_delta", partial_json: JSON.stringify(block.input) }];
    events.push(
      { type: "content_block_start", index, content_block: start },
      ...deltas.map((delta) => ({ type: "content_block_delta", index, delta })),
      { type: "content_block_stop", index },
    );
  });
  events.push(
    { type: "message_delta", delta: { stop_reason: stopReason, stop_sequence: null }, usage: { output_tokens: outputTokens } },
    { type: "message_stop" },
  );
  return {
    headers,
    events: events.map((data) => ({ event: String(data.type), data })),
    ...(plan.chunkDelayMs === undefined ? {} : { eventDelayMs: plan.chunkDelayMs }),
    served,
  };
}

/** Eight words a chunk, so that a stream has a middle. */
function chunks(text: string): string[] {
  return text.match(/(?:\S+\s*){1,8}/g) ?? [""];
}
