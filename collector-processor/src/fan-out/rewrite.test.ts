import { readFileSync } from "node:fs";
import fc from "fast-check";
import protobuf from "protobufjs";
import { describe, expect, it } from "vitest";
import { decodeProtobufTraces } from "../otlp/decode-protobuf.ts";
import { emptyDraft, type SpanDraft } from "../span-batch.ts";
import { encodeTraces } from "./encode-otlp.ts";
import { type RewriteOptions, Rewriter } from "./rewrite.ts";

type Json = Record<string, unknown>;
const schema = readFileSync(new URL("../otlp/trace-service.proto", import.meta.url), "utf8");
const requestType = protobuf.parse(schema, { keepCase: true }).root.lookupType("ExportTraceServiceRequest");
const encode = (json: Json): Buffer => Buffer.from(requestType.encode(requestType.fromObject(json)).finish());
const decode = (bytes: Buffer): Json => requestType.toObject(requestType.decode(bytes), { longs: String, bytes: String }) as Json;

const id = (digit: number, bytes: number) => Buffer.alloc(bytes, digit);
const text = (key: string, value: string): Json => ({ key, value: { string_value: value } });
const request = (spans: Json[], resource: Json[] = []): Json => ({
  resource_spans: [{ resource: { attributes: resource }, scope_spans: [{ scope: { name: "s" }, spans }], schema_url: "https://schema" }],
});
const span = (digit: number, extra: Json = {}): Json => ({
  trace_id: id(digit, 16),
  span_id: id(digit, 8),
  name: `span ${digit}`,
  trace_state: "vendor=1",
  flags: 257,
  dropped_events_count: 3,
  ...extra,
});

/** Drafts of all spans whose ids are right, as the pipeline would make them. */
function draftsOf(body: Buffer, row: Partial<SpanDraft["row"]> = {}): SpanDraft[] {
  const spans = decodeProtobufTraces(body).flatMap((resource) => resource.scopes.flatMap((scope) => scope.spans));
  return spans.flatMap((span, place) => {
    const { traceId, spanId } = span;
    if (!traceId || !spanId || span.parentSpanId === null) return [];
    const draft = emptyDraft();
    Object.assign(draft.row, { trace_id: traceId, span_id: spanId, ...row });
    return [Object.assign(draft, { source: { span, place } })];
  });
}

function rewriteTraces(body: Buffer, drafts: SpanDraft[], options: RewriteOptions) {
  const rewriter = new Rewriter(body, options);
  for (const draft of drafts) rewriter.add(draft);
  return rewriter.take();
}

function rewrite(json: Json, { content = false, row = {} as Partial<SpanDraft["row"]> } = {}) {
  const body = encode(json);
  const result = rewriteTraces(body, draftsOf(body, row), { content, wants: () => true });
  return { ...result, json: decode(result.bytes) };
}

type Decoded = { resource_spans: { resource: Json; scope_spans: { spans: Record<string, Json[]>[] }[] }[] };
const spansOf = (json: Json) => (json as unknown as Decoded).resource_spans.flatMap((r) => r.scope_spans.flatMap((s) => s.spans));
const attributesOf = (json: Json) => spansOf(json)[0]?.attributes ?? [];

