import { describe, expect, it } from "vitest";
import type { SpanRow } from "../rows.ts";
import { emptyDraft, type SpanDraft } from "../span-batch.ts";
import { attributeSpan, storedIds } from "./attribute.ts";
import { priceSpan } from "./price.ts";

const config = { baseline: { input: 5, output: 25, cacheRead: 0.5 } };
const usage = { input_tokens: 1_000, output_tokens: 100 };
const chat = { operation: "chat", provider: "anthropic", request_model: "claude-haiku-4-5" };

function priced(row: Partial<SpanRow>, rest: Partial<SpanDraft> = {}): SpanRow {
  const draft = Object.assign(emptyDraft(), rest);
  Object.assign(draft.row, row);
  attributeSpan(draft, storedIds(""));
  priceSpan(draft, config);
  return draft.row;
}

describe("priceSpan", () => {
  it("prices a call from the table, and on the baseline", () => {
    // 1,000 x 1,000 + 100 x 5,000; 1,000 x 5,000 + 100 x 25,000
    expect(priced({ ...chat, ...usage })).toMatchObject({
      is_call: true,
      cost_nusd: 1_500_000,
      cost_source: "priced",
      baseline_nusd: 7_500_000,
    });
  });

  it("keeps what was reported, with its source", () => {
    expect(priced({ ...chat, ...usage, cost_nusd: 42, cost_source: "measured" })).toMatchObject({ cost_nusd: 42, cost_source: "measured" });
    expect(priced({ ...chat, ...usage, cost_nusd: 0 })).toMatchObject({ cost_nusd: 0, cost_source: "reported" });
    expect(priced({ ...chat, ...usage }, { costUsd: 0.000_001 })).toMatchObject({ cost_nusd: 1_000, cost_source: "reported" });
    expect(priced({ ...chat, ...usage, baseline_nusd: 9 })).toMatchObject({ baseline_nusd: 9 });
  });

  it.each([
    ["an unknown model", { ...chat, ...usage, request_model: "no-such" }],
    ["no model", { operation: "chat", ...usage }],
    ["no tokens", chat],
    ["no output tokens", { ...chat, input_tokens: 5 }],
    ["a usage beyond arithmetic", { ...chat, input_tokens: 1e11, output_tokens: 0 }],
  ])("says unknown, not 0, for %s", (_name, row) => {
    expect(priced(row)).toMatchObject({ cost_nusd: null, cost_source: "unknown" });
  });

  it("puts no cost on a span that is not the leaf of a call", () => {
    const none = { is_call: false, cost_nusd: null, cost_source: null, baseline_nusd: null };
    expect(priced({ ...chat, ...usage, cost_nusd: 42 }, { routed: true })).toMatchObject(none);
    expect(priced({ operation: "schedule", ...usage, cost_nusd: 42, cost_source: "reported" })).toMatchObject(none);
    expect(priced({ operation: "invoke_agent", ...usage })).toMatchObject(none);
  });

  it("compares an embedding with itself", () => {
    const row = priced({ operation: "embeddings", request_model: "text-embedding-3-small", input_tokens: 1_000 });
    expect(row).toMatchObject({ is_call: true, cost_nusd: 20_000, baseline_nusd: 20_000 });
  });
});

describe("attributeSpan", () => {
  it("takes the session that the span names, else its trace's", () => {
    expect(priced({ trace_id: "ab" }, { sessionId: "s", conversationId: "c" }).session_id).toBe("s");
    expect(priced({ trace_id: "ab" }, { conversationId: "c" }).session_id).toBe("c");
    expect(priced({ trace_id: "ab" }).session_id).toBe("t:ab");
  });

  it("takes our agent id over the convention's, and the answered model over the asked one", () => {
    expect(priced({ agent_id: "ours" }, { genAiAgentId: "theirs" }).agent_id).toBe("ours");
    expect(priced({}, { genAiAgentId: "theirs" }).agent_id).toBe("theirs");
    expect(priced({ request_model: "asked" }, { responseModel: "answered" }).model).toBe("answered");
  });
});
