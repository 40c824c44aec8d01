/** The demo pools: real llama.cpp workers on the model that Signalbox makes itself. */

import Anthropic from "@anthropic-ai/sdk";
import { Attribute, ResponseHeader } from "@signalbox/otel/conventions";
import OpenAI, { APIError, BadRequestError } from "openai";
import { afterAll, beforeAll, expect, test } from "vitest";
import { z } from "zod";
import { DEMO_CONFIG } from "../../scheduler/src/config/demo.ts";
import { childProcesses } from "../support/child-processes.ts";
import { ready, type SchedulerUnderTest, startSchedulerUnderTest, until } from "./scheduler-support.ts";

let scheduler: SchedulerUnderTest;
let client: OpenAI;

beforeAll(async () => {
  scheduler = await startSchedulerUnderTest(DEMO_CONFIG, { token: "admin" });
  client = new OpenAI({ baseURL: `${scheduler.url}/v1`, apiKey: "admin", maxRetries: 0 });
  await ready(scheduler.url, 60_000);
});
afterAll(() => scheduler?.close());

const ask = (content: string) => ({ model: "auto", messages: [{ role: "user" as const, content }] });

interface PoolState {
  name: string;
  state: string;
  busy_seconds: number;
  active: number;
}

async function pools(): Promise<PoolState[]> {
  const response = await fetch(`${scheduler.url}/control/pools`, { headers: { authorization: "Bearer admin" } });
  return ((await response.json()) as { data: PoolState[] }).data;
}

test("background work goes to the cpu, interactive work to the gpu: one model, two silicons", async () => {
  // The demo, five times as slow: what a busy machine adds to a token's time then matters a fifth.
  const slower = DEMO_CONFIG.replace(/(demo_pace_ms|tpot_ms): (\d+)/g, (_, name: string, ms: string) => `${name}: ${5 * Number(ms)}`);
  const slow = await startSchedulerUnderTest(slower, { token: "admin" });
  try {
    await ready(slow.url, 60_000);
    const slowClient = new OpenAI({ baseURL: `${slow.url}/v1`, apiKey: "admin", maxRetries: 0 });
    for (const [sla, pool] of [
      ["background", "demo-cpu"],
      ["interactive", "demo-gpu"],
    ] as const) {
      const asked = { ...ask("hello"), max_tokens: 8 };
      const { response } = await slowClient.chat.completions.create(asked, { headers: { "x-signalbox-sla": sla } }).withResponse();
      expect(response.headers.get(ResponseHeader.pool)).toBe(pool);
    }
  } finally {
    await slow.close();
  }
});

test("a reply has words, a usage that adds up, and a measured cost", async () => {
  const { data, response } = await client.chat.completions.create({ ...ask("what does the train cost?"), seed: 5 }).withResponse();
  expect(data.choices[0]?.message.content).toMatch(/^[ a-z.,]+$/);
  expect(data.usage?.total_tokens).toBe((data.usage?.prompt_tokens ?? 0) + (data.usage?.completion_tokens ?? 0));
  const [attempt] = await scheduler.sink.decision(response.headers.get(ResponseHeader.decision) ?? "", 2);
  expect(attempt?.attributes).toMatchObject({
    [Attribute.costSource]: "measured",
    [Attribute.inputTokens]: data.usage?.prompt_tokens,
    [Attribute.outputTokens]: data.usage?.completion_tokens,
  });
  const busySeconds = ((attempt?.endMs ?? 0) - (attempt?.startMs ?? 0)) / 1000;
  const hourlyUsd = { "demo-cpu": 0.4, "demo-gpu": 1.86 }[response.headers.get(ResponseHeader.pool) ?? ""] ?? 0;
  const expected = (busySeconds / 3600) * hourlyUsd * 1e9;
  expect(Math.abs(Number(attempt?.attributes[Attribute.costNanousd]) - expected)).toBeLessThan(0.02 * expected);
});

