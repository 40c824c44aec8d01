import { Attribute } from "@signalbox/otel/conventions";
import { describe, expect, it } from "vitest";
import { decodeJsonTraces } from "../otlp/decode-json.ts";
import { Rejections } from "../pipeline.ts";
import { logFacts } from "../processors/log-facts.ts";
import type { NormaliseConfig } from "../processors/normalise.ts";
import type { SpanDraft } from "../span-batch.ts";
import { calls, drafts, fixture, get, tokens } from "./testing/drafts.ts";

const bodies = (draft: SpanDraft | undefined, direction: string) =>
  draft?.messages?.find((one) => one.direction === direction)?.messages.map((message) => JSON.parse(message.body));
describe("OpenInference", () => {
  it("counts LLM and embedding spans, and no wrapper", async () => {
    const spans = await fixture("openinference");
    expect(calls(spans)).toEqual(["ChatOpenAI", "ChatAnthropic", "OpenAIEmbeddings", "ClaudeAgentSDK.query"]);
    expect(tokens(get(spans, "ChatOpenAI"))).toEqual([500, 400, null, 20, 12]);
    // the prompt includes what was cached: 10 x 3,000 + 900 x 300 + 90 x 3,750 + 40 x 15,000
    expect(tokens(get(spans, "ChatAnthropic"))).toEqual([1000, 900, 90, 40, null]);
    expect(get(spans, "ChatAnthropic").row.cost_nusd).toBe(30_000 + 270_000 + 337_500 + 600_000);
    // it cannot include more than it is: 3 + 17,024
    expect(tokens(get(spans, "ClaudeAgentSDK.query"))).toEqual([17_027, 17_024, null, 4, null]);
    expect(get(spans, "OpenAIEmbeddings").row).toMatchObject({ operation: "embeddings", cost_nusd: 20_000 });
    for (const wrapper of ["AgentExecutor", "RunnableSequence"])
      expect(tokens(get(spans, wrapper))).toEqual([null, null, null, null, null]);
  });

  it("knows session, agent, tool and content, and keeps the original attributes", async () => {
    const spans = await fixture("openinference");
    for (const { row } of spans.values()) expect(row.session_id).toBe("sess-oi");
    expect(get(spans, "AgentExecutor").row).toMatchObject({ operation: "invoke_agent", agent_name: "researcher", user_id: "u-7" });
    expect(get(spans, "search").row).toMatchObject({ operation: "execute_tool", tool_name: "search", tool_call_id: "call_1" });
    const openAi = get(spans, "ChatOpenAI");
    expect(bodies(openAi, "input")).toEqual([
      { role: "system", parts: [{ type: "text", content: "Be short." }] },
      { role: "user", parts: [{ type: "text", content: "What is new?" }] },
    ]);
    expect(bodies(openAi, "output")).toEqual([
      { role: "assistant", parts: [{ type: "tool_call", id: "call_1", name: "search", arguments: '{"q":"news"}' }] },
    ]);
    const attributes = JSON.parse(openAi.row.attributes);
    expect(attributes).toMatchObject({ "llm.token_count.prompt": 500, "openinference.span.kind": "LLM", "session.id": "sess-oi" });
    expect(Object.keys(attributes).filter((name) => name.startsWith("llm.input_messages"))).toEqual([]);
  });
});

describe("OpenLLMetry", () => {
  it("counts calls by either names, and no workflow or agent around them", async () => {
    const spans = await fixture("openllmetry");
    expect(calls(spans)).toEqual(["anthropic.chat", "openai.chat"]);
    expect(tokens(get(spans, "anthropic.chat"))).toEqual([1000, 900, 90, 5, null]);
    // 10 x 3,000 + 900 x 300 + 90 x 3,750 + 5 x 15,000
    expect(get(spans, "anthropic.chat").row.cost_nusd).toBe(30_000 + 270_000 + 337_500 + 75_000);
    // 2 x 150 + 2 x 75 + 1 x 600
    expect(get(spans, "openai.chat").row.cost_nusd).toBe(1_050);
    expect(tokens(get(spans, "research.workflow"))).toEqual([null, null, null, null, null]);
  });

  it("knows session, agent, tool and content", async () => {
    const spans = await fixture("openllmetry");
    for (const { row } of spans.values()) expect(row.session_id).toBe("sess-tl");
    expect(get(spans, "planner.agent").row).toMatchObject({ operation: "invoke_agent", agent_name: "planner" });
    expect(get(spans, "lookup.tool").row).toMatchObject({ operation: "execute_tool", tool_name: "lookup" });
    expect(bodies(get(spans, "anthropic.chat"), "output")).toEqual([{ role: "assistant", parts: [{ type: "text", content: "because" }] }]);
  });
});

