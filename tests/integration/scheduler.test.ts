/** The scheduler before scripted providers, with the real `openai` client: replies, refusals, failover, and what is recorded. */

import { once } from "node:events";
import http from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { Attribute, type DecisionCandidate, RequestHeader, ResponseHeader } from "@signalbox/otel/conventions";
import { costNanousd, findPrice } from "@signalbox/otel/prices";
import OpenAI, { APIError, AuthenticationError, BadRequestError, NotFoundError, RateLimitError } from "openai";
import { afterEach, expect, test } from "vitest";
import { lastText, type Provider, type Script, startProvider } from "../support/provider.ts";
import { EASY_SLA, type SchedulerUnderTest, startSchedulerUnderTest, until } from "./scheduler-support.ts";

const CLEAN_UP: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of CLEAN_UP.splice(0).reverse()) await close();
});

interface Setup {
  scheduler: SchedulerUnderTest;
  /** The cheap pool's provider, at 1 / 4 / 0.1 USD per million tokens, and the dear one's, at ten times that. */
  cheap: Provider;
  dear: Provider;
  client: OpenAI;
}

async function setUp(
  scripts: { cheap?: Script; dear?: Script } = {},
  more = "",
  options: Parameters<typeof startSchedulerUnderTest>[1] = {},
): Promise<Setup> {
  const cheap = await startProvider({ script: scripts.cheap ?? (() => ({})) });
  const dear = await startProvider({ script: scripts.dear ?? (() => ({})), prices: { input: 10, output: 40, cacheRead: 1 } });
  const config = `${EASY_SLA}
baseline: { model: claude-opus-4-6 }
pools:
  - name: cheap
    silicon: cpu
    hardware: a small box
    engine: openai-compatible
    base_url: ${cheap.url}/v1
    api_key_env: CHEAP_KEY
    slots: 2
    queue_limit: 1
    models: [{ id: small, tier: 0, input_usd_per_mtok: 1, output_usd_per_mtok: 4, cache_read_usd_per_mtok: 0.1 }]
  - name: dear
    silicon: gpu
    engine: openai-compatible
    base_url: ${dear.url}/v1
    slots: 2
    queue_limit: 1
    models: [{ id: large, tier: 2, input_usd_per_mtok: 10, output_usd_per_mtok: 40, cache_read_usd_per_mtok: 1 }]
models:
  auto: { any_of: [small, large] }
tasks:
  coding: { min_tier: 2, sla: interactive }
${more}`;
  const scheduler = await startSchedulerUnderTest(config, {
    ...options,
    environment: { CHEAP_KEY: "cheap-secret", ...options.environment },
  });
  CLEAN_UP.push(
    () => cheap.close(),
    () => dear.close(),
    () => scheduler.close(),
  );
  const client = new OpenAI({ baseURL: `${scheduler.url}/v1`, apiKey: options.token ?? "unchecked", maxRetries: 0 });
  return { scheduler, cheap, dear, client };
}

const HELLO = { model: "auto", messages: [{ role: "user" as const, content: "hello" }] };

test("a reply comes back unchanged, with the decision and its cost in headers", async () => {
  const { client, cheap, dear } = await setUp({ cheap: () => ({ text: "hi there", usage: { input: 100, output: 20, cacheRead: 40 } }) });
  const { data, response } = await client.chat.completions.create(HELLO).withResponse();

  expect(data.choices[0]?.message.content).toBe("hi there");
  expect(response.headers.get(ResponseHeader.pool)).toBe("cheap");
  expect(response.headers.get(ResponseHeader.silicon)).toBe("cpu");
  expect(response.headers.get(ResponseHeader.route)).toBe("default");
  expect(response.headers.get(ResponseHeader.slaMet)).toBe("true");
  expect(Number(response.headers.get(ResponseHeader.costNanousd))).toBe(cheap.ledger[0]?.costNanousd);
  expect(cheap.charged()).toBe(60 * 1000 + 40 * 100 + 20 * 4000);
  expect(dear.ledger).toHaveLength(0);
});

