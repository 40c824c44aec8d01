import { ProtobufReader } from "./protobuf-reader.ts";
import {
  bytesField,
  fields,
  finished,
  fixed64Field,
  keyValue,
  parentSpanId,
  resource,
  scope,
  spanId,
  traceId,
  varintField,
} from "./protobuf-values.ts";
import type { Attributes, Event, Link, ResourceSpans, ScopeSpans, Span } from "./traces.ts";

const RESOURCE_SPANS = bytesField(1);
const RESOURCE = bytesField(1);
const SCOPE_SPANS = bytesField(2);
const SCOPE = bytesField(1);
const SPANS = bytesField(2);
const SPAN_TRACE_ID = bytesField(1);
const SPAN_ID = bytesField(2);
const SPAN_PARENT_ID = bytesField(4);
const SPAN_NAME = bytesField(5);
const SPAN_KIND = varintField(6);
const SPAN_START = fixed64Field(7);
const SPAN_END = fixed64Field(8);
const SPAN_ATTRIBUTES = bytesField(9);
const SPAN_EVENTS = bytesField(11);
const SPAN_LINKS = bytesField(13);
const SPAN_STATUS = bytesField(15);
const EVENT_TIME = fixed64Field(1);
const EVENT_NAME = bytesField(2);
const EVENT_ATTRIBUTES = bytesField(3);
const LINK_TRACE_ID = bytesField(1);
const LINK_SPAN_ID = bytesField(2);
const LINK_ATTRIBUTES = bytesField(4);
const STATUS_MESSAGE = bytesField(2);
const STATUS_CODE = varintField(3);

/**
 * Decodes an ExportTraceServiceRequest. Unknown fields are skipped, invalid UTF-8 becomes U+FFFD, ids of a wrong length become null.
 * @throws MalformedBody when the bytes are not protobuf.
 */
export function decodeProtobufTraces(body: Buffer): ResourceSpans[] {
  const reader = new ProtobufReader(body);
  const resources: ResourceSpans[] = [];
  const end = body.length;
  while (reader.position < end) {
    const tag = reader.tag();
    if (tag === RESOURCE_SPANS) resources.push(resourceSpans(reader, reader.lengthDelimited(end)));
    else reader.skip(tag, end);
  }
  return resources;
}

/** Spans of one piece: enough that what a piece costs by itself is nothing, and few enough to die young. */
const PIECE_SPANS = 128;

/**
 * The same spans in the same order, in pieces of one scope and at most PIECE_SPANS spans, each decoded when it is asked for.
 * @throws MalformedBody while it is read, when the bytes are not protobuf.
 */
export function* decodeProtobufPieces(body: Buffer): Generator<ResourceSpans> {
  const reader = new ProtobufReader(body);
  for (const resourceEnd of fields(reader, RESOURCE_SPANS, body.length)) {
    const resourceStart = reader.position;
    // what all spans share may stand behind them
    const attributes: Attributes = [];
    for (const end of fields(reader, RESOURCE, resourceEnd)) resource(reader, end, attributes);
    reader.position = resourceStart;
    for (const scopeEnd of fields(reader, SCOPE_SPANS, resourceEnd)) {
      const scopeStart = reader.position;
      const head = { name: "", version: "" };
      for (const end of fields(reader, SCOPE, scopeEnd)) scope(reader, end, head);
      reader.position = scopeStart;
      let spans: Span[] = [];
      for (const end of fields(reader, SPANS, scopeEnd)) {
        spans.push(span(reader, end));
        if (spans.length < PIECE_SPANS) continue;
        yield { attributes, scopes: [{ ...head, spans }] };
        spans = [];
      }
      yield { attributes, scopes: [{ ...head, spans }] };
    }
  }
}

function resourceSpans(reader: ProtobufReader, end: number): ResourceSpans {
  const result: ResourceSpans = { attributes: [], scopes: [] };
  while (reader.position < end) {
    const tag = reader.tag();
    if (tag === SCOPE_SPANS) result.scopes.push(scopeSpans(reader, reader.lengthDelimited(end)));
    else if (tag === RESOURCE) resource(reader, reader.lengthDelimited(end), result.attributes);
    else reader.skip(tag, end);
  }
  return finished(reader, end, result);
}

