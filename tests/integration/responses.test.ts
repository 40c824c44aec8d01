/** `POST /v1/responses` with the real `openai` client: relayed where the pool speaks it, else translated to chat or Messages. */

import { Attribute, ResponseHeader } from "@signalbox/otel/conventions";
import { costNanousd } from "@signalbox/otel/prices";
import OpenAI, { type APIError } from "openai";
import { afterEach, describe, expect, test } from "vitest";
import { type Provider, startProvider } from "../support/provider.ts";
import { startAnthropicProvider } from "../support/provider-anthropic.ts";
import type { RichScript } from "../support/provider-anthropic-or-responses.ts";
import { startResponsesProvider } from "../support/provider-responses.ts";
import { EASY_SLA, type SchedulerUnderTest, startSchedulerUnderTest } from "./scheduler-support.ts";

const CLEAN_UP: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of CLEAN_UP.splice(0).reverse()) await close();
});

const PRICES = { input: 1, output: 4, cacheRead: 0.1 };
const POOLS = {
  responses: {
    start: startResponsesProvider,
    engine: "openai-compatible",
    more: "dialects: [chat, responses]",
    base: "/v1",
    path: "/v1/responses",
  },
  chat: { start: startProvider, engine: "openai-compatible", more: "", base: "/v1", path: "/v1/chat/completions" },
  anthropic: { start: startAnthropicProvider, engine: "anthropic", more: "", base: "", path: "/v1/messages" },
};
type PoolKind = keyof typeof POOLS;

interface Setup {
  scheduler: SchedulerUnderTest;
  provider: Provider;
  openai: OpenAI;
}

async function setUp(kind: PoolKind, script: RichScript = () => ({}), more = ""): Promise<Setup> {
  const { start, engine, more: ofPool, base } = POOLS[kind];
  const provider = await start({ script, prices: PRICES });
  const scheduler = await startSchedulerUnderTest(`${EASY_SLA}
pools:
  - name: remote
    silicon: cloud
    engine: ${engine}
    base_url: ${provider.url}${base}
    ${ofPool}
    models: [{ id: gpt-test, tier: 3, input_usd_per_mtok: 1, output_usd_per_mtok: 4, cache_read_usd_per_mtok: 0.1 }]
models:
  auto: { any_of: [gpt-test] }
${more}`);
  CLEAN_UP.push(provider.close, scheduler.close);
  return { scheduler, provider, openai: new OpenAI({ baseURL: `${scheduler.url}/v1`, apiKey: "unchecked", maxRetries: 0 }) };
}

const HELLO = { model: "gpt-test", input: "hello" };
const CLOCK = {
  type: "function" as const,
  name: "clock",
  strict: false,
  parameters: { type: "object", properties: { zone: { type: "string" } } },
};
const USAGE = { input: 1000, output: 50, cacheRead: 600 };
const COST = costNanousd(PRICES, USAGE);

const post = (url: string, body: object | string, headers: Record<string, string> = {}) =>
  fetch(url, { method: "POST", body: typeof body === "string" ? body : JSON.stringify(body), headers });

/** As Codex names itself. */
const CODEX = {
  "session-id": "root",
  "thread-id": "child",
  "x-codex-parent-thread-id": "root",
  "x-codex-turn-metadata": JSON.stringify({ turn_id: "turn-7", agent_name: "explorer", request_kind: "turn" }),
};

test("a pool that speaks Responses gets the client's bytes and query", async () => {
  const { scheduler, provider } = await setUp("responses");
  const body = `{ "model":"gpt-test", "input":[{"type":"message","role":"user","content":[{"type":"input_text","text":"é"}]}],"unknown":[1.0] }`;
  const reply = await post(`${scheduler.url}/v1/responses?x=1`, body, { "x-codex-beta": "a" });
  expect(reply.status).toBe(200);
  expect(provider.ledger[0]).toMatchObject({ rawBody: body, path: "/v1/responses" });
  expect(provider.ledger[0]?.headers["x-codex-beta"]).toBe("a");
});

test("a relayed stream is the engine's byte for byte, with its cost after the last event", async () => {
  const { scheduler, provider } = await setUp("responses", () => ({ text: "one two three", usage: USAGE }));
  const text = await (await post(`${scheduler.url}/v1/responses`, { ...HELLO, stream: true })).text();
  expect(text).toContain("event: response.completed\n");
  expect(text.endsWith(`: signalbox cost_nanousd=${COST} sla_met=true\n\n`)).toBe(true);
  expect(text.match(/"sequence_number":\d+/g)).toHaveLength(text.match(/^data: /gm)?.length ?? 0);
  expect(provider.charged()).toBe(COST);
});

