import { describe, expect, it } from "vitest";
import type { SpanDraft } from "../span-batch.ts";
import { calls, fixture, get, tokens } from "./testing/drafts.ts";

/** What the SDKs really send today; dialects.test.ts has by hand what they may send. Prices: gpt-5-mini 0.25, 2 and 0.025 for what is cached. */
describe("captured", () => {
  it("Vercel AI SDK 6: each call once, whatever its wrapper repeats", async () => {
    const spans = await fixture("vercel-ai-captured");
    expect(calls(spans)).toEqual([
      "ai.generateText.doGenerate",
      "ai.generateText.doGenerate 2",
      "ai.streamText.doStream",
      "ai.embed.doEmbed",
    ]);
    expect([...spans.values()].map(({ row }) => row.session_id)).toEqual(Array(8).fill("session-1"));
    expect(tokens(get(spans, "ai.generateText.doGenerate"))).toEqual([1200, 1024, 0, 40, 16]);
    // 176 x 250 + 1,024 x 25 + 40 x 2,000; 100 x 250 + 1,200 x 25 + 12 x 2,000; 100 x 250 + 5 x 2,000; 9 x 20
    expect([...spans.values()].filter(({ row }) => row.is_call).map(({ row }) => row.cost_nusd)).toEqual([149_600, 79_000, 35_000, 180]);
    for (const wrapper of ["ai.generateText", "ai.streamText", "ai.embed"]) {
      expect(tokens(get(spans, wrapper)), wrapper).toEqual([null, null, null, null, null]);
    }
    expect(get(spans, "ai.generateText").row).toMatchObject({ operation: "invoke_agent", agent_name: "weather-agent", user_id: "u-9" });
    expect(get(spans, "ai.toolCall").row).toMatchObject({ operation: "execute_tool", tool_name: "weather", tool_call_id: "call_1" });
  });

  it("OpenInference's OpenAI instrumentation: session, cached and reasoning tokens", async () => {
    const spans = await fixture("openinference-captured");
    expect(calls(spans)).toEqual(["OpenAI Chat Completions", "OpenAI Chat Completions 2", "OpenAI Embeddings"]);
    expect([...spans.values()].map(({ row }) => row.session_id)).toEqual(Array(3).fill("session-1"));
    for (const name of ["OpenAI Chat Completions", "OpenAI Chat Completions 2"]) {
      const span = get(spans, name);
      expect(tokens(span)).toEqual([1200, 1024, null, 40, 16]);
      expect(span.row).toMatchObject({ operation: "chat", provider: "openai", model: "gpt-5-mini-2025-08-07", cost_nusd: 149_600 });
      expect(span.messages?.map(({ direction }) => direction)).toEqual(["input", "output"]);
    }
    // it does not say how many tokens an embedding took: unknown, not 0
    expect(get(spans, "OpenAI Embeddings").row).toMatchObject({ operation: "embeddings", cost_nusd: null, cost_source: "unknown" });
  });

  it("OpenLLMetry's OpenAI instrumentation speaks the GenAI conventions now", async () => {
    const spans = await fixture("openllmetry-captured");
    expect(calls(spans)).toEqual(["chat gpt-5-mini", "chat gpt-5-mini 2"]);
    for (const span of spans.values()) {
      expect(tokens(span)).toEqual([1200, null, null, 40, null]);
      // 1,200 x 250 + 40 x 2,000
      expect(span.row).toMatchObject({ provider: "openai", model: "gpt-5-mini-2025-08-07", cost_nusd: 380_000 });
      expect(span.messages?.map(({ direction }) => direction)).toEqual(["input", "output"]);
    }
  });
});