test.each([false, true])(
  "Messages and Responses are translated for a worker that speaks chat completions (stream: %s)",
  async (streamed) => {
    const anthropic = new Anthropic({ baseURL: scheduler.url, apiKey: "admin", maxRetries: 0 });
    const asked = { ...ask("hello"), max_tokens: 8 };
    const message = streamed ? await anthropic.messages.stream(asked).finalMessage() : await anthropic.messages.create(asked);
    expect(message.content).toMatchObject([{ type: "text", text: expect.stringMatching(/^[ a-z.,]+$/) }]);
    expect(message.stop_reason).toMatch(/^(end_turn|max_tokens)$/);
    expect(message.usage.output_tokens).toBeLessThanOrEqual(8);

    const body = { model: "auto", input: "hello", max_output_tokens: 8 };
    const response = streamed ? await client.responses.stream(body).finalResponse() : await client.responses.create(body);
    expect(response.output_text).toMatch(/^[ a-z.,]+$/);
    expect(response.usage?.output_tokens).toBeLessThanOrEqual(8);
  },
);

test("embeddings, in the encoding that was asked for, with their tokens counted", async () => {
  const one = await client.embeddings.create({ model: "auto", input: "the cost of the train" });
  const two = await client.embeddings.create({ model: "auto", input: ["the cost of the train", "agent"], encoding_format: "float" });
  expect(two.data).toHaveLength(2);
  expect(two.data[0]?.embedding).toHaveLength(64);
  for (const [index, value] of (one.data[0]?.embedding ?? []).entries()) expect(value).toBeCloseTo(two.data[0]?.embedding[index] ?? 0, 5);
  expect(two.usage.prompt_tokens).toBeGreaterThan(one.usage.prompt_tokens);
  await expect(client.embeddings.create({ model: "auto", input: "" })).rejects.toBeInstanceOf(BadRequestError);
});

const WEATHER = {
  type: "function" as const,
  function: {
    name: "get_weather",
    description: "The weather of a city",
    parameters: {
      type: "object",
      properties: {
        city: { type: "string" },
        unit: { enum: ["c", "f"] },
        days: { type: "array", items: { type: "integer" }, maxItems: 3 },
      },
      required: ["city", "unit"],
    },
  },
};
const weather = z.strictObject({ city: z.string(), unit: z.enum(["c", "f"]), days: z.array(z.int()).max(3).optional() });

test.each([false, true])("a tool that must be called is called, with arguments that fit its schema (stream: %s)", async (streamed) => {
  const request = { ...ask("what is the weather"), tools: [WEATHER], tool_choice: "required" as const };
  const fast = { headers: { "x-signalbox-sla": "interactive" } };
  const calls: OpenAI.ChatCompletionMessageFunctionToolCall[] = [];
  for (let seed = 1; seed <= 3; seed++) {
    const completion = streamed
      ? await client.chat.completions.stream({ ...request, seed }, fast).finalChatCompletion()
      : await client.chat.completions.create({ ...request, seed }, fast);
    const [choice] = completion.choices;
    const made = (choice?.message.tool_calls ?? []).filter((call) => call.type === "function");
    // Random weights may call until their tokens are spent: what was not finished is no call.
    expect(choice?.finish_reason).toMatch(made.length > 0 ? /^(tool_calls|length)$/ : /^length$/);
    calls.push(...made);
  }
  expect(calls.length).toBeGreaterThan(0);
  for (const call of calls) {
    expect(call).toMatchObject({ id: expect.stringMatching(/^call_/), type: "function", function: { name: "get_weather" } });
    weather.parse(JSON.parse(call.function.arguments));
  }
});

test("Messages and Responses get the worker's tool calls in their own form", async () => {
  const anthropic = new Anthropic({ baseURL: scheduler.url, apiKey: "admin", maxRetries: 0 });
  const message = await anthropic.messages.create({
    ...ask("what is the weather"),
    max_tokens: 256,
    tools: [{ name: "get_weather", input_schema: { type: "object", properties: { unit: { enum: ["c", "f"] } }, required: ["unit"] } }],
    tool_choice: { type: "tool", name: "get_weather" },
  });
  expect(message.stop_reason).toBe("tool_use");
  expect(message.content[0]).toMatchObject({ type: "tool_use", name: "get_weather", input: { unit: expect.stringMatching(/^[cf]$/) } });
});

