/**
 * What a client sees, what is recorded and what is charged when the pool that was chosen fails: read the table. `bad` is asked first and
 * `good` second, each by its own scripted provider, whose ledger the books are compared with.
 */

import Anthropic from "@anthropic-ai/sdk";
import { Attribute } from "@signalbox/otel/conventions";
import OpenAI from "openai";
import { afterEach, expect, test } from "vitest";
import { type Provider, startProvider } from "../support/provider.ts";
import { startAnthropicProvider } from "../support/provider-anthropic.ts";
import type { ReplyPlan } from "../support/provider-plan.ts";
import { startResponsesProvider } from "../support/provider-responses.ts";
import { type SchedulerUnderTest, type SeenSpan, startSchedulerUnderTest, until } from "./scheduler-support.ts";

const CLEAN_UP: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of CLEAN_UP.splice(0).reverse()) await close();
});

type DialectName = "chat" | "messages" | "responses";
const PROVIDERS = { chat: startProvider, messages: startAnthropicProvider, responses: startResponsesProvider };
const DIALECTS: readonly DialectName[] = ["chat", "messages", "responses"];

async function provide(dialect: DialectName, plan: (n: number) => ReplyPlan): Promise<Provider> {
  const provider = await PROVIDERS[dialect]({ script: (_request, n) => plan(n) });
  CLEAN_UP.push(() => provider.close());
  return provider;
}

const pool = (name: string, dialect: DialectName, provider: Provider, price: number, tier = 0, more = "") => `
  - name: ${name}
    silicon: cloud
    engine: ${dialect === "messages" ? "anthropic" : "openai-compatible"}
    base_url: ${provider.url}${dialect === "messages" ? "" : "/v1"}
    ${dialect === "responses" ? "dialects: [responses]" : ""}
    models: [{ id: m, tier: ${tier}, input_usd_per_mtok: ${price}, output_usd_per_mtok: ${4 * price} }]
    ${more}`;

async function serve(config: string): Promise<SchedulerUnderTest> {
  const scheduler = await startSchedulerUnderTest(config, { token: "admin" });
  CLEAN_UP.push(() => scheduler.close());
  return scheduler;
}

/** A call by the dialect's own SDK. What it got, or the error that it threw. */
async function ask(url: string, dialect: DialectName, stream: boolean): Promise<string> {
  const openai = new OpenAI({ baseURL: `${url}/v1`, apiKey: "admin", maxRetries: 0 });
  const anthropic = new Anthropic({ baseURL: url, apiKey: "admin", maxRetries: 0 });
  const messages = [{ role: "user" as const, content: "hi" }];
  try {
    if (dialect === "chat") {
      if (!stream) return (await openai.chat.completions.create({ model: "m", messages })).choices[0]?.message.content ?? "";
      let text = "";
      for await (const chunk of await openai.chat.completions.create({ model: "m", messages, stream: true })) {
        text += chunk.choices[0]?.delta.content ?? "";
      }
      return text;
    }
    if (dialect === "messages") {
      const asked = { model: "m", max_tokens: 100, messages };
      const message = stream ? await anthropic.messages.stream(asked).finalMessage() : await anthropic.messages.create(asked);
      return message.content.map((part) => (part.type === "text" ? part.text : "")).join("");
    }
    const asked = { model: "m", input: "hi" };
    return stream ? (await openai.responses.stream(asked).finalResponse()).output_text : (await openai.responses.create(asked)).output_text;
  } catch (error) {
    return `error ${(error as { status?: number }).status ?? "in the stream"}`;
  }
}

const attemptsOf = (scheduler: SchedulerUnderTest): SeenSpan[] =>
  scheduler.sink.spans
    .filter((span) => Attribute.attempt in span.attributes)
    .sort((a, b) => Number(a.attributes[Attribute.attempt]) - Number(b.attributes[Attribute.attempt]));

const told = ({ attributes }: SeenSpan) =>
  [attributes[Attribute.pool], attributes[Attribute.httpStatusCode] ?? "-", attributes[Attribute.errorType] ?? "ok"].join(" ");

const GOOD = "Hello from the scripted provider.";
const SSE = "text/event-stream";
const JSON_TYPE = "application/json";

