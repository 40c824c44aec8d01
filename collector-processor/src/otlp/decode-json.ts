import { attributes, enumeration, id, list, moment, object, parseBody, text } from "./json-values.ts";
import type { Event, Link, ResourceSpans, ScopeSpans, Span } from "./traces.ts";

const KINDS = ["UNSPECIFIED", "INTERNAL", "SERVER", "CLIENT", "PRODUCER", "CONSUMER"].map((name) => `SPAN_KIND_${name}`);
const STATUSES = ["UNSET", "OK", "ERROR"].map((name) => `STATUS_CODE_${name}`);

/**
 * Decodes an ExportTraceServiceRequest in OTLP/JSON: ids in hex of either case, 64-bit integers as string or number, enums as number
 * or name, unknown fields ignored.
 * @throws MalformedBody when it is not JSON or a field has a wrong type; the message names the field.
 */
export function decodeJsonTraces(body: Buffer): ResourceSpans[] {
  return list(parseBody(body).resourceSpans, "resourceSpans").map(resourceSpans);
}

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
