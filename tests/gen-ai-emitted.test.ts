import { readdirSync, readFileSync } from "node:fs";
import { observeAgent } from "@signalbox/otel/agent";
import type { HistoryReader } from "@signalbox/otel/history";
import type { SpanRecord } from "@signalbox/otel/provider";
import { startOtlpSink } from "@signalbox/otel/testing/otlp-sink";
import { describe, expect, it } from "vitest";
import { drafts } from "../collector-processor/src/dialects/testing/drafts.ts";
import { encodeTraces } from "../collector-processor/src/fan-out/encode-otlp.ts";
import { Rewriter } from "../collector-processor/src/fan-out/rewrite.ts";
import { decodeJsonTraces } from "../collector-processor/src/otlp/decode-json.ts";
import { decodeJsonLogs } from "../collector-processor/src/otlp/decode-json-logs.ts";
import { decodeProtobufTraces } from "../collector-processor/src/otlp/decode-protobuf.ts";
import { type AttributeValue, KeyValueList, type ResourceSpans } from "../collector-processor/src/otlp/traces.ts";
import { Rejections } from "../collector-processor/src/pipeline.ts";
import { logFacts } from "../collector-processor/src/processors/log-facts.ts";
import { claudeCodeReader } from "../plugins/claude-code/src/import.ts";
import { codexReader } from "../plugins/codex/src/import.ts";
import { loadFixture, replay, VERSIONS } from "../plugins/openclaw/src/testing/replay.ts";
import { readFixtures } from "./agents/capture/fixture-folder.ts";
import { genAiProblems } from "./support/gen-ai-conventions.ts";

/** What we emit, and what we send on, by OpenTelemetry's GenAI semantic conventions. The scheduler's spans are judged where they are received (scheduler-support.ts). */

/** Anthropic's two prices of a cache write; the conventions have one. */
const EXTRA = ["gen_ai.usage.cache_creation.ephemeral_1h_input_tokens"];

const problemsOfRecords = (spans: readonly SpanRecord[]) =>
  spans.flatMap(({ name, kind, attributes, error }) =>
    // the API counts kinds from 0, OTLP from 1
    genAiProblems({ name, kind: kind + 1, failed: error !== undefined, attributes }, { extra: EXTRA }),
  );

describe.each(VERSIONS)("the plugin of OpenClaw %s", (version) => {
  const folder = new URL(`fixtures/openclaw/${version}/`, import.meta.url);
  const scenarios = readdirSync(folder).map((file) => file.replace(/\.jsonl$/, ""));
  it.each(scenarios)("%s", (scenario) => {
    const { spans } = replay(loadFixture(version, scenario), { content: true });
    expect(spans.length).toBeGreaterThan(0);
    expect(problemsOfRecords(spans)).toEqual([]);
  });
});

const READERS = {
  "claude-code": (sessionId: string) => claudeCodeReader({ sessionId, content: true }),
  codex: () => codexReader({ content: true }),
};
describe.each(["claude-code", "codex"] as const)("history of %s", (agent) => {
  it.each(readFixtures(agent).map((fixture) => [fixture.header.scenario, fixture] as const))("%s", (_scenario, { records }) => {
    const readers = new Map<string, HistoryReader>();
    const spans: SpanRecord[] = [];
    for (const record of records) {
      if (record.kind !== "transcript" || !record.file.endsWith(".jsonl")) continue;
      const reader = readers.get(record.file) ?? READERS[agent](/([0-9a-f-]{36})\.jsonl$/.exec(record.file)?.[1] ?? record.file);
      readers.set(record.file, reader);
      spans.push(...reader.entry(record.entry as Record<string, unknown>));
    }
    for (const reader of readers.values()) spans.push(...reader.end());
    expect(problemsOfRecords(spans)).toEqual([]);
  });
});

