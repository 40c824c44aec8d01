import { randomBytes } from "node:crypto";
import type { Reply } from "../capture/scripted-server.ts";

export interface ResponsesToolCall {
  name: string;
  arguments: Record<string, unknown>;
}

/** One turn of the scripted model, in terms of the Responses API. */
export interface ResponsesPlan {
  text?: string;
  toolCalls?: ResponsesToolCall[];
  /** What the answer says its model is; default the one asked for. */
  model?: string;
  usage?: { input_tokens?: number; cached_tokens?: number; cache_write_tokens?: number; output_tokens?: number; reasoning_tokens?: number };
  /** Milliseconds between chunks of text. */
  chunkDelayMs?: number;
  error?: { status: number; body: Record<string, unknown>; headers?: Record<string, string> };
}

interface Tool {
  type?: string;
  name?: string;
  tools?: Tool[];
}

const id = (prefix: string) => prefix + randomBytes(12).toString("hex");

/** The streamed answer of `POST /v1/responses` to a plan. */
export function renderResponses(body: Record<string, unknown>, plan: ResponsesPlan): Reply {
  if (plan.error)
    return { status: plan.error.status, headers: { "x-request-id": id("req_"), ...plan.error.headers }, json: plan.error.body };

  const namespaces = namespacesOf(body);
  const text = plan.text ?? (plan.toolCalls ? undefined : "Hello from the scripted model.");
  const items: Record<string, unknown>[] = [
    ...(text === undefined ? [] : [message(text)]),
    ...(plan.toolCalls ?? []).map((call) => ({
      type: "function_call",
      id: id("fc_"),
      call_id: id("call_"),
      name: call.name,
      ...(namespaces.has(call.name) ? { namespace: namespaces.get(call.name) } : {}),
      arguments: JSON.stringify(call.arguments),
    })),
  ];
  const model = plan.model ?? String(body.model);
  const input = plan.usage?.input_tokens ?? 1_500;
  const output = plan.usage?.output_tokens ?? 40;
  const usage = {
    input_tokens: input,
    input_tokens_details: { cached_tokens: plan.usage?.cached_tokens ?? 0, ...cacheWrites(plan) },
    output_tokens: output,
    output_tokens_details: { reasoning_tokens: plan.usage?.reasoning_tokens ?? 0 },
    total_tokens: input + output,
  };
  const response = { id: id("resp_"), object: "response", created_at: Math.floor(Date.now() / 1000), model };

  const events: Record<string, unknown>[] = [
    { type: "response.created", response: { ...response, status: "in_progress", output: [], usage: null } },
    ...items.flatMap((item, index) => itemEvents(item, index, text ?? "")),
    { type: "response.completed", response: { ...response, status: "completed", output: items, usage } },
  ];
  return {
    headers: { "x-request-id": id("req_") },
    events: events.map((data) => ({ event: String(data.type), data })),
    ...(plan.chunkDelayMs === undefined ? {} : { eventDelayMs: plan.chunkDelayMs }),
    served: { model, usage },
  };
}

const cacheWrites = (plan: ResponsesPlan) =>
  plan.usage?.cache_write_tokens === undefined ? {} : { cache_write_tokens: plan.usage.cache_write_tokens };

const message = (text: string) => ({
  type: "message",
  id: id("msg_"),
  role: "assistant",
  status: "completed",
  content: [{ type: "output_text", text, annotations: [] }],
});

function itemEvents(item: Record<string, unknown>, index: number, text: string): Record<string, unknown>[] {
  const place = { output_index: index };
  if (item.type !== "message") {
    return [
      { type: "response.output_item.added", ...place, item },
      { type: "response.output_item.done", ...place, item },
    ];
  }
  // Eight words a chunk, so that a stream has a middle.
  const deltas = (text.match(/(?:\S+\s*){1,8}/g) ?? [""]).map((delta) => ({
    type: "response.output_text.delta",
    item_id: item.id,
    content_index: 0,
    ...place,
    delta,
  }));
  const empty = { ...item, status: "in_progress", content: [] };
  return [{ type: "response.output_item.added", ...place, item: empty }, ...deltas, { type: "response.output_item.done", ...place, item }];
}

/** Tools offered inside a namespace have to be called with it. */
function namespacesOf(body: Record<string, unknown>): Map<string, string> {
  const tools = Array.isArray(body.tools) ? (body.tools as Tool[]) : [];
  return new Map(
    tools
      .filter((tool) => tool.type === "namespace")
      .flatMap((tool) => (tool.tools ?? []).map((inner): [string, string] => [inner.name ?? "", tool.name ?? ""])),
  );
}
