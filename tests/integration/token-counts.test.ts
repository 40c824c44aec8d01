/** Engines that count tokens wrongly, or not at all: the client has its reply, the books say that they do not know, later calls are served. */

import { Attribute } from "@signalbox/otel/conventions";
import { afterEach, expect, test } from "vitest";
import type { Provider } from "../support/provider.ts";
import { startProvider } from "../support/provider.ts";
import { startAnthropicProvider } from "../support/provider-anthropic.ts";
import type { ReplyPlan } from "../support/provider-plan.ts";
import { startResponsesProvider } from "../support/provider-responses.ts";
import { type SchedulerUnderTest, type SeenSpan, startSchedulerUnderTest, until } from "./scheduler-support.ts";

const CLEAN_UP: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of CLEAN_UP.splice(0).reverse()) await close();
});

type DialectName = "chat" | "messages" | "responses";
type Counts = { input: number; output: number };

const DIALECTS: readonly DialectName[] = ["chat", "messages", "responses"];
const PROVIDERS = { chat: startProvider, messages: startAnthropicProvider, responses: startResponsesProvider };
const PATHS = { chat: "/v1/chat/completions", messages: "/v1/messages", responses: "/v1/responses" };
const SAID = "Hello from an engine that cannot count.";

const sse = (events: readonly object[], named = true) =>
  events.map((event) => `${named ? `event: ${(event as { type: string }).type}\n` : ""}data: ${JSON.stringify(event)}\n\n`).join("");

/** Replies as an engine of each dialect writes them; `usage` as it says it, or none. */
const REPLIES: Record<DialectName, (counts: Counts | undefined) => { whole: object; stream: string }> = {
  chat(counts) {
    const usage = counts && { usage: { prompt_tokens: counts.input, completion_tokens: counts.output } };
    const head = { id: "c", created: 1, model: "m" };
    const chunk = (delta: object, finish_reason: string | null) => ({
      ...head,
      object: "chat.completion.chunk",
      choices: [{ index: 0, delta, finish_reason }],
    });
    const chunks = [chunk({ role: "assistant", content: "" }, null), chunk({ content: SAID }, null), chunk({}, "stop")];
    const message = { role: "assistant", content: SAID };
    return {
      whole: { ...head, object: "chat.completion", choices: [{ index: 0, message, finish_reason: "stop" }], ...usage },
      stream: `${sse([...chunks, ...(usage ? [{ ...head, choices: [], ...usage }] : [])], false)}data: [DONE]\n\n`,
    };
  },
  messages(counts) {
    const usage = counts && { usage: { input_tokens: counts.input, output_tokens: counts.output } };
    const head = { id: "msg", type: "message", role: "assistant", model: "m", stop_sequence: null };
    return {
      whole: { ...head, content: [{ type: "text", text: SAID }], stop_reason: "end_turn", ...usage },
      stream: sse([
        { type: "message_start", message: { ...head, content: [], stop_reason: null, ...usage } },
        { type: "content_block_start", index: 0, content_block: { type: "text", text: "" } },
        { type: "content_block_delta", index: 0, delta: { type: "text_delta", text: SAID } },
        { type: "content_block_stop", index: 0 },
        { type: "message_delta", delta: { stop_reason: "end_turn", stop_sequence: null }, ...usage },
        { type: "message_stop" },
      ]),
    };
  },
  responses(counts) {
    const usage = counts && { usage: { input_tokens: counts.input, output_tokens: counts.output } };
    const head = { id: "resp", object: "response", created_at: 1, model: "m", error: null, incomplete_details: null };
    const part = { type: "output_text", text: SAID, annotations: [] };
    const item = { id: "msg", type: "message", role: "assistant", status: "completed", content: [part] };
    const whole = { ...head, status: "completed", output: [item], ...usage };
    const at = { output_index: 0, item_id: "msg", content_index: 0 };
    return {
      whole,
      stream: sse([
        { type: "response.created", response: { ...head, status: "in_progress", output: [] } },
        { type: "response.output_item.added", output_index: 0, item: { ...item, status: "in_progress", content: [] } },
        { type: "response.content_part.added", ...at, part: { ...part, text: "" } },
        { type: "response.output_text.delta", ...at, delta: SAID },
        { type: "response.output_text.done", ...at, text: SAID },
        { type: "response.content_part.done", ...at, part },
        { type: "response.output_item.done", output_index: 0, item },
        { type: "response.completed", response: whole },
      ]),
    };
  },
};

