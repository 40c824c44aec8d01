import {
  type Attributes,
  type AttributeValue,
  DEEPER,
  type Event,
  type Id,
  KeyValueList,
  type Link,
  MAX_VALUE_DEPTH,
  MalformedBody,
  type Moment,
  type ResourceSpans,
  type ScopeSpans,
  type Span,
} from "./traces.ts";

const KINDS = ["UNSPECIFIED", "INTERNAL", "SERVER", "CLIENT", "PRODUCER", "CONSUMER"].map((name) => `SPAN_KIND_${name}`);
const STATUSES = ["UNSET", "OK", "ERROR"].map((name) => `STATUS_CODE_${name}`);
const MAX_NANOSECONDS = 2n ** 64n;

/**
 * Decodes an ExportTraceServiceRequest in OTLP/JSON: ids in hex of either case, 64-bit integers as string or number, enums as number
 * or name, unknown fields ignored.
 * @throws MalformedBody when it is not JSON or a field has a wrong type; the message names the field.
 */
export function decodeJsonTraces(body: Buffer): ResourceSpans[] {
  let parsed: unknown;
  try {
    parsed = JSON.parse(body.toString("utf8"));
  } catch (error) {
    throw new MalformedBody(`the body is not JSON: ${(error as Error).message}`);
  }
  return list(object(parsed, "the body").resourceSpans, "resourceSpans").map(resourceSpans);
}

type JsonObject = Record<string, unknown>;

function resourceSpans(value: unknown): ResourceSpans {
  const from = object(value, "resourceSpans[]");
  const resource = object(from.resource ?? {}, "resource");
  return { attributes: attributes(resource.attributes, 0), scopes: list(from.scopeSpans, "scopeSpans").map(scopeSpans) };
}

function scopeSpans(value: unknown): ScopeSpans {
  const from = object(value, "scopeSpans[]");
  const scope = object(from.scope ?? {}, "scope");
  return {
    name: text(scope.name, "scope.name"),
    version: text(scope.version, "scope.version"),
    spans: list(from.spans, "spans").map(span),
  };
}

function span(value: unknown): Span {
  const from = object(value, "spans[]");
  const status = object(from.status ?? {}, "status");
  const start = moment(from.startTimeUnixNano, "startTimeUnixNano");
  const end = moment(from.endTimeUnixNano, "endTimeUnixNano");
  return {
    traceId: id(from.traceId, 32, "traceId"),
    spanId: id(from.spanId, 16, "spanId"),
    parentSpanId: id(from.parentSpanId, 16, "parentSpanId"),
    name: text(from.name, "name"),
    kind: enumeration(from.kind, KINDS, "kind"),
    startMicros: start.micros,
    startNanos: start.nanos,
    endMicros: end.micros,
    endNanos: end.nanos,
    statusCode: enumeration(status.code, STATUSES, "status.code"),
    statusMessage: text(status.message, "status.message"),
    attributes: attributes(from.attributes, 0),
    events: from.events == null ? null : list(from.events, "events").map(event),
    links: from.links == null ? null : list(from.links, "links").map(link),
  };
}

function event(value: unknown): Event {
  const from = object(value, "events[]");
  return {
    time: moment(from.timeUnixNano, "timeUnixNano"),
    name: text(from.name, "event name"),
    attributes: attributes(from.attributes, 0),
  };
}

function link(value: unknown): Link {
  const from = object(value, "links[]");
  return {
    traceId: id(from.traceId, 32, "link traceId"),
    spanId: id(from.spanId, 16, "link spanId"),
    attributes: attributes(from.attributes, 0),
  };
}

function attributes(value: unknown, depth: number): Attributes {
  const flat: Attributes = [];
  for (const item of list(value, "attributes")) {
    const pair = object(item, "attributes[]");
    flat.push(text(pair.key, "attribute key"), anyValue(pair.value, depth));
  }
  return flat;
}

function anyValue(value: unknown, depth: number): AttributeValue {
  if (value == null) return null;
  if (depth > MAX_VALUE_DEPTH) return DEEPER;
  const from = object(value, "attribute value");
  if (from.stringValue != null) return text(from.stringValue, "stringValue");
  if (from.intValue != null) return int64(from.intValue);
  if (from.doubleValue != null) return double(from.doubleValue);
  if (from.boolValue != null) return from.boolValue === true || from.boolValue === "true";
  if (from.arrayValue != null) {
    return list(object(from.arrayValue, "arrayValue").values, "arrayValue.values").map((element) => anyValue(element, depth + 1));
  }
  if (from.kvlistValue != null) {
    const map = new KeyValueList();
    map.entries.push(...attributes(object(from.kvlistValue, "kvlistValue").values, depth + 1));
    return map;
  }
  if (from.bytesValue != null) return Buffer.from(text(from.bytesValue, "bytesValue"), "base64");
  return null;
}

function object(value: unknown, field: string): JsonObject {
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw new MalformedBody(`${field} is not an object`);
  return value as JsonObject;
}

function list(value: unknown, field: string): unknown[] {
  if (value == null) return [];
  if (!Array.isArray(value)) throw new MalformedBody(`${field} is not an array`);
  return value;
}

function text(value: unknown, field: string): string {
  if (value == null) return "";
  if (typeof value !== "string") throw new MalformedBody(`${field} is not a string`);
  return value;
}

/** A wrong length is the span's own fault and loses that span only: null, as the protobuf decoder says it. */
function id(value: unknown, digits: number, field: string): Id {
  const hex = text(value, field);
  if (hex === "") return "";
  return hex.length === digits && /^[0-9a-f]+$/i.test(hex) ? hex.toLowerCase() : null;
}

function int64(value: unknown): number | bigint {
  if (typeof value === "number" && Number.isInteger(value)) return Number.isSafeInteger(value) ? value : BigInt.asIntN(64, BigInt(value));
  if (typeof value !== "string" || !/^-?\d{1,19}$/.test(value)) throw new MalformedBody("intValue is not a 64-bit integer");
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : BigInt.asIntN(64, BigInt(value));
}

function double(value: unknown): number {
  if (typeof value === "number") return value;
  // the JSON mapping of protobuf writes what JSON has no number for as a string
  if (value === "NaN" || value === "Infinity" || value === "-Infinity") return Number(value);
  const number = typeof value === "string" && value.trim() !== "" ? Number(value) : Number.NaN;
  if (Number.isNaN(number)) throw new MalformedBody("doubleValue is not a number");
  return number;
}

function enumeration(value: unknown, names: string[], field: string): number {
  if (value == null) return 0;
  if (typeof value === "number" && Number.isInteger(value)) return value;
  const index = typeof value === "string" ? names.indexOf(value) : -1;
  if (index < 0) throw new MalformedBody(`${field} is neither a number nor a known name`);
  return index;
}

function moment(value: unknown, field: string): Moment {
  if (value == null || value === "") return { micros: 0, nanos: 0 };
  const isNumber = typeof value === "number" && Number.isInteger(value) && value >= 0;
  const digits = isNumber ? BigInt(value).toString() : value;
  if (typeof digits !== "string" || !/^\d{1,20}$/.test(digits) || (digits.length > 19 && BigInt(digits) >= MAX_NANOSECONDS)) {
    throw new MalformedBody(`${field} is not a count of nanoseconds`);
  }
  return { micros: Number(digits.slice(0, -3)), nanos: Number(digits.slice(-3)) };
}
