import { readFileSync } from "node:fs";
import fc from "fast-check";
import protobuf from "protobufjs";
import { describe, expect, it } from "vitest";
import { decodeJsonLogs } from "./decode-json-logs.ts";
import { decodeProtobufLogs } from "./decode-protobuf-logs.ts";
import { type Attributes, type AttributeValue, DEEPER, KeyValueList, MalformedBody } from "./traces.ts";

const schema = (file: string) => readFileSync(new URL(`./${file}`, import.meta.url), "utf8");
const oracle = protobuf.parse(schema("trace-service.proto") + schema("logs-service.proto")).root.lookupType("ExportLogsServiceRequest");

type Json = Record<string, unknown>;
const encode = (request: Json): Buffer => Buffer.from(oracle.encode(oracle.fromObject(request)).finish());
const oracleRead = (body: Buffer): Json => oracle.toObject(oracle.decode(body), { longs: String, bytes: Buffer });

const nanos = ({ micros, nanos: rest }: { micros: number; nanos: number }) => String(BigInt(micros) * 1000n + BigInt(rest));

/** What we read, in a form that the oracle's answer is brought into as well. */
const ours = (resources: ReturnType<typeof decodeProtobufLogs>) =>
  resources.map((resource) => ({
    resource: pairs(resource.attributes),
    scopes: resource.scopes.map(({ name, version, records }) => ({
      name,
      version,
      records: records.map(({ time, observed, attributes, body, ...rest }) => ({
        ...rest,
        time: nanos(time),
        observed: nanos(observed),
        body: form(body),
        attributes: pairs(attributes),
      })),
    })),
  }));

function pairs(attributes: Attributes): unknown[] {
  return Array.from({ length: attributes.length / 2 }, (_, index) => [
    attributes[index * 2],
    form(attributes[index * 2 + 1] as AttributeValue),
  ]);
}

function form(value: AttributeValue): unknown {
  if (value instanceof KeyValueList) return { map: pairs(value.entries) };
  if (value instanceof Uint8Array) return { bytes: Buffer.from(value).toString("hex") };
  if (Array.isArray(value)) return { list: value.map(form) };
  return typeof value === "number" || typeof value === "bigint" ? { number: Object.is(value, -0) ? "-0" : String(value) } : value;
}

const list = (value: unknown) => (value ?? []) as Json[];
const id = (value: unknown, bytes: number) => {
  const buffer = (value ?? Buffer.alloc(0)) as Buffer;
  return buffer.length === 0 ? "" : buffer.length === bytes ? buffer.toString("hex") : null;
};
const oraclePairs = (value: unknown): unknown[] => list(value).map((pair) => [pair.key ?? "", oracleForm(pair.value as Json | undefined)]);

function oracleForm(value: Json | null | undefined): unknown {
  if (value == null) return null;
  if (value.intValue !== undefined) return { number: value.intValue };
  if (value.doubleValue !== undefined) return { number: Object.is(value.doubleValue, -0) ? "-0" : String(value.doubleValue) };
  if (value.bytesValue !== undefined) return { bytes: (value.bytesValue as Buffer).toString("hex") };
  if (value.arrayValue !== undefined) return { list: list((value.arrayValue as Json).values).map(oracleForm) };
  if (value.kvlistValue !== undefined) return { map: oraclePairs((value.kvlistValue as Json).values) };
  return value.stringValue ?? value.boolValue ?? null;
}

const kept = (request: Json) =>
  list(request.resourceLogs).map((resource) => ({
    resource: oraclePairs((resource.resource as Json | undefined)?.attributes),
    scopes: list(resource.scopeLogs).map((scope) => ({
      name: (scope.scope as Json | undefined)?.name ?? "",
      version: (scope.scope as Json | undefined)?.version ?? "",
      records: list(scope.logRecords).map((record) => ({
        time: record.timeUnixNano ?? "0",
        observed: record.observedTimeUnixNano ?? "0",
        severity: record.severityNumber ?? 0,
        eventName: record.eventName ?? "",
        body: oracleForm(record.body as Json | undefined),
        traceId: id(record.traceId, 16),
        spanId: id(record.spanId, 8),
        attributes: oraclePairs(record.attributes),
      })),
    })),
  }));

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
const attributes = fc.array(fc.record({ key: fc.oneof(text, fc.constant("__proto__")), value }), { maxLength: 5 });
const bytes = (length: number) =>
  fc.oneof({ weight: 5, arbitrary: fc.uint8Array({ minLength: length, maxLength: length }) }, fc.uint8Array({ maxLength: 20 }));