/** What tests/agents/emitters recorded. The provider served each call 1,200 tokens, 1,024 of them cached, and 40, 16 of them reasoning. */
describe("recorded", () => {
  const cost = (spans: Map<string, SpanDraft>, name: string) => get(spans, name).row.cost_nusd;

  it("Langfuse 5: its OpenAI client takes the parts apart, which are put together again", async () => {
    const spans = await fixture("langfuse-recorded");
    expect(calls(spans)).toEqual(["OpenAI.chat", "embed", "OpenAI.chat 2", "claude"]);
    expect([...spans.values()].map(({ row }) => [row.session_id, row.user_id])).toEqual(Array(6).fill(["session-1", "u-9"]));
    for (const name of ["OpenAI.chat", "OpenAI.chat 2"]) {
      expect(tokens(get(spans, name))).toEqual([1200, 1024, null, 40, 16]);
      // 176 x 250 + 1,024 x 25 + 40 x 2,000
      expect(cost(spans, name)).toBe(149_600);
      expect(get(spans, name).messages?.map(({ direction }) => direction)).toEqual(["input", "output"]);
    }
    expect(get(spans, "OpenAI.chat 2").row.ttft_ms).toBeGreaterThan(0);
    expect(tokens(get(spans, "claude"))).toEqual([1050, 900, 50, 20, null]);
    // 100 x 3,000 + 900 x 300 + 50 x 3,750 + 20 x 15,000
    expect(cost(spans, "claude")).toBe(1_057_500);
    expect(cost(spans, "embed")).toBe(180);
    expect(get(spans, "weather-agent").row).toMatchObject({ operation: "invoke_agent", agent_name: "weather-agent", input_tokens: null });
    expect(get(spans, "weather").row).toMatchObject({ operation: "execute_tool", tool_name: "weather" });
  });

  it("Vercel AI SDK 7: each call once, whatever the spans around it repeat, and its session by the trace", async () => {
    const spans = await fixture("vercel-ai-recorded");
    const [chat, embeddings] = ["chat gpt-5-mini", "embeddings text-embedding-3-small"];
    expect(calls(spans)).toEqual([chat, `${chat} 2`, `${chat} 3`, embeddings, `${embeddings} 3`]);
    for (const name of [chat, `${chat} 2`, `${chat} 3`]) {
      expect(tokens(get(spans, name))).toEqual([1200, 1024, null, 40, null]);
      expect(get(spans, name).row).toMatchObject({ provider: "openai", cost_nusd: 149_600 });
    }
    expect(get(spans, `${chat} 3`).row.ttft_ms).toBeGreaterThan(0);
    // 6 x 20
    expect(cost(spans, embeddings)).toBe(120);
    const agent = get(spans, "invoke_agent gpt-5-mini");
    expect(agent.row).toMatchObject({
      operation: "invoke_agent",
      agent_name: "weather-agent",
      user_id: "u-9",
      is_call: false,
      cost_nusd: null,
    });
    expect(agent.row).toMatchObject({ session_id: "session-1", trace_id: get(spans, chat).row.trace_id });
    expect(get(spans, chat).row.session_id).toBe(`t:${agent.row.trace_id}`);
    expect(get(spans, "execute_tool weather").row).toMatchObject({
      operation: "execute_tool",
      tool_name: "weather",
      tool_call_id: "call_1",
    });
  });

  it("OpenLLMetry 0.27: workflow, agent and tool around the calls, all of one session", async () => {
    const spans = await fixture("openllmetry-recorded");
    expect(calls(spans)).toEqual(["chat gpt-5-mini", "chat gpt-5-mini 2"]);
    expect([...spans.values()].map(({ row }) => [row.session_id, row.user_id])).toEqual(Array(5).fill(["session-1", "u-9"]));
    for (const name of calls(spans)) {
      // it does not say what was cached: then the whole prompt has its full price
      expect(tokens(get(spans, name))).toEqual([1200, null, null, 40, null]);
      expect(get(spans, name).row).toMatchObject({ provider: "openai", agent_name: "weather-agent", cost_nusd: 380_000 });
    }
    expect(get(spans, "weather-agent.agent").row).toMatchObject({ operation: "invoke_agent", agent_name: "weather-agent" });
    expect(get(spans, "weather.tool").row).toMatchObject({ operation: "execute_tool", tool_name: "weather", input_tokens: null });
  });

  it("OpenInference 4: a call and its stream, whose usage it does not read: unknown, not 0", async () => {
    const spans = await fixture("openinference-recorded");
    expect(calls(spans)).toEqual(["OpenAI Chat Completions", "OpenAI Chat Completions 2"]);
    expect([...spans.values()].map(({ row }) => row.session_id)).toEqual(Array(3).fill("session-1"));
    expect(tokens(get(spans, "OpenAI Chat Completions"))).toEqual([1200, 1024, null, 40, 16]);
    expect(cost(spans, "OpenAI Chat Completions")).toBe(149_600);
    expect(get(spans, "OpenAI Chat Completions 2").row).toMatchObject({ input_tokens: null, cost_nusd: null, cost_source: "unknown" });
    expect(get(spans, "weather").row).toMatchObject({ operation: "execute_tool", tool_name: "weather", tool_call_id: "call_1" });
  });
});