test("a reply in a JSON schema obeys it; a schema that no grammar can hold is refused by name", async () => {
  const format = (schema: Record<string, unknown>) => ({
    response_format: { type: "json_schema" as const, json_schema: { name: "answer", schema } },
  });
  const schema = {
    type: "object",
    properties: { ok: { type: "boolean" }, kind: { anyOf: [{ const: "a" }, { type: "null" }] } },
    required: ["ok", "kind"],
  };
  const { choices } = await client.chat.completions.create({ ...ask("answer"), ...format(schema) });
  const answer = z.strictObject({ ok: z.boolean(), kind: z.union([z.literal("a"), z.null()]) });
  answer.parse(JSON.parse(choices[0]?.message.content ?? ""));
  const refused = client.chat.completions.create({ ...ask("answer"), ...format({ type: "object", not: {} }) });
  await expect(refused).rejects.toMatchObject({ status: 400, code: "unsupported_schema" });
});

test("an image is refused, not passed over", async () => {
  const content = [{ type: "image_url" as const, image_url: { url: "data:image/png;base64,AAAA" } }];
  const asked = client.chat.completions.create({ model: "auto", messages: [{ role: "user", content }] });
  await expect(asked).rejects.toMatchObject({ status: 400, message: expect.stringContaining("reads text only") });
});

test("the same prompt again is read from the sequence's own state", async () => {
  const prompt = { ...ask("read the log of the last day and tell what failed ".repeat(10)), max_tokens: 1 };
  await client.chat.completions.create(prompt);
  const { usage } = await client.chat.completions.create(prompt);
  expect(usage?.prompt_tokens_details?.cached_tokens).toBe((usage?.prompt_tokens ?? 0) - 1);
});

test("eight calls at once on four slots: all served, and their shares add up to the pool's busy time", async () => {
  const before = (await pools()).find((pool) => pool.name === "demo-cpu")?.busy_seconds ?? 0;
  const replies = await Promise.all(
    Array.from({ length: 8 }, (_, index) =>
      client.chat.completions
        .create({ ...ask(`task ${index}`), max_tokens: 8 }, { headers: { "x-signalbox-sla": "background" } })
        .withResponse(),
    ),
  );
  const after = (await pools()).find((pool) => pool.name === "demo-cpu")?.busy_seconds ?? 0;
  const onCpu = replies.filter(({ response }) => response.headers.get(ResponseHeader.pool) === "demo-cpu");
  expect(onCpu.length).toBeGreaterThan(0);
  const charged = onCpu.reduce((sum, { response }) => sum + Number(response.headers.get(ResponseHeader.costNanousd)), 0);
  expect(charged / 1e9 / (0.4 / 3600)).toBeCloseTo(after - before, 3);
});

test("max_tokens and stop end a reply; what cannot be is refused", async () => {
  const short = await client.chat.completions.create({ ...ask("hello"), max_tokens: 2, seed: 1 });
  expect(short.choices[0]?.finish_reason).toBe("length");
  expect(short.usage?.completion_tokens).toBe(2);
  const whole = await client.chat.completions.create({ ...ask("hello"), seed: 1 });
  const stopped = await client.chat.completions.create({ ...ask("hello"), seed: 1, stop: " " });
  const untilSpace = whole.choices[0]?.message.content?.split(" ")[0];
  expect(stopped.choices[0]).toMatchObject({ finish_reason: "stop", message: { content: untilSpace } });
  await expect(client.chat.completions.create({ ...ask("hello"), temperature: 9 })).rejects.toBeInstanceOf(BadRequestError);
});

