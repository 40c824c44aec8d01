/** Token counts, embeddings and models, with the real clients. */

import { once } from "node:events";
import http from "node:http";
import type { AddressInfo } from "node:net";
import Anthropic from "@anthropic-ai/sdk";
import { Attribute, ResponseHeader } from "@signalbox/otel/conventions";
import OpenAI, { type APIError } from "openai";
import { afterEach, expect, test } from "vitest";
import { startProvider } from "../support/provider.ts";
import { startAnthropicProvider } from "../support/provider-anthropic.ts";
import { startEmbeddingsProvider } from "../support/provider-embeddings.ts";
import { startSchedulerUnderTest } from "./scheduler-support.ts";

const CLEAN_UP: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of CLEAN_UP.splice(0).reverse()) await close();
});

/** A scheduler of these pools, and both clients of it. */
async function clients(pools: string) {
  const scheduler = await startSchedulerUnderTest(`pools:\n${pools}`);
  CLEAN_UP.push(scheduler.close);
  return {
    scheduler,
    anthropic: new Anthropic({ baseURL: scheduler.url, apiKey: "unchecked", maxRetries: 0 }),
    openai: new OpenAI({ baseURL: `${scheduler.url}/v1`, apiKey: "unchecked", maxRetries: 0 }),
  };
}

const HELLO = { model: "some-model", messages: [{ role: "user" as const, content: "hello there, how are you?" }] };

test("tokens are counted by an anthropic pool where there is one", async () => {
  const provider = await startAnthropicProvider();
  CLEAN_UP.push(provider.close);
  const { anthropic } = await clients(
    `  - { name: a, silicon: cloud, engine: anthropic, base_url: "${provider.url}", models: [{ id: some-model }] }`,
  );
  const { input_tokens } = await anthropic.messages.countTokens(HELLO);
  expect(provider.ledger).toHaveLength(1);
  expect(provider.ledger[0]).toMatchObject({ path: "/v1/messages/count_tokens", rawBody: JSON.stringify(HELLO) });
  expect(input_tokens).toBe(Math.ceil(JSON.stringify(HELLO).length / 4));
});

test.each([
  ["a pool that cannot count", "openai-compatible"],
  ["an anthropic pool that cannot be reached", "anthropic"],
])("tokens are estimated on %s", async (_name, engine) => {
  const { anthropic } = await clients(
    `  - { name: a, silicon: cloud, engine: ${engine}, base_url: "http://127.0.0.1:9", models: [{ id: some-model }] }`,
  );
  const { input_tokens } = await anthropic.messages.countTokens(HELLO);
  // 25 characters of text and what surrounds a message.
  expect(input_tokens).toBe(Math.ceil(25 / 4) + 4);
  await expect(anthropic.messages.countTokens({ ...HELLO, model: "nobody" })).rejects.toThrow(Anthropic.NotFoundError);
});