describe("Vercel AI SDK", () => {
  it("counts each request to the provider once, by old names and new, and never the function around it", async () => {
    const spans = await fixture("vercel-ai");
    expect(calls(spans)).toEqual([
      "ai.generateText.doGenerate",
      "ai.generateText.doGenerate 2",
      "ai.streamText.doStream",
      "ai.embed.doEmbed",
    ]);
    expect(tokens(get(spans, "ai.generateText.doGenerate"))).toEqual([1000, 800, null, 30, null]);
    expect(tokens(get(spans, "ai.generateText"))).toEqual([null, null, null, null, null]);
    expect(get(spans, "ai.generateText.doGenerate 2").row).toMatchObject({
      provider: "anthropic",
      model: "claude-sonnet-4-5-20250929",
      request_model: "claude-sonnet-4-5",
      // 300 x 3,000 + 1,200 x 300 + 40 x 15,000
      cost_nusd: 900_000 + 360_000 + 600_000,
    });
    expect(get(spans, "ai.streamText.doStream").row).toMatchObject({ input_tokens: 4, output_tokens: 1, ttft_ms: 120.5, cost_nusd: 1_200 });
    expect(get(spans, "ai.embed.doEmbed").row).toMatchObject({ operation: "embeddings", input_tokens: 1000, cost_nusd: 20_000 });
  });

  it("knows session, turn, tool and content, and keeps the wrapper's own usage beside", async () => {
    const spans = await fixture("vercel-ai");
    for (const { row } of spans.values()) expect(row.session_id).toBe("sess-ai");
    const wrapper = get(spans, "ai.generateText");
    expect(wrapper.row).toMatchObject({ operation: "invoke_agent", agent_name: "travel-agent", user_id: "u-9" });
    expect(JSON.parse(wrapper.row.attributes)).toMatchObject({ "ai.usage.inputTokens": 2500 });
    expect(get(spans, "ai.toolCall").row).toMatchObject({ operation: "execute_tool", tool_name: "weather", tool_call_id: "call_9" });
    expect(bodies(get(spans, "ai.generateText.doGenerate"), "input")).toEqual([
      { role: "user", parts: [{ type: "text", content: "Weather in Paris?" }] },
    ]);
    expect(JSON.stringify([...spans.values()].map(({ row }) => row.attributes))).not.toContain("Weather in Paris");
  });
});

describe("Langfuse", () => {
  it("reads usage in both forms, and leaves unknown what it cannot read", async () => {
    const spans = await fixture("langfuse");
    expect(calls(spans)).toEqual(["claude", "openai", "broken"]);
    // buckets that do not overlap: 10 + 900 + 50 + 40, of which 90 written, 40 of them for an hour
    expect(tokens(get(spans, "claude"))).toEqual([1000, 900, 90, 5, null]);
    // 10 x 3,000 + 900 x 300 + 50 x 3,750 + 40 x 6,000 + 5 x 15,000
    expect(get(spans, "claude").row.cost_nusd).toBe(30_000 + 270_000 + 187_500 + 240_000 + 75_000);
    // OpenAI's: 400 x 1,250 + 600 x 125 + 100 x 10,000
    expect(tokens(get(spans, "openai"))).toEqual([1000, 600, null, 100, 64]);
    expect(get(spans, "openai").row.cost_nusd).toBe(1_575_000);
    expect(get(spans, "broken").row).toMatchObject({ cost_nusd: null, cost_source: "unknown" });
    expect(tokens(get(spans, "support-agent"))).toEqual([null, null, null, null, null]);
  });

  it("knows session, agent, tool and content", async () => {
    const spans = await fixture("langfuse");
    for (const { row } of spans.values()) expect(row.session_id).toBe("sess-lf");
    expect(get(spans, "support-agent").row).toMatchObject({ operation: "invoke_agent", agent_name: "support-agent", user_id: "u-10" });
    expect(get(spans, "lookup-order").row).toMatchObject({ operation: "execute_tool", tool_name: "lookup-order" });
    expect(get(spans, "claude").row.ttft_ms).toBe(250);
    expect(bodies(get(spans, "claude"), "output")).toEqual([{ role: "assistant", parts: [{ type: "text", content: "done" }] }]);
  });
});