test("a client that leaves frees its slot at once", async () => {
  const stream = await client.chat.completions.create({ ...(await longReply()), stream: true });
  for await (const _chunk of stream) break;
  await until(async () => (await pools()).every((pool) => pool.active === 0), "no slot is held", 5_000);
});

test("a worker killed mid-stream: the stream ends with an error, the gateway lives, the pool comes back", async () => {
  const stream = await client.chat.completions.create(
    { ...(await longReply()), stream: true },
    { headers: { "x-signalbox-sla": "background" } },
  );
  const workers = workerPids();
  expect(workers).toHaveLength(2);
  const read = async () => {
    for await (const _chunk of stream) for (const pid of workers.splice(0)) process.kill(pid, "SIGKILL");
  };
  const error = await read().catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(APIError);
  expect((error as Error).message).toMatch(/pool demo-(cpu|gpu) failed/);
  expect((await fetch(`${scheduler.url}/healthz`)).status).toBe(200);
  await until(async () => (await pools()).every((pool) => pool.state === "unhealthy"), "the pools are marked unhealthy");
  expect((await client.chat.completions.create(ask("hello")).catch((thrown: unknown) => thrown)) as APIError).toMatchObject({
    status: 503,
  });
  await ready(scheduler.url, 60_000);
  expect((await client.chat.completions.create(ask("hello"))).choices).toHaveLength(1);
});

test("a worker killed before a whole reply is there: the client gets the other pool's, and both attempts are recorded", async () => {
  // The one before killed both; ready is who has one.
  await until(async () => (await pools()).every((pool) => pool.state === "healthy"), "both pools are up", 60_000);
  const asked = client.chat.completions.create(await longReply(), { headers: { "x-signalbox-sla": "background" } }).withResponse();
  let first = "";
  // Which of the two it is placed on depends on what they were seen to do.
  await until(async () => {
    first = (await pools()).find(({ active }) => active === 1)?.name ?? "";
    return first !== "";
  }, "a pool works on it");
  process.kill(pidOf(first), "SIGKILL");
  const { data, response } = await asked;
  const other = first === "demo-cpu" ? "demo-gpu" : "demo-cpu";
  expect(response.headers.get(ResponseHeader.pool)).toBe(other);
  expect(data.choices[0]?.message.content).toMatch(/^[ a-z.,]+$/);
  const spans = await scheduler.sink.decision(response.headers.get(ResponseHeader.decision) ?? "", 3);
  const attempts = spans.filter((span) => Attribute.attempt in span.attributes);
  const [lost, served] = [1, 2].map((number) => attempts.find(({ attributes }) => attributes[Attribute.attempt] === number)?.attributes);
  expect([lost?.[Attribute.pool], served?.[Attribute.pool]]).toEqual([first, other]);
  // Its silicon was busy all the same.
  expect(lost?.[Attribute.costSource]).toBe("measured");
  expect(served?.[Attribute.attemptReason]).toBe(`failover: ${lost?.[Attribute.errorType]}`);
  await ready(scheduler.url, 60_000);
  await until(async () => (await pools()).every((pool) => pool.state === "healthy"), "the pool is back", 60_000);
});

/** Of the worker that a pool runs on now. */
function pidOf(pool: string): number {
  const line = scheduler.log.findLast((text) => text.includes("pool ready") && text.includes(pool)) ?? "";
  return Number(/"?pid"?[=:]\s*(\d+)/.exec(line)?.[1]);
}

/** A request whose reply takes its time: the demo model ends its turn at random, a seed makes it the same end every time. */
async function longReply() {
  for (let seed = 1; seed < 50; seed++) {
    const request = { ...ask("hello"), seed };
    const { usage } = await client.chat.completions.create(request);
    if ((usage?.completion_tokens ?? 0) > 20) return request;
  }
  throw new Error("no seed gives a long reply");
}

/** The llama.cpp workers that this process started. */
const workerPids = (): number[] =>
  childProcesses(process.pid)
    .filter(({ command }) => command.includes("llama-cpp/worker.ts"))
    .map(({ pid }) => pid);