interface Row {
  what: string;
  plan: ReplyPlan;
  streams: readonly boolean[];
  /** `failover`: the client gets the good pool's answer. `error`: it had begun, or is its own fault. */
  client: "failover" | "error";
  /** Status and `error.type` of the first attempt. */
  recorded: RegExp;
  /** Of the first attempt: nothing, what it had produced, or nobody knows. */
  charged: "nothing" | "what it produced" | "unknown";
}

// biome-ignore format: the table is the documentation
const TABLE: Row[] = [
  { what: "answers 429",                   plan: { error: { status: 429, headers: { "retry-after": "7" } } }, streams: [false, true], client: "failover", recorded: /^bad 429 429$/,                charged: "nothing" },
  { what: "answers 408",                   plan: { error: { status: 408 } },                                  streams: [false],       client: "failover", recorded: /^bad 408 408$/,                charged: "nothing" },
  { what: "answers 500",                   plan: { error: { status: 500 } },                                  streams: [false, true], client: "failover", recorded: /^bad 500 500$/,                charged: "nothing" },
  { what: "answers 401 to our key",        plan: { error: { status: 401 } },                                  streams: [false, true], client: "failover", recorded: /^bad 401 401$/,                charged: "nothing" },
  { what: "answers 403",                   plan: { error: { status: 403 } },                                  streams: [false],       client: "failover", recorded: /^bad 403 403$/,                charged: "nothing" },
  { what: "answers 404",                   plan: { error: { status: 404 } },                                  streams: [false],       client: "failover", recorded: /^bad 404 404$/,                charged: "nothing" },
  { what: "answers 400",                   plan: { error: { status: 400 } },                                  streams: [false, true], client: "error",    recorded: /^bad 400 400$/,                charged: "nothing" },
  { what: "answers 422",                   plan: { error: { status: 422 } },                                  streams: [false],       client: "error",    recorded: /^bad 422 422$/,                charged: "nothing" },
  { what: "hangs before the first byte",   plan: { hang: "before-first-byte" },                               streams: [false],       client: "failover", recorded: /^bad - reply_timeout$/,        charged: "unknown" },
  { what: "hangs before the first byte",   plan: { hang: "before-first-byte" },                               streams: [true],        client: "failover", recorded: /^bad - ttft_timeout$/,         charged: "unknown" },
  { what: "hangs mid-reply",               plan: { hang: "mid-stream" },                                      streams: [false],       client: "failover", recorded: /^bad 200 reply_timeout$/,      charged: "unknown" },
  { what: "hangs mid-stream",              plan: { hang: "mid-stream" },                                      streams: [true],        client: "error",    recorded: /^bad 200 UND_ERR_BODY_TIMEOUT$/, charged: "what it produced" },
  { what: "resets before the first byte",  plan: { reset: "before-first-byte" },                              streams: [false, true], client: "failover", recorded: /^bad - UND_ERR_SOCKET$/,       charged: "unknown" },
  { what: "resets mid-reply",              plan: { reset: "mid-stream" },                                     streams: [false],       client: "failover", recorded: /^bad 200 (UND_ERR_SOCKET|ECONNRESET|HPE_\w+)$/, charged: "unknown" },
  { what: "resets mid-stream",             plan: { reset: "mid-stream", chunkDelayMs: 5 },                    streams: [true],        client: "error",    recorded: /^bad 200 (UND_ERR_SOCKET|ECONNRESET|HPE_\w+)$/, charged: "what it produced" },
  { what: "sends what is no JSON",         plan: { raw: { type: JSON_TYPE, body: "<html>busy</html>" } },     streams: [false, true], client: "failover", recorded: /^bad 200 bad_reply$/,          charged: "unknown" },
  { what: "sends JSON that is cut",        plan: { raw: { type: JSON_TYPE, body: '{"id":"x","cho' } },        streams: [false],       client: "failover", recorded: /^bad 200 bad_reply$/,          charged: "unknown" },
  { what: "sends a stream of no events",   plan: { raw: { type: SSE, body: "busy, come again\n\n" } },        streams: [true],        client: "failover", recorded: /^bad 200 /,                    charged: "what it produced" },
  { what: "sends events that are no JSON", plan: { raw: { type: SSE, body: "data: {cut\n\n" } },              streams: [true],        client: "failover", recorded: /^bad 200 /,                    charged: "what it produced" },
];