it("keeps no content where none is wanted, of any emitter", async () => {
  const content = { capture: false, messages: 100, messageCharacters: 10_000, rememberedBytes: 1_000_000, payloadBytes: 1024 };
  for (const file of ["openinference", "openllmetry", "vercel-ai", "langfuse", "openclaw-diagnostics-otel-2026.9.6-content"]) {
    const spans = await fixture(file, { content });
    for (const draft of spans.values()) {
      expect(draft.messages).toBeNull();
      expect(draft.row.attributes).not.toMatch(/What is new|because|Weather in Paris|refund|echo one|please TOOL/);
    }
  }
});

const anyValue = (value: unknown) =>
  typeof value === "number" ? { intValue: value } : typeof value === "boolean" ? { boolValue: value } : { stringValue: value };
const pairs = (values: Record<string, unknown>) => Object.entries(values).map(([key, value]) => ({ key, value: anyValue(value) }));
const START = "1795228000000000000";

function claude(attributes: Record<string, unknown>, resource: Record<string, unknown> = {}): Promise<SpanDraft[]> {
  const span = {
    traceId: "1".repeat(32),
    spanId: "1".repeat(16),
    name: "claude_code.llm_request",
    startTimeUnixNano: START,
    endTimeUnixNano: START,
  };
  const session = { "session.id": "s", "span.type": "llm_request", model: "claude-sonnet-4-6", ...attributes };
  const scopeSpans = [{ scope: { name: "com.anthropic.claude_code.tracing" }, spans: [{ ...span, attributes: pairs(session) }] }];
  const body = { resourceSpans: [{ resource: { attributes: pairs({ "service.name": "claude-code", ...resource }) }, scopeSpans }] };
  return drafts(decodeJsonTraces(Buffer.from(JSON.stringify(body))));
}

describe("Claude Code", () => {
  const usage = { input_tokens: 10, output_tokens: 5, cache_read_tokens: 900, cache_creation_tokens: 90 };

  it("adds the cache to the raw input, and prices it once", async () => {
    const [call] = await claude(usage);
    expect(call && tokens(call)).toEqual([1000, 900, 90, 5, null]);
    expect(call?.row).toMatchObject({ is_call: true, cost_nusd: 30_000 + 270_000 + 337_500 + 75_000, cost_source: "priced" });
  });

  it.each([
    ["a resource that says so, as text", {}, { [Attribute.routed]: "true" }],
    ["the scheduler's address", { "anthropic.custom_base_url": "http://127.0.0.1:4320/anthropic" }, {}],
  ])("leaves the cost to the scheduler's span by %s", async (_name, attributes, resource) => {
    const [call] = await claude({ ...usage, ...attributes }, resource);
    expect(call?.row).toMatchObject({ is_call: false, cost_nusd: null, cost_source: null, input_tokens: 1000 });
  });

  it("does not take any gateway for ours", async () => {
    const [call] = await claude({ ...usage, "anthropic.custom_base_url": true });
    expect(call?.row).toMatchObject({ is_call: true });
  });

  it("knows that a refused call cost nothing, and that an aborted one's cost is unknown", async () => {
    const [refused] = await claude({ success: false, status_code: 402 });
    expect(refused?.row).toMatchObject({ is_call: true, status: 2, cost_nusd: 0 });
    const [aborted] = await claude({ success: false });
    expect(aborted?.row).toMatchObject({ is_call: true, status: 2, cost_nusd: null, cost_source: "unknown" });
  });
});

