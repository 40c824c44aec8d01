/** `POST /v1/messages` with the real `@anthropic-ai/sdk`: on an anthropic pool relayed, on the others translated; and chat completions on an anthropic pool. */

import Anthropic, { type APIError } from "@anthropic-ai/sdk";
import { Attribute, ResponseHeader } from "@signalbox/otel/conventions";
import { costNanousd } from "@signalbox/otel/prices";
import OpenAI from "openai";
import { afterEach, describe, expect, test } from "vitest";
import { type Provider, startProvider } from "../support/provider.ts";
import { startAnthropicProvider } from "../support/provider-anthropic.ts";
import type { RichScript } from "../support/provider-anthropic-or-responses.ts";
import { EASY_SLA, type SchedulerUnderTest, startSchedulerUnderTest } from "./scheduler-support.ts";

const CLEAN_UP: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of CLEAN_UP.splice(0).reverse()) await close();
});

const TOKEN = "admin-token";
const PRICES = { input: 1, output: 4, cacheRead: 0.1, cacheWrite: 1.25, cacheWrite1h: 2 };
const PRICED =
  "input_usd_per_mtok: 1, output_usd_per_mtok: 4, cache_read_usd_per_mtok: 0.1, cache_write_usd_per_mtok: 1.25, cache_write_1h_usd_per_mtok: 2";

interface Setup {
  scheduler: SchedulerUnderTest;
  provider: Provider;
  anthropic: Anthropic;
  openai: OpenAI;
}

async function setUp(engine: "anthropic" | "openai-compatible", script: RichScript = () => ({}), more = ""): Promise<Setup> {
  const provider = await (engine === "anthropic"
    ? startAnthropicProvider({ script, prices: PRICES })
    : startProvider({ script, prices: PRICES }));
  const config = `${EASY_SLA}
pools:
  - name: remote
    silicon: cloud
    engine: ${engine}
    base_url: ${provider.url}${engine === "anthropic" ? "" : "/v1"}
    api_key_env: POOL_KEY
    models: [{ id: claude-test, tier: 3, ${PRICED} }]
models:
  auto: { any_of: [claude-test] }
${more}`;
  const scheduler = await startSchedulerUnderTest(config, { token: TOKEN, environment: { POOL_KEY: "pool-secret" } });
  CLEAN_UP.push(provider.close, scheduler.close);
  return {
    scheduler,
    provider,
    anthropic: new Anthropic({ baseURL: scheduler.url, apiKey: TOKEN, maxRetries: 0 }),
    openai: new OpenAI({ baseURL: `${scheduler.url}/v1`, apiKey: TOKEN, maxRetries: 0 }),
  };
}

const HELLO = { model: "claude-test", max_tokens: 100, messages: [{ role: "user" as const, content: "hello" }] };
const CHAT = { model: "claude-test", messages: [{ role: "user" as const, content: "hello" }] };
const CLOCK = {
  name: "clock",
  description: "the time",
  input_schema: { type: "object" as const, properties: { zone: { type: "string" } } },
};
const CHAT_CLOCK = { type: "function" as const, function: { name: "clock", parameters: CLOCK.input_schema } };
const USAGE = { input: 1000, output: 50, cacheRead: 600, cacheWrite: 300, cacheWrite1h: 100 };
const COST = costNanousd(PRICES, USAGE);

const post = (url: string, body: object | string, headers: Record<string, string> = {}) =>
  fetch(url, {
    method: "POST",
    body: typeof body === "string" ? body : JSON.stringify(body),
    headers: { "content-type": "application/json", "x-signalbox-key": TOKEN, ...headers },
  });