describe("the library for agents of one's own", () => {
  const replies = [
    {
      id: "1",
      model: "m",
      choices: [{ finish_reason: "stop", message: { content: "hi" } }],
      usage: { prompt_tokens: 3, completion_tokens: 4 },
    },
    { type: "message", id: "2", model: "m", content: [{ type: "text", text: "hi" }], usage: { input_tokens: 3, output_tokens: 4 } },
    { nothing: "known" },
  ];
  const inputs = [
    "a prompt",
    [
      { role: "system", content: "be brief" },
      { role: "user", content: [{ type: "image_url", image_url: { url: "http://x" } }] },
      { role: "assistant", content: null, tool_calls: [{ id: "1", function: { name: "t", arguments: "{}" } }] },
      { role: "tool", tool_call_id: "1", content: "ok" },
    ],
    [
      { role: "assistant", content: [{ type: "tool_use", id: "1", name: "t", input: {} }] },
      { role: "user", content: [{ type: "tool_result", tool_use_id: "1", content: "ok" }] },
    ],
    [
      { role: "user", content: [{ type: "input_text", text: "hi" }] },
      { type: "function_call_output", call_id: "1", output: "ok" },
    ],
  ];
  it.each([true, false])("routed: %s", async (routed) => {
    const sink = await startOtlpSink();
    const agent = observeAgent({ name: "worker", endpoint: sink.url, routed, content: true });
    await agent.session("s", async () => {
      await agent.turn(() => agent.tool("only a tool", () => "done"));
      await agent.turn(async () => {
        for (const reply of replies) for (const input of inputs) await agent.llm({ model: "m", input }, () => reply);
        await agent.tool("delegate", () => agent.subagent({ name: "writer", background: true }, () => agent.llm("m", () => replies[1])));
      });
      await agent.turn(() => agent.llm("m", () => Promise.reject(new Error("no")))).catch(() => {});
    });
    await agent.shutdown();
    await sink.close();
    expect(sink.spans).toHaveLength(3 + 2 + replies.length * inputs.length + 3);
    const problems = sink.spans.flatMap(({ name, kind, status, attributes }) =>
      genAiProblems({ name, kind, failed: status.code === 2, attributes }),
    );
    expect(problems).toEqual([]);
    const providers = new Set(sink.spans.map(({ attributes }) => attributes["gen_ai.provider.name"]));
    expect([...providers].filter((one) => one !== undefined).toSorted()).toEqual(
      routed ? ["signalbox"] : ["_OTHER", "anthropic", "openai"],
    );
  });
});

function plain(value: AttributeValue): unknown {
  if (value instanceof KeyValueList) return {};
  return Array.isArray(value) ? value.map(plain) : value;
}

/** What a destination gets of a request, judged. */
async function problemsOfFanOut(resources: ResourceSpans[]): Promise<{ spans: number; problems: string[] }> {
  const rewriter = new Rewriter(encodeTraces(resources), { content: false, wants: () => true });
  for (const draft of await drafts(resources)) rewriter.add(draft);
  const { bytes } = rewriter.take();
  const spans = decodeProtobufTraces(bytes).flatMap((resource) => resource.scopes.flatMap((scope) => scope.spans));
  const problems = spans.flatMap(({ name, kind, statusCode, attributes }) => {
    const values: Record<string, unknown> = {};
    for (let index = 0; index < attributes.length; index += 2) {
      values[attributes[index] as string] = plain(attributes[index + 1] as AttributeValue);
    }
    return genAiProblems({ name, kind, failed: statusCode === 2, attributes: values }, { foreign: true });
  });
  return { spans: spans.length, problems };
}

const bytesOf = (body: unknown) => Buffer.from(JSON.stringify(body));

describe.each(["claude-code", "codex"])("what is sent on of %s", (agent) => {
  it.each(readFixtures(agent).map((fixture) => [fixture.header.scenario, fixture] as const))("%s", async (_scenario, { records }) => {
    for (const record of records) {
      if (record.kind !== "otlp" || record.signal === "metrics") continue;
      const body = bytesOf(record.body);
      const resources =
        record.signal === "traces" ? decodeJsonTraces(body) : logFacts(decodeJsonLogs(body), new Rejections("log record")).resources;
      expect((await problemsOfFanOut(resources)).problems).toEqual([]);
    }
  });
});

const dialects = new URL("fixtures/dialects/", import.meta.url);
it.each(readdirSync(dialects).filter((file) => file.endsWith(".json")))("what is sent on of %s", async (file) => {
  const { body } = JSON.parse(readFileSync(new URL(file, dialects), "utf8")) as { body: unknown };
  const { spans, problems } = await problemsOfFanOut(decodeJsonTraces(bytesOf(body)));
  expect(spans).toBeGreaterThan(0);
  expect(problems).toEqual([]);
});