function scopeSpans(reader: ProtobufReader, end: number): ScopeSpans {
  const result: ScopeSpans = { name: "", version: "", spans: [] };
  while (reader.position < end) {
    const tag = reader.tag();
    if (tag === SPANS) result.spans.push(span(reader, reader.lengthDelimited(end)));
    else if (tag === SCOPE) scope(reader, reader.lengthDelimited(end), result);
    else reader.skip(tag, end);
  }
  return finished(reader, end, result);
}

function span(reader: ProtobufReader, end: number): Span {
  const result: Span = {
    traceId: "",
    spanId: "",
    parentSpanId: "",
    name: "",
    kind: 0,
    startMicros: 0,
    startNanos: 0,
    endMicros: 0,
    endNanos: 0,
    statusCode: 0,
    statusMessage: "",
    attributes: [],
    events: null,
    links: null,
  };
  while (reader.position < end) {
    const tag = reader.tag();
    switch (tag) {
      case SPAN_ATTRIBUTES:
        keyValue(reader, reader.lengthDelimited(end), result.attributes, 0);
        break;
      case SPAN_TRACE_ID:
        result.traceId = traceId(reader, reader.lengthDelimited(end));
        break;
      case SPAN_ID:
        result.spanId = spanId(reader, reader.lengthDelimited(end));
        break;
      case SPAN_PARENT_ID:
        result.parentSpanId = parentSpanId(reader, reader.lengthDelimited(end));
        break;
      case SPAN_NAME:
        result.name = reader.text(reader.lengthDelimited(end));
        break;
      case SPAN_KIND:
        result.kind = reader.int32();
        break;
      case SPAN_START:
        result.startMicros = reader.nanoseconds(end);
        result.startNanos = reader.nanos;
        break;
      case SPAN_END:
        result.endMicros = reader.nanoseconds(end);
        result.endNanos = reader.nanos;
        break;
      case SPAN_EVENTS:
        result.events ??= [];
        result.events.push(event(reader, reader.lengthDelimited(end)));
        break;
      case SPAN_LINKS:
        result.links ??= [];
        result.links.push(link(reader, reader.lengthDelimited(end)));
        break;
      case SPAN_STATUS:
        status(reader, reader.lengthDelimited(end), result);
        break;
      default:
        reader.skip(tag, end);
    }
  }
  return finished(reader, end, result);
}

function status(reader: ProtobufReader, end: number, into: Span): void {
  while (reader.position < end) {
    const tag = reader.tag();
    if (tag === STATUS_CODE) into.statusCode = reader.int32();
    else if (tag === STATUS_MESSAGE) into.statusMessage = reader.text(reader.lengthDelimited(end));
    else reader.skip(tag, end);
  }
  finished(reader, end, into);
}

function event(reader: ProtobufReader, end: number): Event {
  const result: Event = { time: { micros: 0, nanos: 0 }, name: "", attributes: [] };
  while (reader.position < end) {
    const tag = reader.tag();
    if (tag === EVENT_TIME) result.time = { micros: reader.nanoseconds(end), nanos: reader.nanos };
    else if (tag === EVENT_NAME) result.name = reader.internedText(reader.lengthDelimited(end));
    else if (tag === EVENT_ATTRIBUTES) keyValue(reader, reader.lengthDelimited(end), result.attributes, 0);
    else reader.skip(tag, end);
  }
  return finished(reader, end, result);
}

function link(reader: ProtobufReader, end: number): Link {
  const result: Link = { traceId: "", spanId: "", attributes: [] };
  while (reader.position < end) {
    const tag = reader.tag();
    if (tag === LINK_TRACE_ID) result.traceId = traceId(reader, reader.lengthDelimited(end));
    else if (tag === LINK_SPAN_ID) result.spanId = spanId(reader, reader.lengthDelimited(end));
    else if (tag === LINK_ATTRIBUTES) keyValue(reader, reader.lengthDelimited(end), result.attributes, 0);
    else reader.skip(tag, end);
  }
  return finished(reader, end, result);
}
