import { describe, expect, it } from "vitest";
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