const REQUESTS: Record<DialectName, object> = {
  chat: { messages: [{ role: "user", content: "hi" }] },
  messages: { max_tokens: 100, messages: [{ role: "user", content: "hi" }] },
  responses: { input: "hi" },
};

async function provide(dialect: DialectName, plan: (n: number) => ReplyPlan): Promise<Provider> {
  const provider = await PROVIDERS[dialect]({ script: (_request, n) => plan(n) });
  CLEAN_UP.push(() => provider.close());
  return provider;
}

const attemptsOf = (scheduler: SchedulerUnderTest): SeenSpan[] =>
  scheduler.sink.spans.filter((span) => Attribute.attempt in span.attributes).sort((a, b) => a.startMs - b.startMs);

const WRONG: [string, Counts | undefined][] = [
  ["beyond all arithmetic", { input: 1e20, output: 1e20 }],
  ["negative", { input: -1_000, output: -1_000 }],
  ["broken", { input: 0.5, output: 1.5 }],
  ["absent", undefined],
];
const CASES = WRONG.flatMap(([what, counts]) =>
  DIALECTS.flatMap((engine) => DIALECTS.flatMap((client) => [false, true].map((stream) => ({ what, counts, engine, client, stream })))),
);

test.each(CASES)("counts that are $what: a $client client, an engine of $engine, stream $stream", async (row) => {
  const { counts, engine, client, stream } = row;
  const { whole, stream: events } = REPLIES[engine](counts);
  const raw = stream ? { type: "text/event-stream", body: events } : { type: "application/json", body: JSON.stringify(whole) };
  const provider = await provide(engine, (n) => (n === 1 ? { raw } : { usage: { input: 10, output: 10 } }));
  const scheduler = await startSchedulerUnderTest(`pools:
  - name: only
    silicon: cloud
    engine: ${engine === "messages" ? "anthropic" : "openai-compatible"}
    base_url: ${provider.url}${engine === "messages" ? "" : "/v1"}
    ${engine === "responses" ? "dialects: [responses]" : ""}
    models: [{ id: m, input_usd_per_mtok: 1, output_usd_per_mtok: 4 }]`);
  CLEAN_UP.push(() => scheduler.close());
  const ask = async () => {
    const response = await fetch(scheduler.url + PATHS[client], {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ model: "m", stream, ...REQUESTS[client] }),
      signal: AbortSignal.timeout(5_000),
    });
    return { status: response.status, text: await response.text() };
  };

  const first = await ask();
  expect(first.status).toBe(200);
  expect(first.text).toContain(SAID);
  await until(() => attemptsOf(scheduler).length === 1, "the attempt is recorded");
  const { attributes } = attemptsOf(scheduler)[0] as SeenSpan;
  expect(attributes[Attribute.errorType]).toBeUndefined();
  const cost = attributes[Attribute.costNanousd];
  if (stream) {
    // An event is taken for a token: one of text, and chat's end in one of its own.
    expect(attributes[Attribute.outputTokens]).toBeLessThanOrEqual(3);
    expect([cost, attributes[Attribute.costSource]]).toEqual([expect.any(Number), "estimated"]);
    expect(cost).toBeGreaterThan(4_000);
  } else expect([cost, attributes[Attribute.costSource]]).toEqual([undefined, "unknown"]);

  expect((await ask()).status).toBe(200);
  await until(() => attemptsOf(scheduler).length === 2, "the next one is recorded");
  expect(attemptsOf(scheduler)[1]?.attributes).toMatchObject({ [Attribute.costNanousd]: 50_000, [Attribute.costSource]: "priced" });
});