describe("on an anthropic pool", () => {
  test("the engine gets the client's bytes, headers and query, and the pool's own key", async () => {
    const { scheduler, provider } = await setUp("anthropic");
    const body = `{ "model":"claude-test",\n "unknown":{"a":[1.0,"é"]}, "max_tokens": 9, "messages":[{"role":"user","content":"hi"}] }`;
    const reply = await post(`${scheduler.url}/v1/messages?beta=true`, body, {
      "anthropic-version": "2024-01-01",
      "x-signalbox-key": TOKEN,
      "anthropic-beta": "one,two",
      "x-api-key": TOKEN,
      authorization: "Bearer client-key",
    });
    expect(reply.status).toBe(200);
    const [entry] = provider.ledger;
    expect(entry?.rawBody).toBe(body);
    expect(entry?.path).toBe("/v1/messages");
    expect(entry?.headers).toMatchObject({ "anthropic-version": "2024-01-01", "anthropic-beta": "one,two", "x-api-key": "pool-secret" });
    expect(entry?.headers.authorization).toBeUndefined();
  });

  test("a model that the pool calls otherwise is replaced, and nothing else", async () => {
    const { anthropic, provider } = await setUp("anthropic");
    await anthropic.messages.create({ ...HELLO, model: "auto" });
    expect(provider.ledger[0]?.rawBody).toBe(JSON.stringify({ ...HELLO, model: "claude-test" }));
  });

  test.each([false, true])("thinking, text and tool calls, cache usage and its cost (stream: %s)", async (streamed) => {
    const { anthropic, scheduler, provider } = await setUp("anthropic", () => ({
      thinking: { text: "Let me think.", seal: "c2ln" },
      text: "On it.",
      toolCalls: [{ id: "toolu_1", name: "clock", arguments: { zone: "UTC" } }],
      usage: USAGE,
    }));
    const asked = { ...HELLO, tools: [CLOCK] };
    const headers = { "x-claude-code-session-id": "s-1", "x-claude-code-agent-id": "a-1", "x-claude-code-request-class": "subagent" };
    let decision: string | null;
    let message: Anthropic.Message;
    if (streamed) {
      const stream = anthropic.messages.stream(asked, { headers });
      message = await stream.finalMessage();
      decision = stream.response?.headers.get(ResponseHeader.decision) ?? null;
    } else {
      const { data, response } = await anthropic.messages.create(asked, { headers }).withResponse();
      message = data;
      decision = response.headers.get(ResponseHeader.decision);
      expect(Number(response.headers.get(ResponseHeader.costNanousd))).toBe(COST);
    }
    expect(message).toMatchObject({
      stop_reason: "tool_use",
      content: [
        { type: "thinking", thinking: "Let me think.", signature: "c2ln" },
        { type: "text", text: "On it." },
        { type: "tool_use", id: "toolu_1", name: "clock", input: { zone: "UTC" } },
      ],
    });
    expect(provider.charged()).toBe(COST);
    const [attempt, schedule] = await scheduler.sink.decision(decision ?? "", 2);
    expect(attempt).toMatchObject({ name: "chat claude-test", kind: 3, statusCode: 0 });
    expect(attempt?.attributes).toMatchObject({
      [Attribute.inputTokens]: 1000,
      [Attribute.outputTokens]: 50,
      [Attribute.cacheReadTokens]: 600,
      [Attribute.cacheWriteTokens]: 300,
      [Attribute.costNanousd]: COST,
      [Attribute.costSource]: "priced",
      [Attribute.sessionId]: "s-1",
      [Attribute.signalboxAgentId]: "a-1",
      [Attribute.agentKind]: "claude-code",
      [Attribute.task]: "subagent",
    });
    expect(attempt?.attributes[Attribute.translationDropped]).toBeUndefined();
    expect(schedule).toMatchObject({ name: "schedule claude-test", kind: 2 });
    if (streamed) expect(attempt?.attributes[Attribute.timeToFirstChunk]).toBeGreaterThan(0);
  });

  test("a stream passes byte for byte and ends with its cost in a comment", async () => {
    const { scheduler, provider } = await setUp("anthropic", () => ({ text: "one two three" }));
    const ask = (url: string) => post(url, { ...HELLO, stream: true }).then((reply) => reply.text());
    const direct = await ask(`${provider.url}/v1/messages`);
    const relayed = await ask(`${scheduler.url}/v1/messages`);
    const cost = provider.ledger[1]?.costNanousd;
    expect(relayed).toBe(`${direct.replaceAll("msg_1", "msg_2")}: signalbox cost_nanousd=${cost} sla_met=true\n\n`);
  });

  test("the engine's own errors pass as they are", async () => {
    const { anthropic } = await setUp("anthropic", () => ({ error: { status: 400, message: "max_tokens: too large" } }));
    const error = await anthropic.messages.create(HELLO).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(Anthropic.BadRequestError);
    expect((error as APIError).error).toEqual({
      type: "error",
      error: { type: "invalid_request_error", message: "max_tokens: too large" },
    });
  });

  test("a client that leaves mid-stream closes the engine's stream, charged by what the engine counted first", async () => {
    const { anthropic, scheduler, provider } = await setUp("anthropic", () => ({
      text: "word ".repeat(200),
      chunkDelayMs: 10,
      usage: USAGE,
    }));
    const { data: stream, response } = await anthropic.messages.create({ ...HELLO, stream: true }).withResponse();
    let seen = 0;
    for await (const _event of stream) if (++seen === 8) break;
    await provider.idle(1_000);
    expect(provider.ledger[0]).toMatchObject({ clientClosed: true, complete: false });
    const [attempt] = await scheduler.sink.decision(response.headers.get(ResponseHeader.decision) ?? "", 2);
    expect(attempt?.attributes).toMatchObject({
      [Attribute.errorType]: "client_closed",
      [Attribute.costSource]: "estimated",
      [Attribute.inputTokens]: 1000,
      [Attribute.cacheReadTokens]: 600,
    });
  });

  test("an engine that breaks off mid-stream ends the client's with an error of its dialect", async () => {
    const { anthropic, scheduler } = await setUp("anthropic", () => ({ text: "word ".repeat(20), chunkDelayMs: 5, reset: "mid-stream" }));
    const { data: stream, response } = await anthropic.messages.create({ ...HELLO, stream: true }).withResponse();
    const read = async () => {
      for await (const _event of stream);
    };
    await expect(read()).rejects.toThrow(/pool remote failed/);
    const [attempt] = await scheduler.sink.decision(response.headers.get(ResponseHeader.decision) ?? "", 2);
    expect(attempt?.statusCode).toBe(2);
  });

  test("refusals are Anthropic's: no model, an unknown model, a spent budget as 402 without a retry", async () => {
    const { anthropic, scheduler, provider } = await setUp(
      "anthropic",
      undefined,
      "budgets: [{ scope: session, limit_usd: 0.000001, ladder: [{ at: 1, do: pause }] }]",
    );
    const refused = await post(`${scheduler.url}/v1/messages`, { messages: [] });
    expect(refused.status).toBe(400);
    expect(await refused.json()).toMatchObject({
      type: "error",
      error: { type: "invalid_request_error", message: "you must provide a model" },
    });
    await expect(anthropic.messages.create({ ...HELLO, model: "nobody" })).rejects.toThrow(Anthropic.NotFoundError);
    const spent = (await anthropic.messages.create(HELLO).catch((thrown: unknown) => thrown)) as APIError;
    expect(spent.status).toBe(402);
    expect(spent.headers?.get("x-should-retry")).toBe("false");
    expect(spent.message).toContain("Signalbox: the budget of session");
    expect(provider.ledger).toHaveLength(0);
  });

  test("a killed session's stream ends with an error that says so, and its next call is refused with 402", async () => {
    const { scheduler, anthropic, provider } = await setUp("anthropic", () => ({ text: "word ".repeat(500), chunkDelayMs: 10 }));
    const headers = { "x-claude-code-session-id": "doomed", "x-api-key": TOKEN };
    const stream = anthropic.messages.stream(HELLO, { headers });
    await new Promise<void>((begun) => stream.once("text", () => begun()));
    const ended = expect(stream.finalMessage()).rejects.toThrow(/doomed was killed: enough/);
    await post(`${scheduler.url}/control/sessions/doomed/kill`, { reason: "enough" }, { authorization: `Bearer ${TOKEN}` });
    await ended;
    await provider.idle(1_000);
    const next = (await anthropic.messages.create(HELLO, { headers }).catch((thrown: unknown) => thrown)) as APIError;
    expect(next.status).toBe(402);
    expect(provider.ledger).toHaveLength(1);
  });
});