const CASES = TABLE.flatMap((row) => row.streams.flatMap((stream) => DIALECTS.map((dialect) => ({ ...row, stream, dialect }))));

test.each(CASES)("$dialect, stream $stream: a pool that $what", async ({ plan, stream, dialect, client, recorded, charged }) => {
  const bad = await provide(dialect, () => plan);
  const good = await provide(dialect, () => ({}));
  const scheduler = await serve(`
${plan.hang ? "resilience: { ttft_timeout_ms: 800, reply_timeout_ms: 800, stall_timeout_ms: 800 }" : ""}
pools: ${pool("bad", dialect, bad, 1)} ${pool("good", dialect, good, 2)}`);

  const answer = await ask(scheduler.url, dialect, stream);
  if (client === "failover") expect(answer).toBe(GOOD);
  else expect(answer).toMatch(plan.error ? /^error 4/ : /^error in the stream/);
  const attempts = client === "failover" ? 2 : 1;
  await until(() => attemptsOf(scheduler).length === attempts, `${attempts} attempts are recorded`);

  const [first, second] = attemptsOf(scheduler) as [SeenSpan, SeenSpan?];
  expect(told(first)).toMatch(recorded);
  const cost = first.attributes[Attribute.costNanousd];
  if (charged === "nothing") expect(cost).toBe(0);
  else if (charged === "unknown") expect([cost, first.attributes[Attribute.costSource]]).toEqual([undefined, "unknown"]);
  else expect([cost, first.attributes[Attribute.costSource]]).toEqual([expect.any(Number), "estimated"]);
  if (!second) return;
  expect(told(second)).toBe("good 200 ok");
  expect(second.attributes[Attribute.attemptReason]).toBe(`failover: ${first.attributes[Attribute.errorType]}`);
  expect([first.attributes[Attribute.slaMet], typeof second.attributes[Attribute.slaMet]]).toEqual([undefined, "boolean"]);
  expect(second.attributes[Attribute.costNanousd]).toBe(2 * good.charged());
  expect([bad.ledger.length, good.ledger.length]).toEqual([1, 1]);
});

test("a pool that said when to come back is not asked before then; where it was alone the client is told how long", async () => {
  const busy = await provide("chat", () => ({ error: { status: 429, headers: { "retry-after": "30" } } }));
  const scheduler = await serve(`pools: ${pool("busy", "chat", busy, 1)}`);
  expect(await ask(scheduler.url, "chat", false)).toBe("error 429");
  const response = await fetch(`${scheduler.url}/v1/chat/completions`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ model: "m", messages: [] }),
  });
  expect(response.status).toBe(429);
  expect(Number(response.headers.get("retry-after"))).toBeGreaterThan(25);
  expect(await response.json()).toMatchObject({ error: { code: "pool_rate_limited" } });
  expect(busy.ledger).toHaveLength(1);
});

test("a pool that refuses our key is not asked again at once, and its client is not told that its own key is wrong", async () => {
  const wrong = await provide("chat", () => ({ error: { status: 401 } }));
  const scheduler = await serve(`pools: ${pool("wrong", "chat", wrong, 1)}`);
  const send = () =>
    fetch(`${scheduler.url}/v1/chat/completions`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ model: "m", messages: [] }),
    });
  const first = await send();
  expect([first.status, first.headers.get("x-should-retry")]).toEqual([502, "false"]);
  expect(await first.json()).toMatchObject({ error: { code: "pool_misconfigured" } });
  const second = await send();
  expect(second.status).toBe(503);
  expect(await second.json()).toMatchObject({ error: { message: expect.stringContaining("the engine refuses our key (401)") } });
  expect(wrong.ledger).toHaveLength(1);
});