test("the engine gets the client's bytes, its own model name and its own key", async () => {
  const { client, cheap } = await setUp();
  await client.chat.completions.create({ ...HELLO, unknown_field: { deep: ["é", 1] } } as never, {
    headers: { "anthropic-beta": "x", cookie: "a=b" },
  });
  const [entry] = cheap.ledger;
  expect(entry?.rawBody).toBe(JSON.stringify({ ...HELLO, model: "small", unknown_field: { deep: ["é", 1] } }));
  expect(entry?.headers).toMatchObject({ authorization: "Bearer cheap-secret", "anthropic-beta": "x" });
  expect(entry?.headers.cookie).toBeUndefined();
});

test("a stream passes as it comes; usage is asked for and taken out again, and its cost stands in a comment", async () => {
  const { scheduler, cheap } = await setUp({ cheap: () => ({ text: "one two three", chunkDelayMs: 10 }) });
  const response = await fetch(`${scheduler.url}/v1/chat/completions`, {
    method: "POST",
    body: JSON.stringify({ ...HELLO, stream: true }),
  });
  const text = await response.text();
  expect(cheap.ledger[0]?.body.stream_options).toEqual({ include_usage: true });
  expect(text).not.toContain('"usage"');
  expect(text).toContain(`: signalbox cost_nanousd=${cheap.charged()} sla_met=true\n\ndata: [DONE]\n\n`);
  expect(text.endsWith("data: [DONE]\n\n")).toBe(true);
});

test("a client that asks for usage gets it", async () => {
  const { client, cheap } = await setUp({ cheap: () => ({ text: "one two three", usage: { input: 9, output: 3 } }) });
  const stream = await client.chat.completions.create({ ...HELLO, stream: true, stream_options: { include_usage: true } });
  const chunks = [];
  for await (const chunk of stream) chunks.push(chunk);
  expect(chunks.map((chunk) => chunk.choices[0]?.delta.content ?? "").join("")).toBe("one two three");
  expect(chunks.at(-1)?.usage).toMatchObject({ prompt_tokens: 9, completion_tokens: 3 });
  expect(cheap.ledger[0]?.rawBody).toContain('"model":"small"');
});

test("tool calls pass in both directions, streamed and whole", async () => {
  const { client } = await setUp({
    cheap: (request) =>
      lastText(request, "tool")
        ? { text: `it is ${lastText(request, "tool")}` }
        : { toolCalls: [{ id: "call_1", name: "clock", arguments: { zone: "UTC" } }] },
  });
  const tools = [{ type: "function" as const, function: { name: "clock", parameters: { type: "object", properties: {} } } }];
  const whole = await client.chat.completions.create({ ...HELLO, tools });
  expect(whole.choices[0]).toMatchObject({
    finish_reason: "tool_calls",
    message: { tool_calls: [{ id: "call_1", function: { arguments: '{"zone":"UTC"}' } }] },
  });

  const streamed = await client.chat.completions.stream({ ...HELLO, tools }).finalChatCompletion();
  expect(streamed.choices[0]?.message.tool_calls?.[0]).toMatchObject({ id: "call_1", function: { name: "clock" } });

  const answer = await client.chat.completions.create({
    ...HELLO,
    tools,
    messages: [...HELLO.messages, whole.choices[0]?.message as never, { role: "tool", tool_call_id: "call_1", content: "noon" }],
  });
  expect(answer.choices[0]?.message.content).toBe("it is noon");
});

test("a client that leaves mid-stream cancels the engine's request, frees the slot, and is recorded", async () => {
  const { scheduler, client, cheap } = await setUp({ cheap: () => ({ text: "word ".repeat(200), chunkDelayMs: 10 }) });
  const { data: stream, response } = await client.chat.completions.create({ ...HELLO, stream: true }).withResponse();
  let seen = 0;
  for await (const _chunk of stream) if (++seen === 5) break;
  await cheap.idle(1_000);
  expect(cheap.ledger[0]).toMatchObject({ clientClosed: true, complete: false });

  const [attempt, schedule] = await scheduler.sink.decision(response.headers.get(ResponseHeader.decision) ?? "", 2);
  expect(attempt?.attributes).toMatchObject({ [Attribute.errorType]: "client_closed", [Attribute.costSource]: "estimated" });
  expect(attempt?.attributes[Attribute.costNanousd]).toBeGreaterThan(0);
  // it was in time so far, and nobody knows how it would have gone on
  expect(schedule?.attributes).toMatchObject({ [Attribute.httpStatusCode]: 499 });
  expect([schedule, attempt].map((span) => span?.attributes[Attribute.slaMet])).toEqual([undefined, undefined]);
  const metrics = await (await fetch(`${scheduler.url}/metrics`)).text();
  expect(metrics).toMatch(/signalbox_active_calls\{pool="cheap"[^}]*\} 0/);
});