describe("on a chat pool, translated", () => {
  test.each([false, true])("text and parallel tool calls (stream: %s), the dropped fields on the span", async (streamed) => {
    const { anthropic, scheduler, provider } = await setUp("openai-compatible", () => ({
      text: "On it.",
      toolCalls: [
        { id: "call_1", name: "clock", arguments: { zone: "UTC" } },
        { id: "call_2", name: "clock", arguments: { zone: "CET" } },
      ],
      usage: { input: 1000, output: 50, cacheRead: 600 },
    }));
    const asked = {
      ...HELLO,
      tools: [CLOCK],
      top_k: 5,
      system: [{ type: "text" as const, text: "Be brief.", cache_control: { type: "ephemeral" as const } }],
    };
    const stream = streamed ? anthropic.messages.stream(asked) : undefined;
    const { data, response } = stream
      ? await stream.finalMessage().then((message) => ({ data: message, response: stream.response }))
      : await anthropic.messages.create(asked).withResponse();
    expect(data).toMatchObject({
      type: "message",
      stop_reason: "tool_use",
      content: [
        { type: "text", text: "On it." },
        { type: "tool_use", name: "clock", input: { zone: "UTC" } },
        { type: "tool_use", name: "clock", input: { zone: "CET" } },
      ],
      usage: { input_tokens: 400, cache_read_input_tokens: 600, output_tokens: 50 },
    });
    const [entry] = provider.ledger;
    expect(entry?.path).toBe("/v1/chat/completions");
    expect(entry?.body).toMatchObject({ model: "claude-test", max_tokens: 100, messages: [{ role: "system" }, { role: "user" }] });
    expect(entry?.headers.authorization).toBe("Bearer pool-secret");
    const [attempt] = await scheduler.sink.decision(response?.headers.get(ResponseHeader.decision) ?? "", 2);
    expect(JSON.stringify(attempt?.attributes[Attribute.translationDropped])).toContain("top_k");
    expect(attempt?.attributes[Attribute.costNanousd]).toBe(provider.charged());
  });

  test("the engine's errors come in Anthropic's shape", async () => {
    const { anthropic } = await setUp("openai-compatible", () => ({
      error: { status: 429, message: "slow down", code: "rate_limit_exceeded" },
    }));
    const error = (await anthropic.messages.create(HELLO).catch((thrown: unknown) => thrown)) as APIError;
    expect(error).toBeInstanceOf(Anthropic.RateLimitError);
    expect(error.error).toMatchObject({ type: "error", error: { type: "rate_limit_error", message: "slow down" } });
  });

  test("what cannot be translated is a 400 that names the field, and no engine is asked", async () => {
    const { anthropic, provider } = await setUp("openai-compatible");
    const tools = [{ type: "web_search_20250305" as const, name: "web_search" as const }];
    const error = (await anthropic.messages.create({ ...HELLO, tools }).catch((thrown: unknown) => thrown)) as APIError;
    expect(error).toBeInstanceOf(Anthropic.BadRequestError);
    expect(error.message).toContain("tools[0].type");
    expect(provider.ledger).toHaveLength(0);
  });

  test("an engine that breaks off mid-stream ends the client's with an error of its dialect", async () => {
    const { anthropic } = await setUp("openai-compatible", () => ({ text: "word ".repeat(20), chunkDelayMs: 5, reset: "mid-stream" }));
    await expect(anthropic.messages.stream(HELLO).finalMessage()).rejects.toThrow(/pool remote failed/);
  });
});