test("a ceiling below a reasoning model's floor is raised; tools go to no pool that refuses them, and are left out where it strips them", async () => {
  const refusing = await provide("chat", () => ({}));
  const stripping = await provide("chat", () => ({}));
  const scheduler = await serve(`pools:
${pool("refusing", "chat", refusing, 1, 0, "tools: refuse")} ${pool("stripping", "chat", stripping, 2, 0, "tools: strip").replace("tier: 0", "tier: 0, max_tokens_floor: 500")}`);
  const openai = new OpenAI({ baseURL: `${scheduler.url}/v1`, apiKey: "admin", maxRetries: 0 });
  const tools = [{ type: "function" as const, function: { name: "f", parameters: {} } }];
  await openai.chat.completions.create({ model: "m", max_tokens: 20, messages: [], tools });
  await new Anthropic({ baseURL: scheduler.url, apiKey: "admin", maxRetries: 0 }).messages.create({
    model: "m",
    max_tokens: 20,
    messages: [{ role: "user", content: "hi" }],
    tools: [{ name: "f", input_schema: { type: "object" } }],
  });
  expect(refusing.ledger).toHaveLength(0);
  expect(stripping.ledger.map(({ body }) => [body.max_tokens, body.tools ?? null])).toEqual([
    [500, null],
    [500, null],
  ]);
  await openai.chat.completions.create({ model: "m", max_tokens: 20, messages: [] });
  expect(refusing.ledger[0]?.body.max_tokens).toBe(20);
});

test("what becomes of tools is said per model, before what the pool says", async () => {
  const provider = await provide("chat", () => ({}));
  const scheduler = await serve(`pools:
  - name: mixed
    silicon: cpu
    engine: openai-compatible
    base_url: ${provider.url}/v1
    tools: refuse
    models: [{ id: able, tools: pass }, { id: small, tools: strip }, { id: unable }]
models: { any: { any_of: [unable, small] } }`);
  const openai = new OpenAI({ baseURL: `${scheduler.url}/v1`, apiKey: "admin", maxRetries: 0 });
  const tools = [{ type: "function" as const, function: { name: "f", parameters: {} } }];
  const ask = (model: string) => openai.chat.completions.create({ model, messages: [], tools });
  for (const model of ["able", "small", "any"]) await ask(model);
  expect(provider.ledger.map(({ model, body }) => [model, body.tools ?? null])).toEqual([
    ["able", tools],
    ["small", null],
    ["small", null],
  ]);
  await expect(ask("unable")).rejects.toMatchObject({
    status: 400,
    code: "no_tools",
    message: expect.stringContaining("unable of pool mixed"),
  });
});

test("a breaker opens after failures in a row, is seen, lets one call try, and closes", async () => {
  let broken = true;
  const bad = await provide("chat", () => (broken ? { error: { status: 500 } } : {}));
  const good = await provide("chat", () => ({}));
  const scheduler = await serve(`
resilience: { breaker: { failures: 2, open_ms: 3000 } }
pools: ${pool("bad", "chat", bad, 1)} ${pool("good", "chat", good, 2)}`);
  const state = async () => {
    const response = await fetch(`${scheduler.url}/control/pools`, { headers: { authorization: "Bearer admin" } });
    const { data } = (await response.json()) as { data: { name: string; reason: string; breaker: { state: string } }[] };
    return data.find(({ name }) => name === "bad");
  };
  for (let n = 0; n < 4; n++) expect(await ask(scheduler.url, "chat", false)).toBe(GOOD);
  expect(bad.ledger).toHaveLength(2);
  expect(await state()).toMatchObject({ breaker: { state: "open" }, reason: expect.stringContaining("failed 2 times in a row") });
  expect(await (await fetch(`${scheduler.url}/metrics`)).text()).toMatch(/signalbox_breaker_open\{pool="bad"[^}]*\} 1/);
  await until(async () => (await state())?.breaker.state === "half-open", "half-open");
  broken = false;
  expect(await ask(scheduler.url, "chat", false)).toBe(GOOD);
  expect(bad.ledger).toHaveLength(3);
  expect(await state()).toMatchObject({ breaker: { state: "closed" }, reason: null });
});

test("a retry budget keeps an outage from doubling the load", async () => {
  const bad = await provide("chat", () => ({ error: { status: 500 } }));
  const worse = await provide("chat", () => ({ error: { status: 500 } }));
  const scheduler = await serve(`
resilience: { breaker: { failures: 1000 }, retry_budget: { share: 0.2, per_second: 0 } }
pools: ${pool("bad", "chat", bad, 1)} ${pool("worse", "chat", worse, 2)}`);
  for (let n = 0; n < 50; n++) expect(await ask(scheduler.url, "chat", false)).toMatch(/^error 50/);
  expect(bad.ledger).toHaveLength(50);
  expect(worse.ledger.length).toBeGreaterThanOrEqual(9);
  expect(worse.ledger.length).toBeLessThanOrEqual(10);
});

