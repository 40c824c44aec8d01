/**
 * The real clients, each against a provider of another dialect, with the translation and nothing else between them:
 * `openai` (chat completions, Responses) and `@anthropic-ai/sdk` (Messages, count_tokens).
 */

import { once } from "node:events";
import http from "node:http";
import type { AddressInfo } from "node:net";
import Anthropic from "@anthropic-ai/sdk";
import OpenAI from "openai";
import { afterEach, describe, expect, test } from "vitest";
import {
  createStreamTranslator,
  type Dialect,
  errorReply,
  estimateInputTokens,
  translateError,
  translateRequest,
  translateResponse,
  Untranslatable,
} from "../../scheduler/src/dialects/translate/index.ts";
import { type Provider, startProvider } from "../support/provider.ts";
import { startAnthropicProvider } from "../support/provider-anthropic.ts";
import type { RichPlan, RichScript } from "../support/provider-anthropic-or-responses.ts";
import { startResponsesProvider } from "../support/provider-responses.ts";

const PATHS: Record<Dialect, string> = {
  "openai-chat": "/v1/chat/completions",
  "openai-responses": "/v1/responses",
  "anthropic-messages": "/v1/messages",
};

const PROVIDERS: Record<Dialect, (script: RichScript) => Promise<Provider>> = {
  "openai-chat": (script) => startProvider({ script }),
  "openai-responses": (script) => startResponsesProvider({ script }),
  "anthropic-messages": (script) => startAnthropicProvider({ script }),
};

const CLEAN_UP: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of CLEAN_UP.splice(0).reverse()) await close();
});

interface Setup {
  url: string;
  provider: Provider;
  openai: OpenAI;
  anthropic: Anthropic;
}

/** A provider of one dialect behind a server that speaks all of them. */
async function between(to: Dialect, script: RichScript): Promise<Setup> {
  const provider = await PROVIDERS[to](script);
  const server = http.createServer((request, response) => void serve(request, response, to, provider.url));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  CLEAN_UP.push(provider.close, async () => {
    server.close();
    server.closeAllConnections();
  });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    url,
    provider,
    openai: new OpenAI({ baseURL: `${url}/v1`, apiKey: "sk-test", maxRetries: 2 }),
    anthropic: new Anthropic({ baseURL: url, apiKey: "sk-ant-test", maxRetries: 2 }),
  };
}

async function serve(request: http.IncomingMessage, response: http.ServerResponse, to: Dialect, providerUrl: string): Promise<void> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const body: unknown = JSON.parse(Buffer.concat(chunks).toString());
  const path = new URL(request.url ?? "/", "http://gateway").pathname;
  if (path === "/v1/messages/count_tokens")
    return sendJson(response, 200, { input_tokens: estimateInputTokens("anthropic-messages", body) });
  const from = (Object.keys(PATHS) as Dialect[]).find((dialect) => PATHS[dialect] === path) ?? "openai-chat";
  try {
    const translated = translateRequest(from, to, body);
    const answer = await fetch(`${providerUrl}${PATHS[to]}`, { method: "POST", body: JSON.stringify(translated.body) });
    if (!answer.ok) {
      const reply = translateError(to, from, { status: answer.status, body: await answer.text() });
      return sendJson(response, reply.status, reply.body, reply.headers);
    }
    if (!translated.body.stream) return sendJson(response, 200, translateResponse(to, from, await answer.json(), translated.context));
    response.writeHead(200, { "content-type": "text/event-stream" });
    const translator = createStreamTranslator(to, from, { context: translated.context });
    try {
      for await (const chunk of answer.body ?? []) for (const bytes of translator.push(chunk)) response.write(bytes);
    } catch {
      // The provider was lost: the translator ends the stream.
    }
    for (const bytes of translator.end()) response.write(bytes);
    response.end();
  } catch (error) {
    if (!(error instanceof Untranslatable)) throw error;
    const reply = errorReply(from, error.error);
    sendJson(response, reply.status, reply.body, reply.headers);
  }
}

function sendJson(response: http.ServerResponse, status: number, body: object, headers: Record<string, string> = {}): void {
  response.writeHead(status, { "content-type": "application/json", ...headers });
  response.end(JSON.stringify(body));
}

/** A reply's output as the next request's input: the SDK's types tell the two apart, the API does not. */
const again = (response: OpenAI.Responses.Response) => response.output as OpenAI.Responses.ResponseInputItem[];

