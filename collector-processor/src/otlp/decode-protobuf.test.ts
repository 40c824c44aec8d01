import { readFileSync } from "node:fs";
import fc from "fast-check";
import protobuf from "protobufjs";
import { describe, expect, it } from "vitest";
import { decodeProtobufPieces, decodeProtobufTraces } from "./decode-protobuf.ts";
import { type Attributes, type AttributeValue, DEEPER, KeyValueList, MalformedBody, type ResourceSpans, type Span } from "./traces.ts";

const schema = readFileSync(new URL("./trace-service.proto", import.meta.url), "utf8");
const oracle = protobuf.parse(schema).root.lookupType("ExportTraceServiceRequest");

type Json = Record<string, unknown>;
const encode = (request: Json): Buffer => Buffer.from(oracle.encode(oracle.fromObject(request)).finish());

/** What the oracle read, in the oracle's own form: longs as text, bytes as Buffer. */
const oracleRead = (body: Buffer): Json => oracle.toObject(oracle.decode(body), { longs: String, bytes: Buffer });

/** What we read, in the same form; what we do not keep is taken out of the oracle's by `kept`. */
const ours = (resources: ResourceSpans[]): Json => ({
  resourceSpans: resources.map((resource) => ({
    resource: { attributes: keyValues(resource.attributes) },
    scopeSpans: resource.scopes.map((scope) => ({ scope: { name: scope.name, version: scope.version }, spans: scope.spans.map(spanForm) })),
  })),
});

const nanos = (micros: number, rest: number) => String(BigInt(micros) * 1000n + BigInt(rest));

const spanForm = (span: Span): Json => ({
  traceId: span.traceId,
  spanId: span.spanId,
  parentSpanId: span.parentSpanId,
  name: span.name,
  kind: span.kind,
  startTimeUnixNano: nanos(span.startMicros, span.startNanos),
  endTimeUnixNano: nanos(span.endMicros, span.endNanos),
  attributes: keyValues(span.attributes),
  events: (span.events ?? []).map((event) => ({
    timeUnixNano: nanos(event.time.micros, event.time.nanos),
    name: event.name,
    attributes: keyValues(event.attributes),
  })),
  links: (span.links ?? []).map((link) => ({ traceId: link.traceId, spanId: link.spanId, attributes: keyValues(link.attributes) })),
  status: { code: span.statusCode, message: span.statusMessage },
});

function keyValues(attributes: Attributes): Json[] {
  const list: Json[] = [];
  for (let index = 0; index < attributes.length; index += 2) {
    list.push({ key: attributes[index], value: valueForm(attributes[index + 1] as AttributeValue) });
  }
  return list;
}

function valueForm(value: AttributeValue): unknown {
  if (value instanceof KeyValueList) return { map: keyValues(value.entries) };
  if (value instanceof Uint8Array) return { bytes: Buffer.from(value).toString("hex") };
  if (Array.isArray(value)) return { list: value.map(valueForm) };
  return typeof value === "number" || typeof value === "bigint" ? { number: Object.is(value, -0) ? "-0" : String(value) } : value;
}

/** The oracle's object in our form. */
function kept(request: Json): Json {
  const list = (value: unknown) => (value ?? []) as Json[];
  const id = (value: unknown, bytes: number) => {
    const buffer = (value ?? Buffer.alloc(0)) as Buffer;
    return buffer.length === 0 ? "" : buffer.length === bytes ? buffer.toString("hex") : null;
  };
  const pairs = (value: unknown): Json[] =>
    list(value).map((pair) => ({ key: pair.key ?? "", value: oracleValue(pair.value as Json | undefined) }));
  const oracleValue = (value: Json | null | undefined): unknown => {
    if (value == null) return null;
    if (value.intValue !== undefined) return { number: value.intValue };
    if (value.doubleValue !== undefined) return { number: Object.is(value.doubleValue, -0) ? "-0" : String(value.doubleValue) };
    if (value.bytesValue !== undefined) return { bytes: (value.bytesValue as Buffer).toString("hex") };
    if (value.arrayValue !== undefined) return { list: list((value.arrayValue as Json).values).map(oracleValue) };
    if (value.kvlistValue !== undefined) return { map: pairs((value.kvlistValue as Json).values) };
    return value.stringValue ?? value.boolValue ?? null;
  };
  return {
    resourceSpans: list(request.resourceSpans).map((resource) => ({
      resource: { attributes: pairs((resource.resource as Json | undefined)?.attributes) },
      scopeSpans: list(resource.scopeSpans).map((scope) => ({
        scope: { name: (scope.scope as Json | undefined)?.name ?? "", version: (scope.scope as Json | undefined)?.version ?? "" },
        spans: list(scope.spans).map((span) => ({
          traceId: id(span.traceId, 16),
          spanId: id(span.spanId, 8),
          parentSpanId: id(span.parentSpanId, 8),
          name: span.name ?? "",
          kind: span.kind ?? 0,
          startTimeUnixNano: span.startTimeUnixNano ?? "0",
          endTimeUnixNano: span.endTimeUnixNano ?? "0",
          attributes: pairs(span.attributes),
          events: list(span.events).map((event) => ({
            timeUnixNano: event.timeUnixNano ?? "0",
            name: event.name ?? "",
            attributes: pairs(event.attributes),
          })),
          links: list(span.links).map((link) => ({
            traceId: id(link.traceId, 16),
            spanId: id(link.spanId, 8),
            attributes: pairs(link.attributes),
          })),
          status: { code: (span.status as Json | undefined)?.code ?? 0, message: (span.status as Json | undefined)?.message ?? "" },
        })),
      })),
    })),
  };
}

