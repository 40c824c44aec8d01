/** The reply cache before scripted providers, with the real clients: what is answered again, what never is, and what is recorded. */

import Anthropic from "@anthropic-ai/sdk";
import { Attribute, ResponseHeader } from "@signalbox/otel/conventions";
import OpenAI from "openai";
import { afterEach, expect, test } from "vitest";
import { type Provider, type Script, startProvider } from "../support/provider.ts";
import { startEmbeddingsProvider } from "../support/provider-embeddings.ts";
import { type SchedulerUnderTest, startSchedulerUnderTest } from "./scheduler-support.ts";

const CLEAN_UP: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of CLEAN_UP.splice(0).reverse()) await close();
});

interface Setup {
  scheduler: SchedulerUnderTest;
  provider: Provider;
  client: OpenAI;
}

async function setUp(
  cache: string,
  { more = "", script = (_, n) => ({ text: `answer ${n} of many words` }), token }: { more?: string; script?: Script; token?: string } = {},
): Promise<Setup> {
  const provider = await startProvider({ script });
  const scheduler = await startSchedulerUnderTest(
    `
pools:
  - name: only
    silicon: gpu
    engine: openai-compatible
    base_url: ${provider.url}/v1
    models: [{ id: m, input_usd_per_mtok: 1, output_usd_per_mtok: 4 }]
routes:
  - { name: kept, when: {}, use: {}, cache: ${cache} }
${more}`,
    token === undefined ? {} : { token },
  );
  CLEAN_UP.push(
    () => provider.close(),
    () => scheduler.close(),
  );
  return { scheduler, provider, client: clientFor(scheduler) };
}

const clientFor = (scheduler: SchedulerUnderTest, apiKey = "none") => new OpenAI({ baseURL: `${scheduler.url}/v1`, apiKey, maxRetries: 0 });
const question = (text: string, more: object = {}) => ({
  model: "m",
  temperature: 0,
  messages: [{ role: "user" as const, content: text }],
  ...more,
});

test("the same request is answered from the cache: same words, an age, no cost, what was saved on its span", async () => {
  const { client, provider, scheduler } = await setUp("{ kind: exact }");
  const first = await client.chat.completions.create(question("hello")).withResponse();
  const again = await client.chat.completions.create({ ...question("hello"), user: "somebody-else" }).withResponse();

  expect(first.response.headers.get(ResponseHeader.cache)).toBe("miss");
  expect(again.data).toEqual(first.data);
  expect(provider.ledger).toHaveLength(1);
  const { headers } = again.response;
  expect([headers.get(ResponseHeader.cache), headers.get(ResponseHeader.costNanousd)]).toEqual(["exact", "0"]);
  expect(Number(headers.get("age"))).toBeGreaterThanOrEqual(0);
  const [span] = await scheduler.sink.decision(headers.get(ResponseHeader.decision) ?? "", 1);
  expect(span?.attributes).toMatchObject({
    [Attribute.cache]: "exact",
    [Attribute.costNanousd]: 0,
    [Attribute.cacheSavedNanousd]: provider.charged(),
    [Attribute.cacheSavedOutputTokens]: provider.ledger[0]?.usage.output,
  });
  expect(await (await fetch(`${scheduler.url}/metrics`)).text()).toMatch(/signalbox_cache_hits_total\{kind="exact"[^}]*\} 1/);
});

test("a stream is answered as a stream, in the client's dialect", async () => {
  const { client, provider, scheduler } = await setUp("{ kind: exact }");
  const read = async () => {
    const stream = await client.chat.completions.create({ ...question("hello"), stream: true, stream_options: { include_usage: true } });
    const chunks = [];
    for await (const chunk of stream) chunks.push(chunk);
    return chunks;
  };
  const first = await read();
  expect(first.length).toBeGreaterThan(3);
  expect(await read()).toEqual(first);

  const anthropic = new Anthropic({ baseURL: scheduler.url, apiKey: "none", maxRetries: 0 });
  const ask = () =>
    anthropic.messages
      .stream({ model: "m", max_tokens: 50, temperature: 0, messages: [{ role: "user", content: "hello" }] })
      .finalMessage();
  const message = await ask();
  expect(await ask()).toEqual(message);
  expect(provider.ledger).toHaveLength(2);

  const raw = await fetch(`${scheduler.url}/v1/chat/completions`, {
    method: "POST",
    body: JSON.stringify({ ...question("hello"), stream: true, stream_options: { include_usage: true } }),
  });
  const text = await raw.text();
  expect(text.match(/: signalbox cost_nanousd=\d+/g)).toEqual([": signalbox cost_nanousd=0"]);
  expect(text.endsWith("data: [DONE]\n\n")).toBe(true);
});