const USAGE = { input: 1_000, output: 50, cacheRead: 600 };
const ANSWER: RichPlan = { text: "It rains in Paris.", usage: USAGE };
const CALLS: RichPlan = {
  text: "I look it up.",
  toolCalls: [
    { name: "weather", arguments: { city: "Paris", days: 2 } },
    { name: "weather", arguments: { city: "Zürich" } },
  ],
  usage: USAGE,
};
const SCHEMA = { type: "object" as const, properties: { city: { type: "string" } }, required: ["city"] };

describe.each(["openai-responses", "anthropic-messages"] as const)("openai chat completions in front of %s", (to) => {
  const request = { model: "m", messages: [{ role: "user" as const, content: "Weather?" }] };
  const tools = [{ type: "function" as const, function: { name: "weather", description: "Tells it.", parameters: SCHEMA } }];

  test("create", async () => {
    const { openai, provider } = await between(to, () => ANSWER);
    const completion = await openai.chat.completions.create({ ...request, max_completion_tokens: 100 });
    expect(completion.choices[0]).toMatchObject({ finish_reason: "stop", message: { role: "assistant", content: "It rains in Paris." } });
    expect(completion.usage).toMatchObject({ prompt_tokens: 1_000, completion_tokens: 50, prompt_tokens_details: { cached_tokens: 600 } });
    expect(provider.ledger[0]?.body[to === "anthropic-messages" ? "max_tokens" : "max_output_tokens"]).toBe(100);
  });

  test("stream helper with tool calls", async () => {
    const { openai } = await between(to, () => CALLS);
    const stream = openai.chat.completions.stream({ ...request, tools, stream_options: { include_usage: true } });
    const done: string[] = [];
    stream.on("tool_calls.function.arguments.done", (call) => done.push(call.arguments));
    const completion = await stream.finalChatCompletion();
    const message = completion.choices[0]?.message;
    expect(message?.content).toBe("I look it up.");
    expect(
      message?.tool_calls?.map((call) => call.type === "function" && [call.function.name, JSON.parse(call.function.arguments)]),
    ).toEqual([
      ["weather", { city: "Paris", days: 2 }],
      ["weather", { city: "Zürich" }],
    ]);
    expect(done).toHaveLength(2);
    expect(completion.choices[0]?.finish_reason).toBe("tool_calls");
    expect(completion.usage).toMatchObject({ prompt_tokens: 1_000, completion_tokens: 50 });
  });

  test("usage is sent in a stream only when it is asked for", async () => {
    const { openai } = await between(to, () => ANSWER);
    const chunks = await Array.fromAsync(await openai.chat.completions.create({ ...request, stream: true }));
    expect(chunks.some((chunk) => chunk.usage)).toBe(false);
    expect(chunks.map((chunk) => chunk.choices[0]?.delta.content ?? "").join("")).toBe("It rains in Paris.");
  });

  test("a whole tool loop", async () => {
    const { openai, provider } = await between(to, (_, n) => (n === 1 ? CALLS : ANSWER));
    const first = await openai.chat.completions.create({ ...request, tools });
    const message = first.choices[0]?.message;
    if (!message?.tool_calls) throw new Error("no tool calls");
    const results = message.tool_calls.map((call) => ({ role: "tool" as const, tool_call_id: call.id, content: "rain" }));
    await openai.chat.completions.create({ ...request, messages: [...request.messages, message, ...results], tools });
    const sent = JSON.stringify(provider.ledger[1]?.body);
    for (const call of message.tool_calls) expect(sent.split(`"${call.id}"`)).toHaveLength(3);
  });

  test("an error of the provider", async () => {
    const { openai, provider } = await between(to, () => ({ error: { status: 400, message: "too long", type: "invalid_request_error" } }));
    await expect(openai.chat.completions.create(request)).rejects.toThrow(OpenAI.BadRequestError);
    await expect(openai.chat.completions.create(request)).rejects.toThrow("400 too long");
    expect(provider.ledger).toHaveLength(2);
  });

  test("what cannot be translated is refused before it is sent", async () => {
    const { openai, provider } = await between(to, () => ANSWER);
    await expect(openai.chat.completions.create({ ...request, n: 2 })).rejects.toMatchObject({
      status: 400,
      param: "n",
      code: "untranslatable",
    });
    expect(provider.ledger).toHaveLength(0);
  });

  test("a provider lost in the middle ends the stream with an error", async () => {
    const { openai } = await between(to, () => ({ text: "one two three four five six", chunkDelayMs: 2, reset: "mid-stream" }));
    const read = async () => Array.fromAsync(await openai.chat.completions.create({ ...request, stream: true }));
    await expect(read()).rejects.toMatchObject({ code: "stream_cut_short" });
  });
});