describe("chat completions on an anthropic pool, translated", () => {
  test.each([false, true])("text and a tool call there and back (stream: %s)", async (streamed) => {
    const { openai, provider } = await setUp("anthropic", (request) =>
      request.rawBody.includes("tool_result")
        ? { text: "It is noon.", usage: USAGE }
        : { toolCalls: [{ id: "toolu_1", name: "clock", arguments: { zone: "UTC" } }] },
    );
    const ask = (body: Omit<OpenAI.ChatCompletionCreateParamsNonStreaming, "stream">) =>
      streamed ? openai.chat.completions.stream(body).finalChatCompletion() : openai.chat.completions.create(body);
    const called = await ask({ ...CHAT, tools: [CHAT_CLOCK] });
    expect(called.choices[0]).toMatchObject({
      finish_reason: "tool_calls",
      message: { tool_calls: [{ id: "toolu_1", function: { name: "clock", arguments: '{"zone":"UTC"}' } }] },
    });
    const message = called.choices[0]?.message as OpenAI.ChatCompletionMessage;
    const answered = await ask({
      ...CHAT,
      tools: [CHAT_CLOCK],
      messages: [...CHAT.messages, message, { role: "tool", tool_call_id: "toolu_1", content: "noon" }],
    });
    expect(answered.choices[0]?.message.content).toBe("It is noon.");
    expect(provider.ledger[1]?.headers).toMatchObject({ "x-api-key": "pool-secret", "anthropic-version": "2023-06-01" });
    expect(provider.ledger[1]?.headers.authorization).toBeUndefined();
  });

  test("a stream ends with the cost before [DONE]", async () => {
    const { scheduler, provider } = await setUp("anthropic", () => ({ text: "one two", usage: USAGE }));
    const text = await (await post(`${scheduler.url}/v1/chat/completions`, { ...CHAT, stream: true })).text();
    expect(text.endsWith(`: signalbox cost_nanousd=${COST} sla_met=true\n\ndata: [DONE]\n\n`)).toBe(true);
    expect(provider.charged()).toBe(COST);
  });

  test("the engine's errors come in OpenAI's shape", async () => {
    const { openai } = await setUp("anthropic", () => ({ error: { status: 400, message: "messages: bad" } }));
    const error = await openai.chat.completions.create(CHAT).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(OpenAI.BadRequestError);
    expect((error as Error).message).toContain("messages: bad");
  });
});

