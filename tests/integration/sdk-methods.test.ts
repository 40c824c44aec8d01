/**
 * Every method that the two SDKs have for the endpoints we serve, on a pool of each dialect: the client gets the provider's words,
 * and the decisions cost what the provider's ledger says. A method that a release of an SDK adds makes the last test fail.
 */

import Anthropic from "@anthropic-ai/sdk";
import { betaTool } from "@anthropic-ai/sdk/helpers/beta/json-schema";
import { jsonSchemaOutputFormat } from "@anthropic-ai/sdk/helpers/json-schema";
import { Attribute } from "@signalbox/otel/conventions";
import OpenAI from "openai";
import type { RunnableToolFunctionWithoutParse } from "openai/lib/RunnableFunction";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Provider, type ScriptedRequest, startProvider } from "../support/provider.ts";
import { startAnthropicProvider } from "../support/provider-anthropic.ts";
import { startResponsesProvider } from "../support/provider-responses.ts";
import { type SchedulerUnderTest, startSchedulerUnderTest, until } from "./scheduler-support.ts";

const POOLS = [
  { pool: "chat", start: startProvider, engine: "openai-compatible", base: "/v1", more: "" },
  { pool: "responses", start: startResponsesProvider, engine: "openai-compatible", base: "/v1", more: "dialects: [responses], " },
  { pool: "messages", start: startAnthropicProvider, engine: "anthropic", base: "", more: "" },
] as const;

const PRICES = "input_usd_per_mtok: 1, output_usd_per_mtok: 4, cache_read_usd_per_mtok: 0.1, cache_write_usd_per_mtok: 1.25";
const SCHEMA = { type: "object", properties: { city: { type: "string" } }, required: ["city"], additionalProperties: false } as const;
const PARIS = JSON.stringify({ city: "Paris" });
const user = (content: string) => ({ role: "user" as const, content });

/** JSON where it is asked for; a tool once where there are tools; else words. */
function script({ rawBody, body }: ScriptedRequest) {
  if (rawBody.includes("a city as JSON")) return { text: PARIS };
  const done = rawBody.includes("12 degrees");
  if (Array.isArray(body.tools) && body.tools.length > 0 && !done)
    return { toolCalls: [{ name: "weather", arguments: { city: "Paris" } }] };
  return { text: done ? "It is cold." : "Hello there." };
}

/** Each answers with what the client made of the reply. */
type Methods = Record<string, () => Promise<unknown>>;

function openaiMethods(openai: OpenAI, model: string): Methods {
  const weather: RunnableToolFunctionWithoutParse = {
    type: "function",
    function: {
      name: "weather",
      description: "of a city",
      parameters: { ...SCHEMA, required: ["city"] },
      function: (_arguments: string) => "12 degrees",
    },
  };
  const format = { type: "json_schema" as const, name: "city", schema: SCHEMA, strict: true };
  return {
    "chat.completions.create": async () =>
      (await openai.chat.completions.create({ model, messages: [user("hi")] })).choices[0]?.message.content,
    "chat.completions.create, streamed": async () => {
      let text = "";
      for await (const chunk of await openai.chat.completions.create({ model, messages: [user("hi")], stream: true }))
        text += chunk.choices[0]?.delta.content ?? "";
      return text;
    },
    "chat.completions.stream": async () =>
      (await openai.chat.completions.stream({ model, messages: [user("hi")] }).finalChatCompletion()).choices[0]?.message.content,
    "chat.completions.parse": async () => {
      const { name, schema, strict } = format;
      const response_format = { type: "json_schema" as const, json_schema: { name, schema, strict } };
      const reply = await openai.chat.completions.parse({ model, messages: [user("a city as JSON")], response_format });
      return reply.choices[0]?.message.content;
    },
    "chat.completions.runTools": () =>
      openai.chat.completions.runTools({ model, messages: [user("weather?")], tools: [weather] }).finalContent(),
    "chat.completions.runTools, streamed": () =>
      openai.chat.completions.runTools({ model, messages: [user("weather?")], tools: [weather], stream: true }).finalContent(),
    "responses.create": async () => (await openai.responses.create({ model, input: "hi" })).output_text,
    "responses.create, streamed": async () => {
      let text = "";
      for await (const event of await openai.responses.create({ model, input: "hi", stream: true }))
        if (event.type === "response.output_text.delta") text += event.delta;
      return text;
    },
    "responses.stream": async () => (await openai.responses.stream({ model, input: "hi" }).finalResponse()).output_text,
    "responses.parse": async () => (await openai.responses.parse({ model, input: "a city as JSON", text: { format } })).output_text,
  };
}

function anthropicMethods(anthropic: Anthropic, model: string): Methods {
  const hello = { model, max_tokens: 100, messages: [user("hi")] };
  const asJson = { model, max_tokens: 100, messages: [user("a city as JSON")], output_config: { format: jsonSchemaOutputFormat(SCHEMA) } };
  const textOf = ({ content }: { content: readonly { type: string }[] }) =>
    content.map((block) => (block.type === "text" ? (block as { text?: string }).text : "")).join("");
  const weather = betaTool({ name: "weather", description: "of a city", inputSchema: SCHEMA, run: () => "12 degrees" });
  const asked = { model, max_tokens: 100, messages: [user("weather?")], tools: [weather] };
  return {
    "messages.create": async () => textOf(await anthropic.messages.create(hello)),
    "messages.create, streamed": async () => {
      let text = "";
      for await (const event of await anthropic.messages.create({ ...hello, stream: true }))
        if (event.type === "content_block_delta" && event.delta.type === "text_delta") text += event.delta.text;
      return text;
    },
    "messages.stream": () => anthropic.messages.stream(hello).finalText(),
    "messages.parse": async () => textOf(await anthropic.messages.parse(asJson)),
    "beta.messages.create": async () => textOf(await anthropic.beta.messages.create(hello)),
    "beta.messages.stream": () => anthropic.beta.messages.stream(hello).finalText(),
    "beta.messages.parse": async () => textOf(await anthropic.beta.messages.parse(asJson)),
    "beta.messages.toolRunner": async () => textOf(await anthropic.beta.messages.toolRunner(asked)),
    "beta.messages.toolRunner, streamed": async () =>
      textOf(await anthropic.beta.messages.toolRunner({ ...asked, stream: true }).runUntilDone()),
  };
}