describe("Codex", () => {
  const THREAD = "01a1fbec-8b3c-7303-991e-01185ca03aaa";
  const record = (attributes: Record<string, unknown>) => ({
    resource: { attributes: ["service.name", "codex_exec", "env", "test"] },
    log: {
      "event.name": "codex.sse_event",
      "event.kind": "response.completed",
      "conversation.id": THREAD,
      model: "gpt-5-codex",
      ...attributes,
    },
  });
  const facts = (attributes: Record<string, unknown>, env = "test") => {
    const { log } = record(attributes);
    const logRecord = {
      time: { micros: 0, nanos: 0 },
      observed: { micros: 1_795_228_000_000_000, nanos: 1 },
      severity: 9,
      eventName: "event otel/src/events/session_telemetry.rs:1153",
      body: null,
      traceId: "",
      spanId: "",
      attributes: Object.entries(log).flat() as (string | number)[],
    };
    const scopes = [{ name: "codex_otel.log_only", version: "", records: [logRecord] }];
    return logFacts([{ attributes: ["service.name", "codex_exec", "env", env], scopes }], new Rejections("log record"));
  };
  const counted = { input_token_count: "1000", output_token_count: 100, cached_token_count: 600, reasoning_token_count: 64 };

  it("takes the record with counts as the call, and not the one without", async () => {
    expect(facts({}).ignored).toBe(1);
    const [call] = await drafts(facts(counted).resources);
    expect(call && tokens(call)).toEqual([1000, 600, null, 100, 64]);
    expect(call?.row).toMatchObject({
      session_id: THREAD,
      agent_id: THREAD,
      is_call: true,
      trace_id: THREAD.replaceAll("-", ""),
      cost_nusd: 1_575_000,
    });
  });

  it("gives a record the same id each time, and another record another", async () => {
    const id = async (attributes: Record<string, unknown>) => (await drafts(facts(attributes).resources))[0]?.row.span_id;
    expect(await id(counted)).toBe(await id(counted));
    expect(await id(counted)).not.toBe(await id({ ...counted, output_token_count: 101 }));
    expect(await id(counted)).not.toBe(await id({ ...counted, output_token_count: "100" }));
  });

  it("leaves the cost to the scheduler's span where [otel] environment is signalbox", async () => {
    const [call] = await drafts(facts(counted, "signalbox").resources);
    expect(call?.row).toMatchObject({ is_call: false, cost_nusd: null });
  });

  it("drops the flood and counts it, but never a span that is above one it keeps", async () => {
    const span = (name: string, attributes: Record<string, unknown> = {}, id = name.length.toString(16)) => ({
      traceId: "1".repeat(32),
      spanId: id.padStart(16, "0"),
      name,
      startTimeUnixNano: START,
      endTimeUnixNano: START,
      attributes: pairs(attributes),
    });
    const spans = [
      span("fs.read_file"),
      span("append_items"),
      span("handle_responses", {}, "aa"),
      span("handle_responses", { "gen_ai.usage.input_tokens": 1500 }, "ab"),
      span("handle_responses", { from: "output_item_done" }, "ac"),
      span("handle_output_item_done"),
      span("session_task.run"),
      span("apply_patch", { tool_name: "apply_patch", call_id: "call_1", "conversation.id": THREAD, "turn.id": "t1" }),
    ];
    const send = (service: string, changes: Partial<NormaliseConfig>) => {
      const resource = { attributes: pairs({ "service.name": service }) };
      const body = { resourceSpans: [{ resource, scopeSpans: [{ scope: { name: "codex_exec" }, spans }] }] };
      return drafts(decodeJsonTraces(Buffer.from(JSON.stringify(body))), changes);
    };
    let noise = 0;
    const kept = await send("codex_exec", { onNoise: (count) => (noise += count) });
    expect(kept.map(({ row }) => row.name)).toEqual([
      "handle_responses",
      "handle_responses",
      "handle_output_item_done",
      "session_task.run",
      "apply_patch",
    ]);
    expect(noise).toBe(3);
    expect(kept[4]?.row).toMatchObject({ operation: "execute_tool", tool_name: "apply_patch", session_id: THREAD, turn_id: "t1" });
    expect(kept.filter(({ row }) => row.is_call)).toEqual([]);
    expect(await send("codex_exec", { keepNoise: true })).toHaveLength(spans.length);
    // another application's spans are nobody's noise
    expect(await send("codex-search", {})).toHaveLength(spans.length);
  });

  it("does not let a span pass for a log record", async () => {
    const { resources } = facts(counted);
    for (const resource of resources) for (const scope of resource.scopes) delete scope.fromLogs;
    let noise = 0;
    expect(await drafts(resources, { onNoise: (spans) => (noise += spans) })).toEqual([]);
    expect(noise).toBe(1);
    expect((await drafts(resources, { keepNoise: true }))[0]?.row.is_call).toBe(false);
  });
});