// the decoder is exact until the year 2255; protobufjs takes longs as text
const time = fc.bigInt({ min: 0n, max: 9_007_199_254_740_991_999n }).map(String);
const text = fc.string({ unit: "binary", maxLength: 300 }).filter((value) => value.isWellFormed());
const { value } = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    fc.record({ stringValue: text }),
    fc.record({ intValue: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map(String) }),
    fc.record({ doubleValue: fc.double() }),
    fc.record({ boolValue: fc.boolean() }),
    fc.record({ bytesValue: fc.uint8Array({ maxLength: 20 }) }),
    fc.record({ arrayValue: fc.record({ values: fc.array(tie("value"), { maxLength: 4 }) }) }),
    fc.record({ kvlistValue: fc.record({ values: fc.array(fc.record({ key: text, value: tie("value") }), { maxLength: 4 }) }) }),
    fc.constant({}),
  ),
}));
const attributes = fc.array(fc.record({ key: fc.oneof(text, fc.constantFrom("__proto__", "gen_ai.usage.input_tokens")), value }), {
  maxLength: 5,
});
const id = (bytes: number) =>
  fc.oneof({ weight: 5, arbitrary: fc.uint8Array({ minLength: bytes, maxLength: bytes }) }, fc.uint8Array({ maxLength: 20 }));
const requests = fc.record({
  resourceSpans: fc.array(
    fc.record({
      resource: fc.record({ attributes, droppedAttributesCount: fc.nat() }),
      schemaUrl: text,
      scopeSpans: fc.array(
        fc.record({
          scope: fc.record({ name: text, version: text, attributes }),
          spans: fc.array(
            fc.record({
              traceId: id(16),
              spanId: id(8),
              parentSpanId: id(8),
              traceState: text,
              flags: fc.nat(),
              name: text,
              kind: fc.integer({ min: 0, max: 5 }),
              startTimeUnixNano: time,
              endTimeUnixNano: time,
              attributes,
              events: fc.array(fc.record({ timeUnixNano: time, name: text, attributes }), { maxLength: 2 }),
              links: fc.array(fc.record({ traceId: id(16), spanId: id(8), traceState: text, attributes }), { maxLength: 2 }),
              status: fc.record({ code: fc.integer({ min: 0, max: 2 }), message: text }),
            }),
            { maxLength: 4 },
          ),
        }),
        { maxLength: 3 },
      ),
    }),
    { maxLength: 3 },
  ),
});

const span = (fields: Json) => encode({ resourceSpans: [{ scopeSpans: [{ spans: [fields] }] }] });
const firstSpan = (body: Buffer) => decodeProtobufTraces(body)[0]?.scopes[0]?.spans[0] as Span;