test.each([false, true])(
  "hedging: the second pool answers first, the loser is closed at once and recorded (stream: %s)",
  async (stream) => {
    const slow = await provide("chat", () => ({ delayMs: 60_000 }));
    const fast = await provide("chat", () => ({}));
    const scheduler = await serve(`
resilience: { classes: { standard: { hedge: { after_ms: 50 } } } }
pools: ${pool("slow", "chat", slow, 1)} ${pool("fast", "chat", fast, 2)}`);
    expect(await ask(scheduler.url, "chat", stream)).toBe(GOOD);
    await until(() => slow.ledger[0]?.clientClosed === true, "the loser's socket is closed");
    await until(() => attemptsOf(scheduler).length === 2, "both are recorded");
    expect(attemptsOf(scheduler).map(told)).toEqual(["slow - hedge_lost", "fast 200 ok"]);
    expect(attemptsOf(scheduler)[1]?.attributes[Attribute.attemptReason]).toBe("hedge");
    expect(attemptsOf(scheduler).map(({ attributes }) => attributes[Attribute.slaMet])).toEqual([undefined, true]);
  },
);

test("a client that leaves while two attempts run closes both", async () => {
  const slow = await provide("chat", () => ({ delayMs: 60_000 }));
  const alsoSlow = await provide("chat", () => ({ delayMs: 60_000 }));
  const scheduler = await serve(`
resilience: { classes: { standard: { hedge: { after_ms: 20 } } } }
pools: ${pool("one", "chat", slow, 1)} ${pool("two", "chat", alsoSlow, 2)}`);
  const leave = new AbortController();
  const call = fetch(`${scheduler.url}/v1/chat/completions`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ model: "m", messages: [] }),
    signal: leave.signal,
  }).catch(() => undefined);
  await until(() => alsoSlow.ledger.length === 1, "the second is asked");
  leave.abort();
  await call;
  await until(() => slow.ledger[0]?.clientClosed === true && alsoSlow.ledger[0]?.clientClosed === true, "both closed");
});

const BAD_ANSWERS: [string, ReplyPlan][] = [
  ["empty", { text: "" }],
  ["malformed_tool_call", { toolCalls: [{ name: "f", arguments: '{"cut' }] }],
];
const ESCALATED = BAD_ANSWERS.flatMap(
  ([kind, plan]) => DIALECTS.flatMap((dialect) => [false, true].map((stream) => ({ kind, plan, dialect, stream }))),
  // The scripted Messages provider writes a tool's input as an object, which cannot be malformed.
).filter(({ kind, dialect }) => kind !== "malformed_tool_call" || dialect !== "messages");
test.each(ESCALATED)(
  "escalation: $kind from a low tier is answered by the next ($dialect, stream $stream)",
  async ({ kind, plan, dialect, stream }) => {
    const low = await provide(dialect, () => plan);
    const high = await provide(dialect, () => ({}));
    const scheduler = await serve(`
pools: ${pool("low", dialect, low, 1)} ${pool("high", dialect, high, 2, 1)}
routes: [{ name: all, when: {}, use: {}, escalate: { on: [empty, malformed_tool_call] } }]`);
    expect(await ask(scheduler.url, dialect, stream)).toBe(GOOD);
    await until(() => attemptsOf(scheduler).length === 2, "both are recorded");
    const [first, second] = attemptsOf(scheduler) as [SeenSpan, SeenSpan];
    expect([told(first), told(second)]).toEqual([`low 200 bad_answer_${kind}`, "high 200 ok"]);
    expect(second.attributes[Attribute.attemptReason]).toBe(`escalation: bad_answer_${kind}`);
    // Both are charged.
    expect(first.attributes[Attribute.costNanousd]).toBe(low.charged());
    expect(second.attributes[Attribute.costNanousd]).toBe(2 * high.charged());
  },
);

test("escalation where no higher tier is left: the answer that there is", async () => {
  const only = await provide("chat", () => ({ text: "" }));
  const scheduler = await serve(`
pools: ${pool("only", "chat", only, 1)}
routes: [{ name: all, when: {}, use: {}, escalate: { on: [empty] } }]`);
  expect([await ask(scheduler.url, "chat", false), await ask(scheduler.url, "chat", true)]).toEqual(["", ""]);
  expect(only.ledger).toHaveLength(2);
});