test("a refused call's span says what its client was told, and has no verdict on its class", async () => {
  const { scheduler, cheap } = await setUp({}, "", { token: "admin-token" });
  const post = (path: string, body: object) =>
    fetch(scheduler.url + path, {
      method: "POST",
      headers: { authorization: "Bearer admin-token", "content-type": "application/json", [RequestHeader.session]: "looping" },
      body: JSON.stringify(body),
    });
  expect((await post("/control/sessions/looping/kill", { reason: "it loops" })).status).toBe(200);
  const refused = await post("/v1/chat/completions", HELLO);
  expect(refused.status).toBe(403);
  const [schedule] = await scheduler.sink.decision(refused.headers.get(ResponseHeader.decision) ?? "", 1);
  expect(schedule).toMatchObject({
    statusMessage: "Signalbox: looping was killed: it loops. No further calls are served.",
    attributes: { [Attribute.errorType]: "session_killed", [Attribute.httpStatusCode]: 403 },
  });
  expect(schedule?.attributes[Attribute.slaMet]).toBeUndefined();
  expect(await (await fetch(`${scheduler.url}/metrics`)).text()).not.toMatch(/signalbox_sla_misses\S* [1-9]/);
  expect(cheap.ledger).toEqual([]);
});

test("a client that leaves before the first byte cancels too", async () => {
  const { client, cheap } = await setUp({ cheap: () => ({ hang: "before-first-byte" }) });
  const leave = new AbortController();
  const call = client.chat.completions.create(HELLO, { signal: leave.signal });
  await until(() => cheap.ledger.length === 1, "the provider was asked");
  leave.abort();
  await expect(call).rejects.toThrow();
  await cheap.idle(1_000);
  expect(cheap.ledger[0]?.clientClosed).toBe(true);
});