const record = fc.record({
  timeUnixNano: time,
  observedTimeUnixNano: time,
  severityNumber: fc.integer({ min: 0, max: 24 }),
  severityText: text,
  eventName: text,
  body: value,
  traceId: bytes(16),
  spanId: bytes(8),
  flags: fc.nat(),
  droppedAttributesCount: fc.nat(),
  attributes,
});
const scope = fc.record({
  scope: fc.record({ name: text, version: text, attributes }),
  schemaUrl: text,
  logRecords: fc.array(record, { maxLength: 4 }),
});
const requests = fc.record({
  resourceLogs: fc.array(
    fc.record({ resource: fc.record({ attributes }), schemaUrl: text, scopeLogs: fc.array(scope, { maxLength: 3 }) }),
    { maxLength: 3 },
  ),
});

const one = (fields: Json) => encode({ resourceLogs: [{ scopeLogs: [{ logRecords: [fields] }] }] });

describe("decodeProtobufLogs", () => {
  it("reads what protobufjs reads", () => {
    fc.assert(
      fc.property(requests, (request) => {
        const body = encode(request);
        expect(ours(decodeProtobufLogs(body))).toEqual(kept(oracleRead(body)));
      }),
      { numRuns: 300 },
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
          try {
            decodeProtobufLogs(cut % 3 === 0 ? body.subarray(0, cut % (body.length + 1)) : body);
            read++;
          } catch (error) {
            expect(error).toBeInstanceOf(MalformedBody);
          }
        },
      ),
      { numRuns: 1_500 },
    );
    expect(read).toBeGreaterThan(100);
  });

  it("refuses a message that is cut anywhere inside", () => {
    const body = one({ eventName: "n", attributes: [{ key: "k", value: { stringValue: "v".repeat(20) } }] });
    for (let length = 1; length < body.length; length++) expect(() => decodeProtobufLogs(body.subarray(0, length))).toThrow(MalformedBody);
  });

  it("bounds the depth of a body, and marks ids of a wrong length", () => {
    let deep: Json = { stringValue: "bottom" };
    for (let level = 0; level < 40; level++) deep = { arrayValue: { values: [deep] } };
    const [resource] = decodeProtobufLogs(one({ body: deep, traceId: Buffer.alloc(15, 1), spanId: Buffer.alloc(8, 0xab) }));
    const [read] = resource?.scopes[0]?.records ?? [];
    expect(JSON.stringify(read?.body)).toContain(DEEPER);
    expect(JSON.stringify(read?.body)).not.toContain("bottom");
    expect(read).toMatchObject({ traceId: null, spanId: "abababababababab" });
  });
});

describe("decodeJsonLogs", () => {
  const decode = (fields: unknown) =>
    decodeJsonLogs(Buffer.from(JSON.stringify({ resourceLogs: [{ scopeLogs: [{ logRecords: [fields] }] }] })))[0]?.scopes[0]?.records[0];

  it("reads what the protobuf decoder reads", () => {
    const attributes = [
      { key: "event.name", value: { stringValue: "e" } },
      { key: "n", value: { intValue: "7" } },
    ];
    const fields = { timeUnixNano: "1763632800000000001", severityNumber: 9, eventName: "e", body: { stringValue: "b" }, attributes };
    const binary = one({ ...fields, traceId: Buffer.alloc(16, 0xcd), spanId: Buffer.alloc(8, 0xef) });
    const json = decode({ ...fields, traceId: "CD".repeat(16), spanId: "ef".repeat(8), somethingNew: [1] });
    expect(json).toEqual(decodeProtobufLogs(binary)[0]?.scopes[0]?.records[0]);
  });

  it("takes a severity by name, and absent fields", () => {
    expect(decode({ severityNumber: "SEVERITY_NUMBER_WARN2" })).toMatchObject({ severity: 14, traceId: "", body: null, attributes: [] });
  });

  it.each([
    ["a record", 7, "logRecords[] is not an object"],
    ["a time", { timeUnixNano: -1 }, "timeUnixNano is not a count of nanoseconds"],
    ["a severity", { severityNumber: "LOUD" }, "severityNumber is neither a number nor a known name"],
    ["attributes", { attributes: {} }, "attributes is not an array"],
  ])("refuses a wrong %s and names it", (_name, fields, message) => {
    expect(() => decode(fields)).toThrow(message);
  });

  it("reads any JSON or refuses it as malformed", () => {
    fc.assert(
      fc.property(fc.json(), (json) => {
        try {
          decodeJsonLogs(Buffer.from(`{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"body":${json},"attributes":${json}}]}]}]}`));
        } catch (error) {
          expect(error).toBeInstanceOf(MalformedBody);
        }
      }),
      { numRuns: 500 },
    );
  });
});