test.each([
  ["another question", question("goodbye"), {}],
  ["a temperature", question("hello", { temperature: 0.7 }), {}],
  ["no temperature", question("hello", { temperature: undefined }), {}],
  ["tools", question("hello", { tools: [{ type: "function", function: { name: "f", parameters: { type: "object" } } }] }), {}],
  ["cache-control: no-cache", question("hello"), { "cache-control": "no-cache" }],
  ["cache-control: no-store", question("hello"), { "cache-control": "no-store" }],
  ["x-signalbox-cache: off", question("hello"), { "x-signalbox-cache": "off" }],
  ["another project", question("hello"), { "x-signalbox-project": "other" }],
])("%s goes to the pool", async (_what, body, headers) => {
  const { client, provider } = await setUp("{ kind: exact }");
  await client.chat.completions.create(question("hello"));
  await client.chat.completions.create(body, { headers });
  expect(provider.ledger).toHaveLength(2);
});

test("one key's replies are never another's", async () => {
  const { scheduler, provider } = await setUp("{ kind: exact }", {
    more: "keys: [{ name: a, key: key-of-a }, { name: b, key: key-of-b }]",
  });
  for (const key of ["key-of-a", "key-of-b", "key-of-a"]) await clientFor(scheduler, key).chat.completions.create(question("hello"));
  expect(provider.ledger).toHaveLength(2);
});

test("nor are those of a caller with credentials of its own, where nobody needs a key of ours", async () => {
  const { scheduler, provider } = await setUp("{ kind: exact }");
  const headers = { "x-signalbox-credentials": "caller" };
  for (const key of ["login-of-a", "login-of-b", "login-of-a"])
    await clientFor(scheduler, key).chat.completions.create(question("hello"), { headers });
  expect(provider.ledger).toHaveLength(2);
});

test("a refused call, a reply that was cut short and a tool call are not kept", async () => {
  const plans = [
    { error: { status: 400 } },
    { toolCalls: [{ name: "f", arguments: {} }] },
    { reset: "mid-stream" as const },
    { text: "whole" },
  ];
  const { client, provider, scheduler } = await setUp("{ kind: exact }", { script: (_, n) => plans[n - 1] ?? { text: "late" } });
  for (let n = 0; n < plans.length; n++) await client.chat.completions.create(question("hello")).catch(() => {});
  expect(provider.ledger).toHaveLength(4);
  expect((await client.chat.completions.create(question("hello"))).choices[0]?.message.content).toBe("whole");
  expect(provider.ledger).toHaveLength(4);
  expect(scheduler.log.filter((line) => line.includes("request failed"))).toEqual([]);
});

test("a killed session gets no cached reply", async () => {
  const { scheduler, provider } = await setUp("{ kind: exact }", { token: "the-token" });
  const client = clientFor(scheduler, "the-token");
  const ask = (session: string) => client.chat.completions.create(question("hello"), { headers: { "x-signalbox-session": session } });
  await ask("one");
  await fetch(`${scheduler.url}/control/sessions/two/kill`, { method: "POST", headers: { authorization: "Bearer the-token" } });
  await expect(ask("two")).rejects.toMatchObject({ status: 403 });
  await ask("three");
  expect(provider.ledger).toHaveLength(1);
});

test("a question that means the same is answered by a semantic cache; one that does not is not", async () => {
  const embeddings = await startEmbeddingsProvider();
  CLEAN_UP.push(() => embeddings.close());
  const { client, provider, scheduler } = await setUp("{ kind: semantic, threshold: 0.85 }", {
    more: `semantic: { embeddings: { url: "${embeddings.url}/v1", model: words }, timeout_ms: 5000 }`,
  });
  const ask = (text: string, more: object = {}) => client.chat.completions.create(question(text, more)).withResponse();
  const first = await ask("what is the capital city of France please");
  const near = await ask("please, what is the capital city of France?");
  expect(near.data).toEqual(first.data);
  expect(near.response.headers.get(ResponseHeader.cache)).toBe("semantic");
  const [span] = await scheduler.sink.decision(near.response.headers.get(ResponseHeader.decision) ?? "", 1);
  expect(span?.attributes[Attribute.cacheScore]).toBeGreaterThan(0.85);

  expect((await ask("how do I bake bread")).response.headers.get(ResponseHeader.cache)).toBe("miss");
  // The same words after another system prompt are another question.
  const system = [
    { role: "system", content: "Answer in French." },
    { role: "user", content: "what is the capital city of France please" },
  ];
  expect((await ask("", { messages: system })).response.headers.get(ResponseHeader.cache)).toBe("miss");
  expect(provider.ledger).toHaveLength(3);
});