test("both spans of a call: parents, attributes, candidates, times, and the ledger's cost", async () => {
  const usage = { input: 1000, output: 50, cacheRead: 600 };
  const { scheduler, client, cheap } = await setUp({ cheap: () => ({ text: "a b c", usage, delayMs: 20, chunkDelayMs: 5 }) });
  const traceId = "0af7651916cd43dd8448eb211c80319c";
  const headers = {
    traceparent: `00-${traceId}-b7ad6b7169203331-01`,
    "x-signalbox-session": "agent:main:main",
    "x-signalbox-agent": "agent:main:subagent:1",
    "x-signalbox-parent-agent": "agent:main:main",
    "x-signalbox-agent-kind": "openclaw",
    "x-signalbox-turn": "turn-1",
    "x-signalbox-channel": "telegram",
    "x-signalbox-sla": "interactive",
    "x-signalbox-user": "acme/ann",
  };
  const { data: stream, response } = await client.chat.completions
    .create({ ...HELLO, stream: true, max_tokens: 60 }, { headers })
    .withResponse();
  for await (const _chunk of stream);
  const [attempt, schedule] = await scheduler.sink.decision(response.headers.get(ResponseHeader.decision) ?? "", 2);

  expect(response.headers.get(ResponseHeader.traceresponse)).toBe(`00-${traceId}-${schedule?.spanId}-01`);
  expect(schedule).toMatchObject({ traceId, parentSpanId: "b7ad6b7169203331", name: "schedule auto", kind: 2, statusCode: 0 });
  expect(attempt).toMatchObject({ traceId, parentSpanId: schedule?.spanId, name: "chat small", kind: 3, statusCode: 0 });
  expect(cheap.ledger[0]?.headers.traceparent).toBe(`00-${traceId}-${attempt?.spanId}-01`);
  for (const span of [attempt, schedule]) {
    expect(span?.attributes).toMatchObject({
      [Attribute.sessionId]: "agent:main:main",
      [Attribute.conversationId]: "agent:main:main",
      [Attribute.signalboxAgentId]: "agent:main:subagent:1",
      [Attribute.parentAgentId]: "agent:main:main",
      [Attribute.agentDepth]: 1,
      [Attribute.agentKind]: "openclaw",
      [Attribute.turnId]: "turn-1",
      [Attribute.channel]: "telegram",
      [Attribute.userId]: "acme/ann",
      [Attribute.route]: "default",
      [Attribute.pool]: "cheap",
      [Attribute.silicon]: "cpu",
      [Attribute.hardware]: "a small box",
      [Attribute.slaClass]: "interactive",
    });
  }
  const price = findPrice("claude-opus-4-6");
  expect(attempt?.attributes).toMatchObject({
    [Attribute.attempt]: 1,
    [Attribute.inputTokens]: 1000,
    [Attribute.cacheReadTokens]: 600,
    [Attribute.outputTokens]: 50,
    [Attribute.costNanousd]: cheap.charged(),
    [Attribute.costSource]: "priced",
    [Attribute.baselineNanousd]: price && costNanousd(price, usage),
    [Attribute.baselineModel]: "claude-opus-4-6",
    [Attribute.responseModel]: "small",
    [Attribute.requestMaxTokens]: 60,
  });
  expect(attempt?.attributes[Attribute.timeToFirstChunk]).toBeGreaterThan(0.015);
  expect(schedule?.attributes).not.toHaveProperty([Attribute.costNanousd]);
  expect([schedule, attempt].map((span) => span?.attributes[Attribute.slaMet])).toEqual([true, true]);
  expect(schedule?.startMs).toBeLessThanOrEqual(attempt?.startMs ?? 0);
  expect(schedule?.endMs).toBeGreaterThanOrEqual(attempt?.endMs ?? Infinity);
  const candidates = JSON.parse(String(schedule?.attributes[Attribute.decisionCandidates])) as DecisionCandidate[];
  expect(candidates).toMatchObject([
    { pool: "cheap", chosen: true },
    { pool: "dear", model: "large" },
  ]);
  expect(candidates[1]?.cost_nanousd).toBeGreaterThan(candidates[0]?.cost_nanousd ?? Infinity);
});

test.each([
  ["a 500", { error: { status: 500 } }, "500"],
  ["a reset before the first byte", { reset: "before-first-byte" as const }, "UND_ERR_SOCKET"],
])("%s fails over to the next pool, and both attempts are recorded", async (_what, plan, errorType) => {
  const { scheduler, client, cheap, dear } = await setUp({ cheap: () => plan, dear: () => ({ text: "from the dear one" }) });
  const { data, response } = await client.chat.completions.create(HELLO).withResponse();
  expect(data.choices[0]?.message.content).toBe("from the dear one");
  expect(response.headers.get(ResponseHeader.pool)).toBe("dear");
  const [first, second, schedule] = await scheduler.sink.decision(response.headers.get(ResponseHeader.decision) ?? "", 3);
  expect(first).toMatchObject({ name: "chat small", statusCode: 2, parentSpanId: schedule?.spanId });
  expect(first?.attributes).toMatchObject({ [Attribute.attempt]: 1, [Attribute.errorType]: errorType });
  expect(second?.attributes).toMatchObject({ [Attribute.attempt]: 2, [Attribute.costNanousd]: dear.charged(), [Attribute.pool]: "dear" });
  expect(cheap.charged()).toBe(0);
});

test("a pool that cannot be reached fails over; when none can, the client gets 502", async () => {
  const { client, cheap, dear } = await setUp();
  await cheap.close();
  const { response } = await client.chat.completions.create(HELLO).withResponse();
  expect(response.headers.get(ResponseHeader.pool)).toBe("dear");
  await dear.close();
  const error = await client.chat.completions.create(HELLO).catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(APIError);
  expect(error).toMatchObject({ status: 502, code: "ECONNREFUSED", type: "server_error" });
  CLEAN_UP.splice(0, 2);
});