describe("Rewriter", () => {
  it("copies what it has nothing to say of, to the last field", () => {
    const events = [{ name: "e", time_unix_nano: 5, attributes: [text("k", "v")], dropped_attributes_count: 2 }];
    const links = [{ trace_id: id(7, 16), span_id: id(7, 8), trace_state: "a=b", flags: 1 }];
    const status = { message: "bad", code: 2 };
    const json = request([span(1, { attributes: [text("a", "b")], events, links, status }), span(2)], [text("service.name", "x")]);
    expect(rewrite(json, { content: true }).json).toEqual(decode(encode(json)));
  });

  it("with content off keeps what a provider said went wrong, and not what a tool did: that is its result", () => {
    const words = [text("error", "no such file: plans.txt"), text("error.type", "ENOENT")];
    const events = [{ name: "exception", attributes: [text("exception.message", "no such file"), text("exception.type", "E")] }];
    const json = request([span(1, { attributes: words, events, status: { message: "no such file", code: 2 } })]);
    const [tool] = spansOf(rewrite(json, { row: { operation: "execute_tool" } }).json);
    expect(JSON.stringify(tool)).not.toContain("no such file");
    expect(tool).toMatchObject({ status: { code: 2 }, attributes: expect.arrayContaining([text("error.type", "ENOENT")]) });
    const [call] = spansOf(rewrite(json, { row: { operation: "chat" } }).json);
    expect(call).toMatchObject({ status: { message: "no such file", code: 2 }, attributes: expect.arrayContaining(words) });
  });

  it("appends what was found out, keeps what is equal, and replaces what is not", () => {
    const attributes = [
      text("gen_ai.provider.name", "anthropic"),
      { key: "gen_ai.usage.input_tokens", value: { int_value: 10 } },
      text("x", "y"),
    ];
    const row = { provider: "anthropic", input_tokens: 1010, cost_nusd: 2_000_000_000, is_call: true, model: "m" };
    expect(attributesOf(rewrite(request([span(1, { attributes })]), { row }).json)).toEqual([
      text("gen_ai.provider.name", "anthropic"),
      text("x", "y"),
      { key: "gen_ai.usage.input_tokens", value: { int_value: "1010" } },
      { key: "signalbox.cost.nanousd", value: { int_value: "2000000000" } },
      text("gen_ai.response.model", "m"),
      { key: "signalbox.cost.usd", value: { double_value: 2 } },
    ]);
  });

  it("leaves out spans that were refused, links with broken ids, and what is then empty", () => {
    const links = [
      { trace_id: id(7, 3), span_id: id(7, 8) },
      { trace_id: id(8, 16), span_id: id(8, 8) },
      { trace_id: id(0, 16), span_id: id(8, 8) },
    ];
    const bad = [span(2, { trace_id: id(2, 15) }), span(3, { span_id: id(0, 0) }), span(1, { parent_span_id: id(1, 3) })];
    const { json, spans } = rewrite(request([...bad, span(1, { links })]));
    expect(spans).toBe(1);
    expect(spansOf(json)).toHaveLength(1);
    expect(spansOf(json)[0]?.links).toEqual([expect.objectContaining({ span_id: id(8, 8).toString("base64") })]);
    expect(rewrite(request(bad.slice(0, 2)))).toMatchObject({ spans: 0, bytes: Buffer.alloc(0) });
  });

  it("takes content out unless it is wanted, and secrets always", () => {
    const secret = ["sk", "ant", "api03", "A".repeat(40)].join("-");
    const kvlist = { kvlist_value: { values: [text("password", "hunter2"), text("note", `key ${secret}`)] } };
    const attributes = [
      text("gen_ai.input.messages", "[]"),
      text("llm.input_messages.0.message.content", "hi"),
      text("http.request.header.authorization", "Basic x"),
      text("note", `my ${secret}`),
      { key: "nested", value: kvlist },
    ];
    const events = [{ name: "gen_ai.user.message", attributes: [text("content", "hi")] }];
    const json = request([span(1, { attributes, events, status: { message: secret } })], [text("process.command_args", secret)]);
    const cleanNested = { kvlist_value: { values: [text("password", "[redacted]"), text("note", "key [redacted]")] } };
    const clean = [
      text("http.request.header.authorization", "[redacted]"),
      text("note", "my [redacted]"),
      { key: "nested", value: cleanNested },
    ];
    const without = rewrite(json);
    expect(attributesOf(without.json)).toEqual(clean);
    expect(spansOf(without.json)[0]?.events).toEqual([{ name: "gen_ai.user.message" }]);
    const withContent = rewrite(json, { content: true });
    expect(attributesOf(withContent.json)).toEqual([...attributes.slice(0, 2), ...clean]);
    expect(spansOf(withContent.json)[0]?.events).toEqual(events);
    for (const { bytes } of [without, withContent]) expect(bytes.includes(secret)).toBe(false);
  });

  it("gives what its own decoder and protobufjs both read, whatever the request", () => {
    const value: fc.Arbitrary<Json> = fc.letrec((tie) => ({
      value: fc.oneof(
        { maxDepth: 3 },
        fc.record({ string_value: fc.string({ maxLength: 300 }) }),
        fc.record({ int_value: fc.maxSafeInteger() }),
        fc.record({ double_value: fc.double({ noNaN: true }) }),
        fc.record({ bool_value: fc.boolean() }),
        fc.record({ bytes_value: fc.uint8Array() }),
        fc.record({ array_value: fc.record({ values: fc.array(tie("value"), { maxLength: 3 }) }) }),
      ),
    })).value as fc.Arbitrary<Json>;
    const attributes = fc.array(fc.record({ key: fc.constantFrom("a", "prompt", "api_key", "gen_ai.agent.name", "session.id"), value }), {
      maxLength: 5,
    });
    const anySpan = fc.record({
      trace_id: fc.uint8Array({ minLength: 15, maxLength: 16 }),
      span_id: fc.uint8Array({ minLength: 8, maxLength: 8 }),
      attributes,
    });
    fc.assert(
      fc.property(fc.array(anySpan, { maxLength: 4 }), attributes, (spans, resource) => {
        const body = encode(request(spans, resource));
        const drafts = draftsOf(body, { agent_name: "planner", session_id: "s" });
        const { bytes, spans: count } = rewriteTraces(body, drafts, { content: false, wants: () => true });
        const read = decodeProtobufTraces(bytes).flatMap((r) => r.scopes.flatMap((s) => s.spans));
        expect(read).toHaveLength(count);
        expect(bytes.length === 0 ? [] : spansOf(decode(bytes))).toHaveLength(count);
        for (const { attributes: list } of read) {
          const names = list.filter((_, index) => index % 2 === 0);
          expect(names).toContain("gen_ai.agent.name");
          expect(names).not.toContain("prompt");
        }
      }),
      { numRuns: 300 },
    );
  });
});

it("encodes decoded traces as what they were", () => {
  const events = [{ name: "e", time_unix_nano: "1763632800000000007", attributes: [text("k", "v")] }];
  const links = [{ trace_id: id(7, 16), span_id: id(7, 8), attributes: [] }];
  const attributes = [
    text("t", "ü"),
    { key: "n", value: { int_value: -5 } },
    { key: "d", value: { double_value: 0.5 } },
    { key: "l", value: { array_value: { values: [{ bool_value: true }, {}] } } },
    { key: "m", value: { kvlist_value: { values: [{ key: "b", value: { bytes_value: Buffer.from([1, 2]) } }] } } },
  ];
  const body = encode(
    request([span(1, { attributes, events, links, kind: 3, status: { message: "x", code: 2 } })], [text("service.name", "x")]),
  );
  const decoded = decodeProtobufTraces(body);
  expect(decodeProtobufTraces(encodeTraces(decoded))).toEqual(decoded);
});