describe.each(Object.keys(POOLS) as PoolKind[])("on a %s pool", (kind) => {
  test.each([false, true])(
    "a tool call, its result and the answer; identity, tokens and cost on the span (stream: %s)",
    async (streamed) => {
      const { openai, scheduler, provider } = await setUp(kind, (request) =>
        request.rawBody.includes("noon sharp")
          ? { text: "It is noon.", usage: USAGE }
          : { toolCalls: [{ id: "call_1", name: "clock", arguments: { zone: "UTC" } }] },
      );
      const ask = async (body: Omit<OpenAI.Responses.ResponseCreateParamsNonStreaming, "stream">) => {
        if (!streamed) {
          const { data, response } = await openai.responses.create(body, { headers: CODEX }).withResponse();
          return {
            output: data.output,
            text: data.output_text,
            usage: data.usage,
            decision: response.headers.get(ResponseHeader.decision),
          };
        }
        const { data, response } = await openai.responses.create({ ...body, stream: true }, { headers: CODEX }).withResponse();
        let final: OpenAI.Responses.Response | undefined;
        for await (const event of data) if (event.type === "response.completed") final = event.response;
        const text = final?.output
          .flatMap((item) => (item.type === "message" ? item.content : []))
          .map((part) => ("text" in part ? part.text : ""));
        return {
          output: final?.output ?? [],
          text: text?.join(""),
          usage: final?.usage,
          decision: response.headers.get(ResponseHeader.decision),
        };
      };
      const called = await ask({ ...HELLO, model: "auto", tools: [CLOCK] });
      const call = called.output.find((item) => item.type === "function_call");
      expect(call).toMatchObject({ name: "clock", call_id: "call_1", arguments: '{"zone":"UTC"}' });
      const answered = await ask({
        ...HELLO,
        tools: [CLOCK],
        input: [
          { role: "user", content: "hello" },
          { type: "function_call", call_id: "call_1", name: "clock", arguments: '{"zone":"UTC"}' },
          { type: "function_call_output", call_id: "call_1", output: "noon sharp" },
        ],
      });
      expect(answered.text).toBe("It is noon.");
      expect(answered.usage).toMatchObject({ input_tokens: 1000, input_tokens_details: { cached_tokens: 600 }, output_tokens: 50 });
      expect(provider.ledger.map(({ path, model }) => [path, model])).toEqual([
        [POOLS[kind].path, "gpt-test"],
        [POOLS[kind].path, "gpt-test"],
      ]);
      const [attempt] = await scheduler.sink.decision(answered.decision ?? "", 2);
      expect(attempt?.attributes).toMatchObject({
        [Attribute.sessionId]: "root",
        [Attribute.signalboxAgentId]: "child",
        [Attribute.agentKind]: "codex",
        [Attribute.turnId]: "turn-7",
        [Attribute.inputTokens]: 1000,
        [Attribute.cacheReadTokens]: 600,
        [Attribute.costNanousd]: COST,
      });
    },
  );

  test("an engine that breaks off mid-stream ends the client's with response.failed", async () => {
    const { scheduler } = await setUp(kind, () => ({ text: "word ".repeat(20), chunkDelayMs: 5, reset: "mid-stream" }));
    const text = await (await post(`${scheduler.url}/v1/responses`, { ...HELLO, stream: true })).text();
    expect(text).toMatch(/event: response\.failed\ndata: .*pool remote failed/);
  });

  test("a spent budget is a 400 that Codex shows and does not try again", async () => {
    const { openai, provider } = await setUp(
      kind,
      undefined,
      "budgets: [{ scope: session, limit_usd: 0.000001, ladder: [{ at: 1, do: pause }] }]",
    );
    const refused = (await openai.responses.create(HELLO, { headers: CODEX }).catch((thrown: unknown) => thrown)) as APIError;
    expect(refused.status).toBe(400);
    expect(refused.message).toContain("Signalbox: the budget of session root");
    expect(provider.ledger).toHaveLength(0);
  });
});

test("what chat completions cannot carry is a 400 that names the field", async () => {
  const { openai, provider } = await setUp("chat");
  const error = await openai.responses.create({ ...HELLO, previous_response_id: "resp_0" }).catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(OpenAI.BadRequestError);
  expect((error as APIError).param).toBe("previous_response_id");
  expect(provider.ledger).toHaveLength(0);
});

test("chat and Messages clients are translated to a pool of Responses alone", async () => {
  const provider = await startResponsesProvider({ script: () => ({ text: "hi" }) });
  const scheduler = await startSchedulerUnderTest(`
pools:
  - { name: remote, silicon: cloud, engine: openai-compatible, base_url: "${provider.url}/v1", dialects: [responses], models: [{ id: gpt-test }] }`);
  CLEAN_UP.push(provider.close, scheduler.close);
  const openai = new OpenAI({ baseURL: `${scheduler.url}/v1`, apiKey: "unchecked", maxRetries: 0 });
  const chat = await openai.chat.completions.create({ model: "gpt-test", messages: [{ role: "user", content: "hello" }] });
  expect(chat.choices[0]?.message.content).toBe("hi");
  expect(provider.ledger[0]?.path).toBe("/v1/responses");
});

test("what Codex tells its vendor of a turn is not taken", async () => {
  const { scheduler } = await setUp("chat");
  expect((await post(`${scheduler.url}/v1/analytics/codex/turn-costs`, { turn_ids: [] })).status).toBe(404);
});