test("the last pool's 500, and any pool's 4xx, are passed on as they are", async () => {
  const { client } = await setUp({
    cheap: (request) => ({ error: { status: request.model === "small" ? 422 : 500, message: "no such thing", code: "strange" } }),
    dear: () => ({ error: { status: 500, message: "broken" } }),
  });
  const refused = await client.chat.completions.create(HELLO).catch((thrown: unknown) => thrown);
  expect(refused).toMatchObject({ status: 422, code: "strange" });
  const broken = await client.chat.completions.create({ ...HELLO, model: "large" }).catch((thrown: unknown) => thrown);
  expect(broken).toMatchObject({ status: 500, error: { message: "broken" } });
});

test("an engine that breaks off mid-stream ends the stream with an error event, and what came is charged as an estimate", async () => {
  const { scheduler, client } = await setUp({
    cheap: () => ({ text: "one two three four five six", reset: "mid-stream", chunkDelayMs: 2 }),
  });
  const { data: stream, response } = await client.chat.completions.create({ ...HELLO, stream: true }).withResponse();
  let text = "";
  const read = async () => {
    for await (const chunk of stream) text += chunk.choices[0]?.delta.content ?? "";
  };
  await expect(read()).rejects.toThrow("pool cheap failed");
  expect(text).toBe("one two three ");
  const [attempt] = await scheduler.sink.decision(response.headers.get(ResponseHeader.decision) ?? "", 2);
  expect(attempt?.attributes).toMatchObject({ [Attribute.costSource]: "estimated", [Attribute.outputTokens]: 3 });
});

test("an engine that breaks off in the middle of a whole reply fails over: the client has seen nothing", async () => {
  const { client } = await setUp({ cheap: () => ({ text: "half of this", reset: "mid-stream" }), dear: () => ({ text: "whole" }) });
  const reply = await client.chat.completions.create(HELLO);
  expect(reply.choices[0]?.message.content).toBe("whole");
});

test("task, class and rules choose the pool", async () => {
  const { client } = await setUp(
    {},
    `
routes:
  - name: translate
    when: { keywords: [TRANSLATE], users: ["acme/*"] }
    use: { models: [large] }
`,
  );
  const route = async (content: string, headers: Record<string, string>) => {
    const { response } = await client.chat.completions
      .create({ ...HELLO, messages: [{ role: "user", content }] }, { headers })
      .withResponse();
    return [response.headers.get(ResponseHeader.route), response.headers.get(ResponseHeader.pool)];
  };
  expect(await route("hello", {})).toEqual(["default", "cheap"]);
  expect(await route("hello", { "x-signalbox-task": "coding" })).toEqual(["default", "dear"]);
  expect(await route("please translate", { "x-signalbox-user": "acme/ann" })).toEqual(["translate", "dear"]);
  expect(await route("please translate", { "x-signalbox-user": "other/ann" })).toEqual(["default", "cheap"]);
});

test("refusals have OpenAI's shape", async () => {
  const { scheduler, client } = await setUp({}, "", { token: "admin-token", limits: { maxBodyBytes: 2_000 } });
  const thrown = (call: Promise<unknown>) => call.catch((error: unknown) => error);

  const unknown = await thrown(client.chat.completions.create({ ...HELLO, model: "gpt-9" }));
  expect(unknown).toBeInstanceOf(NotFoundError);
  expect(unknown).toMatchObject({ code: "model_not_found", param: "model", type: "invalid_request_error" });

  const intruder = new OpenAI({ baseURL: `${scheduler.url}/v1`, apiKey: "wrong", maxRetries: 0 });
  const refused = await thrown(intruder.chat.completions.create(HELLO));
  expect(refused).toBeInstanceOf(AuthenticationError);
  expect(refused).toMatchObject({ code: "invalid_api_key" });

  expect(await thrown(client.chat.completions.create({ model: "auto" } as never))).toBeInstanceOf(BadRequestError);
  const large = await thrown(client.chat.completions.create({ ...HELLO, messages: [{ role: "user", content: "x".repeat(3_000) }] }));
  expect(large).toMatchObject({ status: 413, code: "request_too_large" });

  const post = (body: string, headers: Record<string, string> = {}) =>
    fetch(`${scheduler.url}/v1/chat/completions`, { method: "POST", body, headers });
  const broken = await post('{"model": "auto", "messages": [}');
  expect(broken.status).toBe(400);
  expect(await broken.json()).toMatchObject({ error: { type: "invalid_request_error", message: expect.stringContaining("at byte 31") } });
  expect((await post(JSON.stringify(HELLO), { "x-signalbox-sla": "urgent" })).status).toBe(400);
  expect((await post(JSON.stringify(HELLO), { "content-encoding": "gzip" })).status).toBe(415);
  expect((await post(JSON.stringify(HELLO), { origin: "https://evil.example" })).status).toBe(403);
  expect((await fetch(`${scheduler.url}/v1/nothing`)).status).toBe(404);
  expect((await fetch(`${scheduler.url}/control/pools`)).status).toBe(401);
  const pools = await fetch(`${scheduler.url}/control/pools`, { headers: { authorization: "Bearer admin-token" } });
  expect(await pools.json()).toMatchObject({ data: [{ name: "cheap", state: "healthy" }, { name: "dear" }], next: null });
  expect((await client.models.list()).data.map((model) => model.id)).toEqual(["small", "large", "auto"]);
});