/** What the provider keeps for its clients, or what is not a turn: 404 with our words. */
const NOT_SERVED: Readonly<Record<string, readonly string[]>> = {
  "chat.completions": ["retrieve", "update", "list", "delete"],
  responses: ["retrieve", "delete", "cancel", "compact"],
  models: ["delete"],
  // A thread's turns are `messages.create` with what the provider keeps between them.
  "beta.messages": ["thread", "_toolRunnerThread"],
};
/** Elsewhere: other-endpoints.test.ts, and below. */
const OTHERS: Readonly<Record<string, readonly string[]>> = {
  models: ["list", "retrieve"],
  messages: ["countTokens"],
  "beta.messages": ["countTokens"],
  "beta.models": ["list", "retrieve"],
  embeddings: ["create"],
};

const providers: Provider[] = [];
let scheduler: SchedulerUnderTest;
let openai: OpenAI;
let anthropic: Anthropic;
beforeAll(async () => {
  const pools: string[] = [];
  for (const { pool, start, engine, base, more } of POOLS) {
    const provider = await start({ script });
    providers.push(provider);
    pools.push(
      `  - { name: ${pool}, silicon: cloud, engine: ${engine}, base_url: "${provider.url}${base}", ${more}models: [{ id: on-${pool}, ${PRICES} }] }`,
    );
  }
  scheduler = await startSchedulerUnderTest(`pools:\n${pools.join("\n")}\n`);
  openai = new OpenAI({ baseURL: `${scheduler.url}/v1`, apiKey: "unchecked", maxRetries: 0 });
  anthropic = new Anthropic({ baseURL: scheduler.url, apiKey: "unchecked", maxRetries: 0 });
});
afterAll(async () => {
  await scheduler.close();
  for (const provider of providers) await provider.close();
});

const methodsOf = (model: string): Methods => ({ ...openaiMethods(openai, model), ...anthropicMethods(anthropic, model) });
/** Of no client: only the names are read. */
const names = Object.keys({ ...openaiMethods({} as OpenAI, ""), ...anthropicMethods({} as Anthropic, "") });

describe.each(POOLS.map(({ pool }, index) => ({ pool, index })))("on a pool that speaks $pool", ({ pool, index }) => {
  it.each(names)("%s", async (name) => {
    const provider = providers[index] as Provider;
    const before = { calls: provider.ledger.length, charged: provider.charged(), spans: scheduler.sink.spans.length };
    const said = await methodsOf(`on-${pool}`)[name]?.();
    expect(said).toBe(/parse/.test(name) ? PARIS : /runTools|toolRunner/.test(name) ? "It is cold." : "Hello there.");
    const served = provider.ledger.slice(before.calls);
    expect(served).toHaveLength(/runTools|toolRunner/.test(name) ? 2 : 1);
    const attempts = () => scheduler.sink.spans.slice(before.spans).filter((span) => Attribute.attempt in span.attributes);
    await until(() => attempts().length === served.length, "each call is recorded");
    const booked = attempts().reduce((sum, { attributes }) => sum + Number(attributes[Attribute.costNanousd]), 0);
    expect(booked).toBe(provider.charged() - before.charged);
  });
});

it("what is not served says so at once", async () => {
  for (const call of [
    () => openai.chat.completions.list(),
    () => openai.chat.completions.retrieve("x"),
    () => openai.chat.completions.update("x", { metadata: {} }),
    () => openai.chat.completions.delete("x"),
    () => openai.responses.retrieve("x"),
    () => openai.responses.delete("x"),
    () => openai.responses.cancel("x"),
    () => openai.responses.compact({ model: "on-chat", input: "x" }),
    () => openai.models.delete("on-chat"),
  ]) {
    await expect(call()).rejects.toMatchObject({ status: 404, message: expect.stringContaining("there is no ") });
  }
});

it("the beta doors of counting and listing are the same", async () => {
  expect((await anthropic.beta.messages.countTokens({ model: "on-chat", messages: [user("hi")] })).input_tokens).toBeGreaterThan(0);
  expect((await anthropic.beta.models.list()).data.map(({ id }) => id)).toContain("on-chat");
  expect((await anthropic.beta.models.retrieve("on-chat")).id).toBe("on-chat");
});

it("no method of the SDKs is left out", () => {
  const resources = {
    "chat.completions": openai.chat.completions,
    responses: openai.responses,
    embeddings: openai.embeddings,
    models: openai.models,
    messages: anthropic.messages,
    "beta.messages": anthropic.beta.messages,
    "beta.models": anthropic.beta.models,
  };
  for (const [resource, client] of Object.entries(resources)) {
    const methods = Object.getOwnPropertyNames(Object.getPrototypeOf(client)).filter((name) => name !== "constructor");
    const tried = names.filter((name) => name.startsWith(`${resource}.`)).map((name) => name.slice(resource.length + 1).split(",")[0]);
    const known = new Set([...tried, ...(NOT_SERVED[resource] ?? []), ...(OTHERS[resource] ?? [])]);
    expect(methods.filter((method) => !known.has(method))).toEqual([]);
  }
});
