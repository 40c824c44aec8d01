/** protobufjs as the oracle of both decoders, and both answers in one form, so that they can be compared. */
import { readFileSync } from "node:fs";
import protobuf from "protobufjs";
import type { ResourceLogs } from "../../collector-processor/src/otlp/logs.ts";
import {
  type Attributes,
  type AttributeValue,
  DEEPER,
  KeyValueList,
  MAX_VALUE_DEPTH,
  type Moment,
  type ResourceSpans,
} from "../../collector-processor/src/otlp/traces.ts";

export type Signal = "traces" | "logs";
type Json = Record<string, unknown>;

const schema = (file: string) => readFileSync(new URL(`../../collector-processor/src/otlp/${file}`, import.meta.url), "utf8");
const { root } = protobuf.parse(schema("trace-service.proto") + schema("logs-service.proto"));
const TYPES = { traces: root.lookupType("ExportTraceServiceRequest"), logs: root.lookupType("ExportLogsServiceRequest") };

/** What protobufjs reads; null where it refuses. */
export function oracleDecode(signal: Signal, body: Buffer): Json | null {
  try {
    const type = TYPES[signal];
    return type.toObject(type.decode(body), { longs: String, bytes: Buffer });
  } catch {
    return null;
  }
}

/** The same request in OTLP/JSON: ids in hex, bytes in base64, what JSON has no number for as text. */
export function otlpJson(request: Json): Buffer {
  const convert = (value: unknown, key: string): unknown => {
    if (Buffer.isBuffer(value)) return value.toString(/^(?:trace|span|parentSpan)Id$/.test(key) ? "hex" : "base64");
    if (Array.isArray(value)) return value.map((item) => convert(item, key));
    if (typeof value === "number" && !Number.isFinite(value)) return String(value);
    if (typeof value !== "object" || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, convert(inner, name)]));
  };
  return Buffer.from(JSON.stringify(convert(request, "")));
}

const nanos = ({ micros, nanos: rest }: Moment) => BigInt(micros) * 1000n + BigInt(rest);
const numberForm = (value: number | bigint | string) => ({ number: Object.is(value, -0) ? "0" : String(value) });

export const ourTraces = (resources: ResourceSpans[]) =>
  resources.map(({ attributes, scopes }) => [
    ourPairs(attributes),
    scopes.map(({ name, version, spans }) => [
      name,
      version,
      spans.map((span) => [
        [span.traceId, span.spanId, span.parentSpanId, span.name, span.kind, span.statusCode, span.statusMessage],
        exact({ micros: span.startMicros, nanos: span.startNanos }),
        exact({ micros: span.endMicros, nanos: span.endNanos }),
        ourPairs(span.attributes),
        (span.events ?? []).map((event) => [exact(event.time), event.name, ourPairs(event.attributes)]),
        (span.links ?? []).map((link) => [link.traceId, link.spanId, ourPairs(link.attributes)]),
      ]),
    ]),
  ]);

export const ourLogs = (resources: ResourceLogs[]) =>
  resources.map(({ attributes, scopes }) => [
    ourPairs(attributes),
    scopes.map(({ name, version, records }) => [
      name,
      version,
      records.map((record) => [
        [record.traceId, record.spanId, record.eventName, record.severity],
        exact(record.time),
        exact(record.observed),
        ourForm(record.body),
        ourPairs(record.attributes),
      ]),
    ]),
  ]);

/** Beyond the year 2255 microseconds are not exact: such times are compared no closer than that. */
function exact(moment: Moment): string {
  return Number.isSafeInteger(moment.micros) ? String(nanos(moment)) : "beyond 2255";
}

function ourPairs(attributes: Attributes): unknown[] {
  return Array.from({ length: attributes.length / 2 }, (_, index) => [
    attributes[index * 2],
    ourForm(attributes[index * 2 + 1] as AttributeValue),
  ]);
}

function ourForm(value: AttributeValue): unknown {
  if (value instanceof KeyValueList) return { map: ourPairs(value.entries) };
  if (value instanceof Uint8Array) return { bytes: Buffer.from(value).toString("hex") };
  if (Array.isArray(value)) return { list: value.map(ourForm) };
  return typeof value === "number" || typeof value === "bigint" ? numberForm(value) : value;
}

const list = (value: unknown) => (value ?? []) as Json[];
const part = (value: unknown) => (value ?? {}) as Json;
const time = (value: unknown) => (BigInt((value ?? "0") as string) / 1000n > 9_007_199_254_740_991n ? "beyond 2255" : String(value ?? "0"));
const id = (value: unknown, bytes: number) => {
  const buffer = (value ?? Buffer.alloc(0)) as Buffer;
  return buffer.length === 0 ? "" : buffer.length === bytes ? buffer.toString("hex") : null;
};
const pairs = (value: unknown, depth = 0): unknown[] =>
  list(value).map((pair) => [pair.key ?? "", form(pair.value as Json | undefined, depth)]);

function form(value: Json | null | undefined, depth: number): unknown {
  if (value == null) return null;
  if (depth > MAX_VALUE_DEPTH) return DEEPER;
  if (value.intValue !== undefined) return numberForm(value.intValue as string);
  if (value.doubleValue !== undefined) return numberForm(value.doubleValue as number);
  if (value.bytesValue !== undefined) return { bytes: (value.bytesValue as Buffer).toString("hex") };
  if (value.arrayValue !== undefined) return { list: list(part(value.arrayValue).values).map((element) => form(element, depth + 1)) };
  if (value.kvlistValue !== undefined) return { map: pairs(part(value.kvlistValue).values, depth + 1) };
  return value.stringValue ?? value.boolValue ?? null;
}

/** What we would have read of the oracle's answer. */
export function oracleForm(signal: Signal, request: Json): unknown {
  return signal === "traces" ? oracleTraces(request) : oracleLogs(request);
}

const oracleTraces = (request: Json) =>
  list(request.resourceSpans).map((resource) => [
    pairs(part(resource.resource).attributes),
    list(resource.scopeSpans).map((scope) => [
      part(scope.scope).name ?? "",
      part(scope.scope).version ?? "",
      list(scope.spans).map((span) => [
        [
          id(span.traceId, 16),
          id(span.spanId, 8),
          id(span.parentSpanId, 8),
          span.name ?? "",
          span.kind ?? 0,
          part(span.status).code ?? 0,
          part(span.status).message ?? "",
        ],
        time(span.startTimeUnixNano),
        time(span.endTimeUnixNano),
        pairs(span.attributes),
        list(span.events).map((event) => [time(event.timeUnixNano), event.name ?? "", pairs(event.attributes)]),
        list(span.links).map((link) => [id(link.traceId, 16), id(link.spanId, 8), pairs(link.attributes)]),
      ]),
    ]),
  ]);

const oracleLogs = (request: Json) =>
  list(request.resourceLogs).map((resource) => [
    pairs(part(resource.resource).attributes),
    list(resource.scopeLogs).map((scope) => [
      part(scope.scope).name ?? "",
      part(scope.scope).version ?? "",
      list(scope.logRecords).map((record) => [
        [id(record.traceId, 16), id(record.spanId, 8), record.eventName ?? "", record.severityNumber ?? 0],
        time(record.timeUnixNano),
        time(record.observedTimeUnixNano),
        form(record.body as Json | undefined, 0),
        pairs(record.attributes),
      ]),
    ]),
  ]);