test("once the config names keys, a missing one is refused", async () => {
  const { scheduler } = await setUp({}, "keys: [{ name: laptop, key_env: LAPTOP_KEY }]\n", {
    environment: { LAPTOP_KEY: "laptop-secret" },
  });
  const status = async (headers: Record<string, string>) =>
    (await fetch(`${scheduler.url}/v1/chat/completions`, { method: "POST", body: JSON.stringify(HELLO), headers })).status;
  expect(await status({})).toBe(401);
  expect(await status({ authorization: "Bearer laptop-secret" })).toBe(200);
  expect(await status({ "x-signalbox-key": "laptop-secret" })).toBe(200);
});

test("beyond slots and line a request is refused with 429, and counted", async () => {
  const { scheduler, client, cheap } = await setUp({ cheap: () => ({ hang: "before-first-byte" }) });
  const leave = new AbortController();
  const small = () => client.chat.completions.create({ ...HELLO, model: "small" }, { signal: leave.signal });
  const waiting = [small(), small()].map((call) => call.catch(() => {}));
  await until(() => cheap.ledger.length === 2, "both slots are taken");
  waiting.push(small().catch(() => {}) as never);
  await until(async () => /queue_depth\{pool="cheap"[^}]*\} 1/.test(await (await fetch(`${scheduler.url}/metrics`)).text()), "one waits");
  const refused = await small().catch((error: unknown) => error);
  expect(refused).toBeInstanceOf(RateLimitError);
  expect(refused).toMatchObject({ code: "pool_queue_full" });
  leave.abort();
  await Promise.all(waiting);
  await until(
    async () =>
      /signalbox_requests_total\{pool="none",route="default",status="429"[^}]*\} 1/.test(
        await (await fetch(`${scheduler.url}/metrics`)).text(),
      ),
    "the refusal is counted",
  );
});

test("a slow reader holds the engine back", async () => {
  const CHUNK = `data: ${JSON.stringify({ choices: [{ index: 0, delta: { content: "x".repeat(64_000) } }] })}\n\n`;
  const CHUNKS = 2_000;
  let sent = 0;
  const engine = http.createServer(async (request, response) => {
    request.resume();
    response.writeHead(200, { "content-type": "text/event-stream" });
    for (; sent < CHUNKS; sent++) if (!response.write(CHUNK)) await once(response, "drain");
    response.end("data: [DONE]\n\n");
  });
  engine.listen(0, "127.0.0.1");
  await once(engine, "listening");
  const { port } = engine.address() as AddressInfo;
  const scheduler = await startSchedulerUnderTest(`
pools:
  - { name: flood, silicon: gpu, engine: openai-compatible, base_url: "http://127.0.0.1:${port}/v1", probe: off, models: [{ id: auto }] }
`);
  CLEAN_UP.push(
    async () => void engine.close(),
    () => scheduler.close(),
  );

  const response = await fetch(`${scheduler.url}/v1/chat/completions`, {
    method: "POST",
    body: JSON.stringify({ ...HELLO, stream: true }),
  });
  await sleep(500);
  const whileNobodyRead = sent;
  expect(whileNobodyRead).toBeLessThan(CHUNKS / 4);
  let bytes = 0;
  for await (const chunk of response.body ?? []) bytes += chunk.length;
  expect(sent).toBe(CHUNKS);
  expect(bytes).toBeGreaterThan(CHUNKS * CHUNK.length);
});
