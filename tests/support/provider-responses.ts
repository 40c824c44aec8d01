/**
 * A scripted provider that speaks OpenAI Responses (`/v1/responses`, `/v1/models`), with a ledger.
 *
 *     const provider = await startResponsesProvider({ script: () => ({ toolCalls: [{ name: "exec_command", arguments: { cmd: "ls" } }] }) });
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

export const startResponsesProvider = (options: RichProviderOptions = {}): Promise<Provider> =>
  startScripted(
    {
      path: "/v1/responses",
      models: (ids) => ({ object: "list", data: ids.map((id) => ({ id, object: "model", created: 0, owned_by: "provider" })) }),
      error: errorBody,
      render,
    },
    options,
  );

const errorBody = ({ status, message = `scripted ${status}`, type = "server_error", code }: PlannedError) => ({
  error: { message, type, param: null, code: code ?? null },
});

/** An output item as it begins, as it ends, and the events in between. */
interface Item {
  begun: object;
  done: object;
  between: { type: string; fields: object; tokens: number }[];
}

function render(request: ScriptedRequest, plan: RichPlan, n: number): RenderedReply {
  const items = itemsOf(plan, n, namespacesOf(request));
  const tokens = items.reduce((sum, item) => sum + item.between.reduce((inner, { tokens: each }) => inner + each, 0), 0);
  const usage = usageOf(request, plan, tokens);
  const status = plan.stop ? "incomplete" : "completed";
  const head = { id: `resp_${n}`, object: "response", created_at: Math.floor(Date.now() / 1000), model: request.model, error: null };
  const begun = { ...head, status: "in_progress", incomplete_details: null, output: [], usage: null };
  const done = {
    ...head,
    status,
    incomplete_details: plan.stop ? { reason: plan.stop } : null,
    output: items.map((item) => item.done),
    usage: wireUsage(usage),
  };
  let sequence = 0;
  const event = (type: string, fields: object, each = 0) => ({
    bytes: `event: ${type}\ndata: ${JSON.stringify({ type, sequence_number: sequence++, ...fields })}\n\n`,
    tokens: each,
  });
  const events = [
    event("response.created", { response: begun }),
    event("response.in_progress", { response: begun }),
    ...items.flatMap((item, output_index) => [
      event("response.output_item.added", { output_index, item: item.begun }),
      ...item.between.map(({ type, fields, tokens: each }) => event(type, { output_index, ...fields }, each)),
      event("response.output_item.done", { output_index, item: item.done }),
    ]),
    event(`response.${status}`, { response: done }),
  ];
  return { json: JSON.stringify(done), events, usage };
}

function itemsOf(plan: RichPlan, n: number, namespaces: ReadonlyMap<string, string>): Item[] {
  const words = wordsOf(plan);
  return [
    ...(plan.thinking ? [reasoning(plan.thinking, `rs_${n}`)] : []),
    ...(words.length > 0 ? [message(words, `msg_${n}`)] : []),
    ...callsOf(plan, n, "call_").map((call, index) => functionCall(call, `fc_${n}_${index}`, namespaces.get(call.name))),
  ];
}

function reasoning({ text, seal = null }: { text: string; seal?: string | null }, id: string): Item {
  const at = { item_id: id, summary_index: 0 };
  const part = { type: "summary_text", text };
  return {
    begun: { id, type: "reasoning", summary: [], encrypted_content: null },
    done: { id, type: "reasoning", summary: [part], encrypted_content: seal },
    between: [
      { type: "response.reasoning_summary_part.added", fields: { ...at, part: { ...part, text: "" } }, tokens: 0 },
      ...text.split(/(?<= )/).map((delta) => ({ type: "response.reasoning_summary_text.delta", fields: { ...at, delta }, tokens: 1 })),
      { type: "response.reasoning_summary_text.done", fields: { ...at, text }, tokens: 0 },
      { type: "response.reasoning_summary_part.done", fields: { ...at, part }, tokens: 0 },
    ],
  };
}

function message(words: string[], id: string): Item {
  const at = { item_id: id, content_index: 0 };
  const text = words.join("");
  const part = { type: "output_text", text, annotations: [], logprobs: [] };
  return {
    begun: { id, type: "message", role: "assistant", status: "in_progress", content: [] },
    done: { id, type: "message", role: "assistant", status: "completed", content: [part] },
    between: [
      { type: "response.content_part.added", fields: { ...at, part: { ...part, text: "" } }, tokens: 0 },
      ...words.map((delta) => ({ type: "response.output_text.delta", fields: { ...at, delta, logprobs: [] }, tokens: 1 })),
      { type: "response.output_text.done", fields: { ...at, text, logprobs: [] }, tokens: 0 },
      { type: "response.content_part.done", fields: { ...at, part }, tokens: 0 },
    ],
  };
}

/** Tools that were offered inside a namespace are called with it. */
function namespacesOf({ body }: ScriptedRequest): ReadonlyMap<string, string> {
  const tools = Array.isArray(body.tools) ? (body.tools as { type?: string; name?: string; tools?: { name?: string }[] }[]) : [];
  const inside = tools.filter(({ type }) => type === "namespace");
  return new Map(inside.flatMap(({ name = "", tools: own = [] }) => own.map((tool): [string, string] => [tool.name ?? "", name])));
}

function functionCall({ id: call_id, name, text }: { id: string; name: string; text: string }, id: string, namespace?: string): Item {
  const item = { id, type: "function_call", call_id, name, ...(namespace !== undefined && { namespace }) };
  const half = Math.ceil(text.length / 2);
  return {
    begun: { ...item, status: "in_progress", arguments: "" },
    done: { ...item, status: "completed", arguments: text },
    between: [
      ...[text.slice(0, half), text.slice(half)].map((delta) => ({
        type: "response.function_call_arguments.delta",
        fields: { item_id: id, delta },
        tokens: 1,
      })),
      { type: "response.function_call_arguments.done", fields: { item_id: id, name, arguments: text }, tokens: 0 },
    ],
  };
}

const wireUsage = (usage: RichUsage) => ({
  input_tokens: usage.input,
  input_tokens_details: { cached_tokens: usage.cacheRead, cache_write_tokens: usage.cacheWrite },
  output_tokens: usage.output,
  output_tokens_details: { reasoning_tokens: usage.reasoning },
  total_tokens: usage.input + usage.output,
});
