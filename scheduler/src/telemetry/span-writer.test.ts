import { decodeSpans } from "@signalbox/otel/testing/otlp-sink";
import fc from "fast-check";
import { expect, test } from "vitest";
import { type Attributes, type AttributeValue, createSpanWriter, type SpanHead } from "./span-writer.ts";

const HEAD: SpanHead = {
  traceId: "0123456789abcdef0123456789abcdef",
  spanId: "fedcba9876543210",
  parentSpanId: undefined,
  name: "chat m",
  kind: 3,
  startedAt: 1_795_262_400_123.25,
  endedAt: 1_795_262_400_124.000_5,
  error: undefined,
};

/** Through another decoder's eyes. */
function written(head: Partial<SpanHead>, attributes: Record<string, AttributeValue>) {
  const spans = createSpanWriter("a service");
  spans.write({ ...HEAD, ...head }, Object.entries(attributes).flat(1) as Attributes);
  return decodeSpans(spans.take())[0];
}

test("a span is read as it was written", () => {
  const attributes = {
    text: "é",
    whole: 2 ** 40,
    none: 0,
    part: 0.1,
    negative: -3,
    yes: true,
    no: false,
    list: ["a", "", "ü"],
    left: undefined,
  };
  const { left, ...kept } = attributes;
  expect(written({ parentSpanId: "00000000000000ff", error: "429" }, attributes)).toEqual({
    traceId: HEAD.traceId,
    spanId: HEAD.spanId,
    parentSpanId: "00000000000000ff",
    name: "chat m",
    kind: 3,
    startTimeUnixNano: 1_795_262_400_123_250_000n,
    endTimeUnixNano: 1_795_262_400_124_000_488n,
    attributes: kept,
    links: [],
    status: { code: 2, message: "429" },
    resource: { "service.name": "a service" },
  });
});

test("whatever the texts, the frame around them holds", () => {
  const value = fc.oneof(fc.string({ unit: "binary", maxLength: 60 }), fc.boolean(), fc.maxSafeNat(), fc.double({ noNaN: true }));
  const texts = fc.array(fc.string({ unit: "grapheme", maxLength: 9 }), { minLength: 1, maxLength: 9 });
  fc.assert(
    fc.property(fc.array(fc.oneof(value, texts), { maxLength: 40 }), fc.string({ unit: "grapheme", minLength: 1 }), (values, name) => {
      const attributes = Object.fromEntries(values.map((each, index) => [`a${index}`, each]));
      const span = written({ name }, attributes);
      expect(span?.name).toBe(name);
      for (const key in attributes) expect(span?.attributes[key]).toEqual(same(attributes[key]));
    }),
  );
});

/** -0 has no varint. */
const same = (value: unknown) => (value === 0 ? 0 : value);

test("lengths at the edges of their varints, and texts that are cut", () => {
  for (const length of [24, 25, 127, 128, 3_999, 4_000, 4_001, 16_383, 16_384, 65_536]) {
    for (const letter of ["a", "é", "€"]) {
      const text = letter.repeat(length);
      expect(written({}, { text, after: 1 })?.attributes).toEqual({ text, after: 1 });
    }
  }
  expect(written({}, { text: "a".repeat(70_000) })?.attributes.text).toHaveLength(65_536);
});

test("spans that share some attributes with those before them are read as they were written, whatever comes between", () => {
  // Few values, so that many are as they were; the longest make the buffer grow.
  const value = fc.constantFrom<AttributeValue>("ä", "", "b".repeat(30), "e".repeat(90), "c".repeat(5_000), 300, undefined);
  const values = fc.array(value, { maxLength: 6 });
  const span = fc.record({
    kind: fc.constantFrom<SpanHead["kind"]>(1, 2),
    name: fc.constantFrom("chat m", "a longer name", "b".repeat(30)),
    traceId: fc.constantFrom(HEAD.traceId, "f".repeat(32)),
    values,
    /** Of a new record; undefined: of the one before, which shares its own. */
    shared: fc.option(values, { nil: undefined }),
    taken: fc.nat(9).map((number) => number === 9),
  });
  fc.assert(
    fc.property(fc.array(span, { minLength: 20, maxLength: 60 }), (sequence) => {
      const spans = createSpanWriter("s");
      const read: object[] = [];
      const take = () => {
        const request = spans.take();
        read.push(...decodeSpans(request).map(({ kind, name, traceId, attributes }) => ({ kind, name, traceId, attributes })));
        spans.giveBack(request);
      };
      const listed = (name: string, values: readonly AttributeValue[]): Attributes => values.flatMap((each, at) => [`${name}${at}`, each]);
      const attributesOf = (name: string, values: readonly AttributeValue[]) =>
        values.flatMap((each, at) => (each === undefined ? [] : [[`${name}${at}`, each] as const]));
      const written: object[] = [];
      let ofRecord: readonly AttributeValue[] = [];
      let shared: Attributes | undefined;
      for (const { kind, name, traceId, values, shared: own, taken } of sequence) {
        if (own) {
          ofRecord = own;
          shared = listed("s", own);
        }
        spans.write({ ...HEAD, kind, name, traceId }, listed("a", values), shared);
        written.push({
          kind,
          name,
          traceId,
          attributes: Object.fromEntries([...attributesOf("s", ofRecord), ...attributesOf("a", values)]),
        });
        if (taken) take();
      }
      take();
      expect(read).toEqual(written);
    }),
  );
});

test("many spans leave in one request, and the next begins anew", () => {
  const spans = createSpanWriter("s");
  for (let round = 0; round < 2; round++) {
    for (let count = 0; count < 1_000; count++) spans.write(HEAD, ["n", count]);
    expect(decodeSpans(spans.take()).map(({ attributes }) => attributes.n)).toEqual(Array.from({ length: 1_000 }, (_, n) => n));
    expect(spans.bytes).toBe(0);
  }
});

test("a request stays as it is until it is given back, whatever is written and taken meanwhile", () => {
  const spans = createSpanWriter("s");
  const write = (name: string) => {
    for (let count = 0; count < 500; count++) spans.write({ ...HEAD, name }, ["text", name.repeat(200)]);
    return spans.take();
  };
  const names = (request: Buffer) => [...new Set(decodeSpans(request).map(({ name }) => name))];
  for (let round = 0; round < 3; round++) {
    const [first, second, third] = ["a", "b", "c"].map(write) as [Buffer, Buffer, Buffer];
    expect([first, second, third].map(names)).toEqual([["a"], ["b"], ["c"]]);
    for (const request of [second, first, third]) spans.giveBack(request);
  }
});