test("a pool that cannot take the request is left out, and the decision says why", async () => {
  const chat = await startProvider();
  const { provider } = await setUp("anthropic", () => ({ text: "searched" }));
  CLEAN_UP.push(chat.close);
  const config = `
pools:
  - { name: chat, silicon: cpu, engine: openai-compatible, base_url: "${chat.url}/v1", models: [{ id: local, input_usd_per_mtok: 0.1, output_usd_per_mtok: 0.1 }] }
  - { name: claude, silicon: cloud, engine: anthropic, base_url: "${provider.url}", models: [{ id: claude-test, ${PRICED} }] }
models: { auto: { any_of: [local, claude-test] } }`;
  const both = await startSchedulerUnderTest(config);
  CLEAN_UP.push(both.close);
  const client = new Anthropic({ baseURL: both.url, apiKey: "unchecked", maxRetries: 0 });
  const plain = await client.messages.create({ ...HELLO, model: "auto" }).withResponse();
  expect(plain.response.headers.get(ResponseHeader.pool)).toBe("chat");
  const tools = [{ type: "web_search_20250305" as const, name: "web_search" as const }];
  const search = await client.messages.create({ ...HELLO, model: "auto", tools }).withResponse();
  expect(search.response.headers.get(ResponseHeader.pool)).toBe("claude");
  const spans = await both.sink.decision(search.response.headers.get(ResponseHeader.decision) ?? "", 2);
  expect(String(spans[1]?.attributes[Attribute.decisionCandidates])).toContain("a tool of Anthropic's own");
});

test("an engine that fails is followed by one of another dialect, and the client sees its own", async () => {
  const chat = await startProvider({ script: () => ({ text: "still here" }) });
  const claude = await startAnthropicProvider({ script: () => ({ error: { status: 529, message: "overloaded" } }) });
  const both = await startSchedulerUnderTest(`
pools:
  - { name: claude, silicon: cloud, engine: anthropic, base_url: "${claude.url}", models: [{ id: claude-test, input_usd_per_mtok: 0.1, output_usd_per_mtok: 0.1 }] }
  - { name: chat, silicon: cpu, engine: openai-compatible, base_url: "${chat.url}/v1", models: [{ id: local, ${PRICED} }] }
models: { auto: { any_of: [local, claude-test] } }`);
  CLEAN_UP.push(chat.close, claude.close, both.close);
  const client = new Anthropic({ baseURL: both.url, apiKey: "unchecked", maxRetries: 0 });
  const stream = client.messages.stream({ ...HELLO, model: "auto" });
  const message = await stream.finalMessage();
  expect(message.content).toMatchObject([{ type: "text", text: "still here" }]);
  expect([claude.ledger.length, chat.ledger.length]).toEqual([1, 1]);
  const spans = await both.sink.decision(stream.response?.headers.get(ResponseHeader.decision) ?? "", 3);
  expect(spans.map(({ attributes }) => [attributes[Attribute.pool], attributes[Attribute.errorType]])).toEqual([
    ["claude", "529"],
    ["chat", undefined],
    ["chat", undefined],
  ]);
});