test("embeddings are relayed, and charged by their input", async () => {
  const asked: { path: string | undefined; body: string }[] = [];
  const server = http.createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    asked.push({ path: request.url, body: Buffer.concat(chunks).toString() });
    response.writeHead(200, { "content-type": "application/json" });
    const data = [{ object: "embedding", index: 0, embedding: [0.25, -1] }];
    response.end(JSON.stringify({ object: "list", model: "vectors", data, usage: { prompt_tokens: 7, total_tokens: 7 } }));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  CLEAN_UP.push(async () => {
    server.close();
    server.closeAllConnections();
  });
  const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`;
  const { openai, scheduler } = await clients(
    `  - { name: e, silicon: cpu, engine: openai-compatible, base_url: "${base}", probe: off, models: [{ id: vectors, input_usd_per_mtok: 2, output_usd_per_mtok: 8 }] }`,
  );
  const body = { model: "vectors", input: ["one", "two"], encoding_format: "float" as const };
  const { data, response } = await openai.embeddings.create(body).withResponse();
  expect(data.data[0]?.embedding).toEqual([0.25, -1]);
  expect(asked).toEqual([{ path: "/v1/embeddings", body: JSON.stringify(body) }]);
  expect(response.headers.get(ResponseHeader.costNanousd)).toBe(String(7 * 2000));
  const [attempt] = await scheduler.sink.decision(response.headers.get(ResponseHeader.decision) ?? "", 2);
  expect(attempt?.name).toBe("embeddings vectors");
  expect(attempt?.attributes).toMatchObject({
    [Attribute.operation]: "embeddings",
    [Attribute.inputTokens]: 7,
    [Attribute.outputTokens]: 0,
  });
});

test.each([
  ["what is no JSON", "<html>busy</html>"],
  ["JSON that is cut", '{"object":"list","da'],
  ["no vectors", '{"object":"list","data":[],"usage":{"prompt_tokens":1}}'],
])("embeddings: a pool that answers 200 with %s is a pool that failed", async (_name, garbage) => {
  const [bad, good] = [await startEmbeddingsProvider(), await startEmbeddingsProvider()];
  CLEAN_UP.push(bad.close, good.close);
  bad.garbage = garbage;
  const pool = (name: string, { url }: { url: string }, price: number) =>
    `  - { name: ${name}, silicon: cpu, engine: openai-compatible, base_url: "${url}/v1", models: [{ id: words, input_usd_per_mtok: ${price} }] }\n`;
  const both = await clients(pool("bad", bad, 1) + pool("good", good, 2));
  const { data, response } = await both.openai.embeddings.create({ model: "words", input: "two words" }).withResponse();
  expect(data.data).toHaveLength(1);
  expect([response.headers.get(ResponseHeader.pool), response.headers.get(ResponseHeader.costNanousd)]).toEqual(["good", "4000"]);
  const spans = await both.scheduler.sink.decision(response.headers.get(ResponseHeader.decision) ?? "", 3);
  const failed = spans.find(({ attributes }) => attributes[Attribute.attempt] === 1);
  expect(failed?.attributes).toMatchObject({
    [Attribute.pool]: "bad",
    [Attribute.errorType]: "bad_reply",
    [Attribute.costSource]: "unknown",
  });

  const alone = await clients(pool("bad", bad, 1));
  const error = (await alone.openai.embeddings.create({ model: "words", input: "x" }).catch((thrown: unknown) => thrown)) as APIError;
  expect([error.status, error.code]).toEqual([502, "bad_reply"]);
});

test("a pool that makes no embeddings refuses with the reason", async () => {
  const { openai } = await clients(
    `  - { name: a, silicon: cloud, engine: anthropic, base_url: "http://127.0.0.1:9", models: [{ id: some-model }] }`,
  );
  const error = (await openai.embeddings.create({ model: "some-model", input: "x" }).catch((thrown: unknown) => thrown)) as APIError;
  expect(error.status).toBe(400);
  expect(error.message).toContain("a pool of engine anthropic makes no embeddings");
});

test("both clients list models and ask for one", async () => {
  const provider = await startProvider();
  CLEAN_UP.push(provider.close);
  const { openai, anthropic } = await clients(
    `  - { name: a, silicon: cloud, engine: openai-compatible, base_url: "${provider.url}/v1", models: [{ id: some-model }, { id: org/other }] }`,
  );
  for (const list of [openai.models.list(), anthropic.models.list({ limit: 1000 })]) {
    const ids: string[] = [];
    for await (const model of await list) ids.push(model.id);
    expect(ids).toEqual(["some-model", "org/other"]);
  }
  expect(await openai.models.retrieve("org/other")).toMatchObject({ id: "org/other", object: "model" });
  expect(await anthropic.models.retrieve("some-model")).toMatchObject({ id: "some-model", type: "model" });
  await expect(openai.models.retrieve("nobody")).rejects.toThrow(OpenAI.NotFoundError);
});
