import type { Attributes, AttributeValue, Event, Link, ResourceSpans, Span } from "../otlp/traces.ts";
import { ProtobufWriter } from "./protobuf-writer.ts";

/** Decoded traces as an ExportTraceServiceRequest: for what came as JSON, or was made of log records. */
export function encodeTraces(resources: ResourceSpans[]): Buffer {
  const writer = new ProtobufWriter(64 * 1024);
  for (const resource of resources) {
    const resourceSpans = writer.open(0x0a);
    const message = writer.open(0x0a);
    attributes(writer, 0x0a, resource.attributes);
    writer.close(message);
    for (const scope of resource.scopes) {
      const scopeSpans = writer.open(0x12);
      const name = writer.open(0x0a);
      writer.text(0x0a, scope.name);
      writer.text(0x12, scope.version);
      writer.close(name);
      for (const span of scope.spans) spanMessage(writer, span);
      writer.close(scopeSpans);
    }
    writer.close(resourceSpans);
  }
  return writer.take();
}

function spanMessage(writer: ProtobufWriter, span: Span): void {
  const message = writer.open(0x12);
  writer.hex(0x0a, span.traceId ?? "");
  writer.hex(0x12, span.spanId ?? "");
  if (span.parentSpanId) writer.hex(0x22, span.parentSpanId);
  writer.text(0x2a, span.name);
  writer.varint(0x30);
  writer.varint(Math.max(0, span.kind));
  writer.nanoseconds(0x39, span.startMicros, span.startNanos);
  writer.nanoseconds(0x41, span.endMicros, span.endNanos);
  attributes(writer, 0x4a, span.attributes);
  for (const event of span.events ?? []) eventMessage(writer, event);
  for (const link of span.links ?? []) linkMessage(writer, link);
  const status = writer.open(0x7a);
  if (span.statusMessage !== "") writer.text(0x12, span.statusMessage);
  writer.varint(0x18);
  writer.varint(Math.max(0, span.statusCode));
  writer.close(status);
  writer.close(message);
}

function eventMessage(writer: ProtobufWriter, event: Event): void {
  const message = writer.open(0x5a);
  writer.nanoseconds(0x09, event.time.micros, event.time.nanos);
  writer.text(0x12, event.name);
  attributes(writer, 0x1a, event.attributes);
  writer.close(message);
}

function linkMessage(writer: ProtobufWriter, link: Link): void {
  const message = writer.open(0x6a);
  writer.hex(0x0a, link.traceId ?? "");
  writer.hex(0x12, link.spanId ?? "");
  attributes(writer, 0x22, link.attributes);
  writer.close(message);
}

function attributes(writer: ProtobufWriter, tag: number, list: Attributes): void {
  for (let index = 0; index < list.length; index += 2) writer.attribute(tag, list[index] as string, list[index + 1] as AttributeValue);
}
