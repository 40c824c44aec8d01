import { readFileSync } from "node:fs";
import { Attribute, CALLS_FROM_USAGE } from "@signalbox/otel/conventions";
import { describe, expect, it } from "vitest";
import { decodeJsonTraces } from "../otlp/decode-json.ts";
import type { NormaliseConfig } from "../processors/normalise.ts";
import type { SpanDraft } from "../span-batch.ts";
import { drafts, tokens } from "./testing/drafts.ts";

interface Served {
  status: number;
  usage: { input: number; output: number; cacheRead: number; reasoning: number };
  cost_nusd: number;
  /** OpenClaw marks its requests with the span that tells of them; what it asks a model for itself has none. */
  is_traced: boolean;
}
interface KeyValue {
  key: string;
  value: object;
}
interface Recording {
  served: Served[];
  body: { resourceSpans: { resource: { attributes: KeyValue[] }; scopeSpans: { spans: { name: string; attributes: KeyValue[] }[] }[] }[] };
}

const recording = (name: string): Recording =>
  JSON.parse(readFileSync(new URL(`../../../tests/fixtures/dialects/openclaw-diagnostics-otel-${name}.json`, import.meta.url), "utf8"));

/** In the order in which they began. */
async function rows({ body }: Recording, changes: Partial<NormaliseConfig> = {}): Promise<SpanDraft[]> {
  const made = await drafts(decodeJsonTraces(Buffer.from(JSON.stringify(body))), changes);
  return made.sort((a, b) => a.row.start_time - b.row.start_time || a.row.start_nanos - b.row.start_nanos);
}
const callsOf = (spans: SpanDraft[]) => spans.filter(({ row }) => row.is_call);
const named = (spans: SpanDraft[], name: string) => spans.filter(({ row }) => row.name === name);

/** The recording, where each span is as `change` makes it. */
function changed(recorded: Recording, change: (span: { name: string; attributes: KeyValue[] }) => unknown): Recording {
  for (const { scopeSpans } of recorded.body.resourceSpans) for (const { spans } of scopeSpans) spans.forEach(change);
  return recorded;
}
const withText = (key: string, stringValue: string): KeyValue => ({ key, value: { stringValue } });