describe("decodeProtobufTraces", () => {
  it("reads what protobufjs reads", () => {
    fc.assert(
      fc.property(requests, (request) => {
        const body = encode(request);
        expect(ours(decodeProtobufTraces(body))).toEqual(kept(oracleRead(body)));
      }),
      { numRuns: 400 },
    );
  });

  it("reads the same in pieces as at once, or refuses both", () => {
    const flat = (read: () => Iterable<ResourceSpans>) => {
      try {
        return [...read()].flatMap(({ attributes, scopes }) =>
          scopes.flatMap(({ name, version, spans }) => spans.map((one) => ({ attributes, name, version, span: one }))),
        );
      } catch (error) {
        expect(error).toBeInstanceOf(MalformedBody);
        return (error as Error).message;
      }
    };
    fc.assert(
      fc.property(requests, fc.array(fc.tuple(fc.nat(), fc.nat({ max: 255 })), { maxLength: 1 }), (request, edits) => {
        const body = encode(request);
        for (const [at, byte] of edits) if (body.length > 0) body[at % body.length] = byte;
        const whole = flat(() => decodeProtobufTraces(body));
        const pieces = flat(() => decodeProtobufPieces(body));
        // which of two mistakes is seen first is open
        if (typeof whole === "string") expect(pieces).toBeTypeOf("string");
        else expect(pieces).toEqual(whole);
      }),
      { numRuns: 400 },
    );
  });

  it("gives a large scope in pieces, each with what stands behind the spans", () => {
    const spans = Array.from({ length: 300 }, (_, index) => ({ name: `span ${index} ${"x".repeat(40)}` }));
    const one = encode({ resourceSpans: [{ scopeSpans: [{ spans }, { scope: { name: "late" } }], schemaUrl: "u" }] });
    const head = encode({ resourceSpans: [{ resource: { attributes: [{ key: "k", value: { stringValue: "v" } }] } }] });
    // the two as one message of the wire: the resource comes last
    const inner = Buffer.concat([one.subarray(3), head.subarray(2)]);
    const length = Buffer.from([(inner.length & 0x7f) | 0x80, ((inner.length >> 7) & 0x7f) | 0x80, inner.length >> 14]);
    const pieces = [...decodeProtobufPieces(Buffer.concat([Buffer.from([0x0a]), length, inner]))];
    expect(pieces.map(({ scopes }) => scopes[0]?.spans.length)).toEqual([128, 128, 44, 0]);
    expect(pieces.map(({ attributes }) => attributes)).toEqual(pieces.map(() => ["k", "v"]));
    expect(pieces.flatMap(({ scopes }) => scopes.flatMap((scope) => scope.spans.map((read) => read.name)))).toEqual(
      spans.map(({ name }) => name),
    );
  });

  it("reads mutated bytes or refuses them as malformed", () => {
    let read = 0;
    fc.assert(
      fc.property(
        requests,
        fc.array(fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 })), { minLength: 1, maxLength: 4 }),
        fc.nat(),
        (request, edits, cut) => {
          const body = encode(request);
          for (const [at, byte] of edits) if (body.length > 0) body[at % body.length] = byte;
          const mutated = cut % 3 === 0 ? body.subarray(0, cut % (body.length + 1)) : body;
          try {
            decodeProtobufTraces(mutated);
            read++;
          } catch (error) {
            expect(error).toBeInstanceOf(MalformedBody);
          }
        },
      ),
      { numRuns: 2_000 },
    );
    expect(read).toBeGreaterThan(100);
  });

  it("refuses a message that is cut anywhere inside", () => {
    const body = span({ name: "n", attributes: [{ key: "k", value: { stringValue: "v".repeat(20) } }] });
    for (let length = 1; length < body.length; length++)
      expect(() => decodeProtobufTraces(body.subarray(0, length))).toThrow(MalformedBody);
  });

  it("keeps every nanosecond", () => {
    const read = firstSpan(span({ startTimeUnixNano: "1763632800123456789", endTimeUnixNano: "1763632800123457001" }));
    expect([read.startMicros, read.startNanos, read.endMicros, read.endNanos]).toEqual([
      1_763_632_800_123_456, 789, 1_763_632_800_123_457, 1,
    ]);
  });

  it("marks ids of a wrong length, and makes invalid UTF-8 readable", () => {
    const body = span({ traceId: Buffer.alloc(15, 1), spanId: Buffer.alloc(8, 0xab), name: "AAAA" });
    body.fill(0xff, body.indexOf("AAAA"), body.indexOf("AAAA") + 4);
    expect(firstSpan(body)).toMatchObject({ traceId: null, spanId: "abababababababab", name: "\uFFFD\uFFFD\uFFFD\uFFFD" });
  });

  it("reads enums as 32 bits, and a value that comes twice in one attribute as one", () => {
    const list = (element: number) => [0x12, 6, 0x2a, 4, 0x0a, 2, 0x18, element];
    const attribute = [0x0a, 1, 0x6b, ...list(1), ...list(2)];
    const fields = [0x30, 0x83, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x01, 0x4a, attribute.length, ...attribute];
    const wrap = (tag: number, body: number[]) => [tag, body.length, ...body];
    const read = firstSpan(Buffer.from(wrap(0x0a, wrap(0x12, wrap(0x12, fields)))));
    expect([read.kind, read.attributes]).toEqual([3, ["k", [1, 2]]]);
  });

  it("bounds the depth of values", () => {
    let deep: Json = { stringValue: "bottom" };
    for (let level = 0; level < 40; level++) deep = { arrayValue: { values: [deep] } };
    const read = firstSpan(span({ attributes: [{ key: "deep", value: deep }] }));
    expect(JSON.stringify(read.attributes)).toContain(DEEPER);
    expect(JSON.stringify(read.attributes)).not.toContain("bottom");
  });

  it("skips unknown fields of every wire type, groups too", () => {
    // fields 100 as varint, fixed64, bytes, group with a nested group, fixed32
    const unknown = Buffer.from([
      0xa0, 0x06, 0x01, 0xa1, 0x06, 1, 2, 3, 4, 5, 6, 7, 8, 0xa2, 0x06, 0x02, 9, 9, 0xa3, 0x06, 0xab, 0x06, 0xac, 0x06, 0x08, 0x01, 0xa4,
      0x06, 0xa5, 0x06, 1, 2, 3, 4,
    ]);
    expect(decodeProtobufTraces(Buffer.concat([unknown, span({ name: "kept" }), unknown]))).toHaveLength(1);
    expect(() => decodeProtobufTraces(Buffer.from([0xa3, 0x06, 0xac, 0x06]))).toThrow("a group ends that did not start");
    expect(() => decodeProtobufTraces(Buffer.from([0xa6, 0x06]))).toThrow("wire type 6");
    expect(() => decodeProtobufTraces(Buffer.alloc(2_000, 0x0b))).toThrow("groups are nested too deep");
  });
});