describe.each(["openai-chat", "anthropic-messages"] as const)("openai Responses in front of %s", (to) => {
  const request = { model: "m", instructions: "Be brief.", input: "Weather?" };
  const tools = [{ type: "function" as const, name: "weather", parameters: SCHEMA, strict: false }];

  test("create", async () => {
    const { openai } = await between(to, () => ANSWER);
    const response = await openai.responses.create(request);
    expect(response).toMatchObject({ object: "response", status: "completed", output_text: "It rains in Paris." });
    expect(response.usage).toMatchObject({ input_tokens: 1_000, input_tokens_details: { cached_tokens: 600 }, output_tokens: 50 });
  });

  test("stream helper with tool calls", async () => {
    const { openai } = await between(to, () => CALLS);
    const stream = openai.responses.stream({ ...request, tools });
    const sequence: number[] = [];
    let text = "";
    stream.on("event", (event) => sequence.push(event.sequence_number));
    stream.on("response.output_text.delta", (event) => {
      text += event.delta;
    });
    const response = await stream.finalResponse();
    expect(text).toBe("I look it up.");
    expect(response.output.map((item) => item.type)).toEqual(["message", "function_call", "function_call"]);
    expect(response.output.flatMap((item) => (item.type === "function_call" ? [JSON.parse(item.arguments)] : []))).toEqual([
      { city: "Paris", days: 2 },
      { city: "Zürich" },
    ]);
    expect(sequence).toEqual(sequence.map((_, index) => index));
    expect(response.usage).toMatchObject({ input_tokens: 1_000, output_tokens: 50 });
  });

  test("what Codex sends: a namespace, a custom tool, client_metadata", async () => {
    const { openai, provider } = await between(to, () => ({
      toolCalls: [
        { name: "mcp__files__read", arguments: { path: "a" } },
        { name: "apply_patch", arguments: { input: "*** Begin Patch\n" } },
      ],
    }));
    const codex = {
      ...request,
      tools: [
        {
          type: "namespace" as const,
          name: "mcp__files",
          description: "Files.",
          tools: [{ type: "function" as const, name: "read", parameters: SCHEMA }],
        },
        {
          type: "custom" as const,
          name: "apply_patch",
          format: { type: "grammar" as const, syntax: "lark" as const, definition: "start: /.+/" },
        },
      ],
      client_metadata: { "x-codex-turn-metadata": "{}" },
      include: ["reasoning.encrypted_content" as const],
      store: false,
    };
    for (const response of [await openai.responses.create(codex), await openai.responses.stream(codex).finalResponse()]) {
      expect(response.output).toMatchObject([
        { type: "function_call", namespace: "mcp__files", name: "read", arguments: '{"path":"a"}' },
        { type: "custom_tool_call", name: "apply_patch", input: "*** Begin Patch\n" },
      ]);
      await openai.responses.create({ ...codex, input: [{ role: "user", content: "Go." }, ...again(response)] });
    }
    expect(JSON.stringify(provider.ledger.at(-1)?.body)).toContain("Begin Patch");
    expect(provider.ledger.at(-1)?.body).not.toHaveProperty("client_metadata");
  });

  test("previous_response_id is refused with a reason", async () => {
    const { openai } = await between(to, () => ANSWER);
    const call = openai.responses.create({ ...request, previous_response_id: "resp_1" });
    await expect(call).rejects.toThrow(/previous_response_id refers to a reply kept on OpenAI's servers/);
  });

  test("a provider lost in the middle ends the stream with an error", async () => {
    const { openai } = await between(to, () => ({ text: "one two three four five six", chunkDelayMs: 2, reset: "mid-stream" }));
    await expect(openai.responses.stream(request).finalResponse()).rejects.toThrow(/ended before the reply was complete/);
  });
});

describe.each(["openai-chat", "openai-responses"] as const)("anthropic messages in front of %s", (to) => {
  const request = { model: "m", max_tokens: 200, messages: [{ role: "user" as const, content: "Weather?" }] };
  const tools = [{ name: "weather", input_schema: SCHEMA }];

  test("create", async () => {
    const { anthropic } = await between(to, () => ANSWER);
    const message = await anthropic.messages.create({ ...request, system: "Be brief." });
    expect(message).toMatchObject({ type: "message", stop_reason: "end_turn", content: [{ type: "text", text: "It rains in Paris." }] });
    expect(message.usage).toMatchObject({ input_tokens: 400, cache_read_input_tokens: 600, output_tokens: 50 });
  });

  test("stream helper with parallel tool calls", async () => {
    const { anthropic } = await between(to, () => CALLS);
    const stream = anthropic.messages.stream({ ...request, tools });
    let text = "";
    stream.on("text", (delta) => {
      text += delta;
    });
    const message = await stream.finalMessage();
    expect(text).toBe("I look it up.");
    expect(message.content).toMatchObject([
      { type: "text", text: "I look it up." },
      { type: "tool_use", name: "weather", input: { city: "Paris", days: 2 } },
      { type: "tool_use", name: "weather", input: { city: "Zürich" } },
    ]);
    expect(message.stop_reason).toBe("tool_use");
    expect(message.usage).toMatchObject({ input_tokens: 400, cache_read_input_tokens: 600, output_tokens: 50 });
  });

  test("a whole tool loop, with an image in the result", async () => {
    const { anthropic, provider } = await between(to, (_, n) => (n === 1 ? CALLS : ANSWER));
    const first = await anthropic.messages.create({ ...request, tools });
    const uses = first.content.filter((block) => block.type === "tool_use");
    const image = { type: "image" as const, source: { type: "base64" as const, media_type: "image/png" as const, data: "aGk=" } };
    const results = uses.map((use) => ({
      type: "tool_result" as const,
      tool_use_id: use.id,
      content: [{ type: "text" as const, text: "rain" }, image],
    }));
    const messages = [
      ...request.messages,
      { role: "assistant" as const, content: first.content },
      { role: "user" as const, content: results },
    ];
    const second = await anthropic.messages.create({ ...request, messages, tools });
    expect(second.stop_reason).toBe("end_turn");
    const sent = JSON.stringify(provider.ledger[1]?.body);
    expect(sent).toContain("data:image/png;base64,aGk=");
    for (const use of uses) expect(sent.split(`"${use.id}"`)).toHaveLength(3);
  });

  test("count_tokens", async () => {
    const { anthropic } = await between(to, () => ANSWER);
    const few = await anthropic.messages.countTokens({ model: "m", messages: request.messages });
    const many = await anthropic.messages.countTokens({ model: "m", messages: [{ role: "user", content: "word ".repeat(1_000) }], tools });
    expect(few.input_tokens).toBeGreaterThan(0);
    expect(many.input_tokens).toBeGreaterThan(1_000);
    expect(many.input_tokens).toBeLessThan(2_000);
  });

  test("errors keep their kind, and a retryable one is retried", async () => {
    const { anthropic, provider } = await between(to, (_, n) => (n === 1 ? { error: { status: 503 } } : ANSWER));
    await expect(anthropic.messages.create(request)).resolves.toMatchObject({ stop_reason: "end_turn" });
    expect(provider.ledger).toHaveLength(2);
  });

  test("an empty account is not retried", async () => {
    const { anthropic, provider } = await between(to, () => ({ error: { status: 429, code: "insufficient_quota", message: "no money" } }));
    await expect(anthropic.messages.create(request)).rejects.toThrow(/no money/);
    expect(provider.ledger).toHaveLength(1);
  });

  test("a provider lost in the middle ends the stream with an error", async () => {
    const { anthropic } = await between(to, () => ({ text: "one two three four five six", chunkDelayMs: 2, reset: "mid-stream" }));
    await expect(anthropic.messages.stream(request).finalMessage()).rejects.toThrow(/ended before the reply was complete/);
  });
});

test("thinking goes through a client of another dialect and comes back sealed", async () => {
  const thinking = { text: "Clouds mean rain.", seal: "c2lnbmF0dXJl" };
  const { openai, provider } = await between("anthropic-messages", () => ({ ...CALLS, thinking }));
  const request = { model: "claude-sonnet-4-5", input: "Weather?", reasoning: { effort: "low" as const } };
  for (const response of [await openai.responses.create(request), await openai.responses.stream(request).finalResponse()]) {
    expect(response.output[0]).toMatchObject({ type: "reasoning", summary: [{ text: "Clouds mean rain." }] });
    const results = response.output.flatMap((item) =>
      item.type === "function_call" ? [{ type: "function_call_output" as const, call_id: item.call_id, output: "rain" }] : [],
    );
    await openai.responses.create({ ...request, input: [{ role: "user", content: "Weather?" }, ...again(response), ...results] });
    expect(provider.ledger.at(-1)?.body).toMatchObject({
      thinking: { type: "enabled", budget_tokens: 4_096 },
      messages: [{}, { content: [{ type: "thinking", thinking: "Clouds mean rain.", signature: "c2lnbmF0dXJl" }, {}, {}, {}] }, {}],
    });
  }
});