describe("OpenClaw's own exporter, 2026.9", () => {
  it("counts each request to the model once, as the provider's books have it", async () => {
    const recorded = recording("2026.9.6");
    const calls = callsOf(await rows(recorded));
    const traced = recorded.served.filter((one) => one.is_traced);
    expect(calls.map((call) => [...tokens(call), call.row.cost_nusd])).toEqual(
      traced.map(({ status, usage, cost_nusd }) =>
        // of a request that was refused nothing is said: unknown, not 0
        status === 200 ? [usage.input, usage.cacheRead, 0, usage.output, usage.reasoning, cost_nusd] : [null, null, null, null, null, null],
      ),
    );
    expect(calls.map(({ row }) => row.status === 2)).toEqual(traced.map(({ status }) => status !== 200));
    for (const { row } of calls) {
      expect(row).toMatchObject({ name: "openclaw.model.call", operation: "chat", agent_kind: "openclaw" });
      expect(row).toMatchObject({ provider: "openai", model: "gpt-5-mini" });
      expect(row.ttft_ms).toBeGreaterThan(0);
    }
  });

  it("counts the same under the latest GenAI names", async () => {
    const renamed = changed(recording("2026.9.6"), (span) => {
      if (span.name === "openclaw.model.call") span.name = "text_completion gpt-5-mini";
    });
    const cost = (calls: SpanDraft[]) => calls.map(({ row }) => row.cost_nusd);
    expect(cost(callsOf(await rows(renamed)))).toEqual(cost(callsOf(await rows(recording("2026.9.6")))));
  });

  it("has one session a turn, with the sub-agents that it spawned and what came of them", async () => {
    const spans = await rows(recording("2026.9.6"));
    const sessions = Map.groupBy(spans, ({ row }) => row.session_id);
    expect([...sessions.values()].map((session) => callsOf(session).length)).toEqual([1, 2, 2, 1, 5, 1, 1]);
    const withSubAgent = [...sessions.values()][4] ?? [];
    expect(named(withSubAgent, "openclaw.harness.run").map(({ row }) => row.operation)).toEqual(Array(3).fill("invoke_agent"));
    const chat = [...sessions.values()].at(-1) ?? [];
    expect(named(chat, "openclaw.harness.run")[0]?.row.channel).toBe("webchat");
  });

  it("knows tools, by the ids that the model gave them, and no wrapper around one", async () => {
    const tools = (await rows(recording("2026.9.6"))).filter(({ row }) => row.operation === "execute_tool");
    expect(tools.map(({ row }) => [row.tool_name, row.tool_call_id?.replace(/\d+/, "n"), row.status])).toEqual([
      ["exec", "call_n_0", 0],
      ["read", "call_n_0", 2],
      ["sessions_spawn", "call_n_0", 0],
      ["exec", "call_n_0", 0],
    ]);
  });

  it("drops what the gateway says of itself and the sum of a turn, which would be sessions of their own", async () => {
    let noise = 0;
    const kept = await rows(recording("2026.9.6"), { onNoise: (count) => (noise += count) });
    const all = await rows(recording("2026.9.6"), { keepNoise: true });
    expect(all.length - kept.length).toBe(noise);
    const names = (spans: SpanDraft[]) => new Set(spans.map(({ row }) => row.name));
    expect([...names(all)].filter((name) => !names(kept).has(name)).sort()).toEqual([
      "openclaw.diagnostic.phase",
      "openclaw.gateway.rpc.dispatch",
      "openclaw.gateway.rpc.handler",
      "openclaw.gateway.rpc.response",
      "openclaw.model.usage",
    ]);
    expect(callsOf(all).length).toBe(callsOf(kept).length);
    const ids = new Set(kept.map(({ row }) => row.span_id));
    for (const { row } of kept) if (row.parent_span_id !== null) expect(ids).toContain(row.parent_span_id);
  });

  it("counts what a plugin asked a model for, which has no other span", async () => {
    const plugins = changed(recording("2026.9.6"), ({ attributes }) => attributes.push(withText("openclaw.plugin", "memory-core")));
    for (const scope of plugins.body.resourceSpans.flatMap(({ scopeSpans }) => scopeSpans)) {
      scope.spans = scope.spans.filter(({ name }) => name === "openclaw.model.usage");
    }
    const costs = callsOf(await rows(plugins)).map(({ row }) => row.cost_nusd ?? 0);
    const cost = (served: Served[]) => served.reduce((sum, { cost_nusd }) => sum + cost_nusd, 0);
    expect(costs.reduce((sum, one) => sum + one, 0)).toBe(cost(plugins.served.filter((one) => one.is_traced)));
  });

  it("counts the sum of each turn in place of its calls where the resource says so, as versions need whose calls say nothing", async () => {
    const recorded = recording("2026.9.6");
    for (const { resource } of recorded.body.resourceSpans) resource.attributes.push(withText(Attribute.callsFrom, CALLS_FROM_USAGE));
    const calls = callsOf(await rows(recorded));
    expect(calls.map(({ row }) => row.name)).toEqual(Array(8).fill("openclaw.model.usage"));
    for (const { row } of calls) expect(row).toMatchObject({ agent_name: "main", agent_kind: "openclaw", cost_source: "priced" });
    const sum = (numbers: (number | null | undefined)[]) => numbers.reduce<number>((total, one) => total + (one ?? 0), 0);
    const said = [0, 1, 3].map((kind) => sum(calls.map((call) => tokens(call)[kind])));
    const traced = recorded.served.filter((one) => one.is_traced);
    const usage = traced.map((one) => one.usage);
    expect(said).toEqual([
      sum(usage.map(({ input }) => input)),
      sum(usage.map(({ cacheRead }) => cacheRead)),
      sum(usage.map(({ output }) => output)),
    ]);
    expect(sum(calls.map(({ row }) => row.cost_nusd))).toBe(sum(traced.map(({ cost_nusd }) => cost_nusd)));
  });

  it("leaves unknown what a call took that does not say it", async () => {
    const silent = changed(recording("2026.9.6"), (span) => {
      span.attributes = span.attributes.filter(({ key }) => !/usage|observation_unit/.test(key));
    });
    const calls = callsOf(await rows(silent));
    expect(calls.length).toBe(13);
    for (const { row } of calls) expect(row).toMatchObject({ input_tokens: null, cost_nusd: null, cost_source: "unknown" });
  });

  it("leaves the cost to the scheduler's span where the resource says that calls go through it", async () => {
    const routed = recording("2026.9.6");
    for (const { resource } of routed.body.resourceSpans) resource.attributes.push(withText(Attribute.routed, "true"));
    const spans = await rows(routed);
    expect(callsOf(spans)).toEqual([]);
    expect(named(spans, "openclaw.model.call").map(({ row }) => row.cost_nusd)).toEqual(Array(13).fill(null));
  });

  it("takes prompts and results once, and keeps none of them in attributes", async () => {
    const spans = await rows(recording("2026.9.6-content"));
    const messages = (span: SpanDraft | undefined, direction: string) =>
      span?.messages?.find((one) => one.direction === direction)?.messages.map(({ body }) => JSON.parse(body));
    const [first] = callsOf(spans);
    expect(messages(first, "input")?.at(-1)).toMatchObject({ role: "user" });
    expect(messages(first, "output")).toMatchObject([{ role: "assistant", parts: [{ type: "tool_call", name: "exec" }] }]);
    const [tool] = spans.filter(({ row }) => row.operation === "execute_tool");
    expect(JSON.stringify(messages(tool, "input"))).toContain("echo one");
    for (const { row } of spans) expect(row.attributes).not.toMatch(/echo one|please TOOL/);
  });
});
