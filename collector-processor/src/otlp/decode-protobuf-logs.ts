import type { LogRecord, ResourceLogs, ScopeLogs } from "./logs.ts";
import { ProtobufReader } from "./protobuf-reader.ts";
import {
  anyValue,
  bytesField,
  finished,
  fixed64Field,
  keyValue,
  resource,
  scope,
  spanId,
  traceId,
  varintField,
} from "./protobuf-values.ts";

const RESOURCE_LOGS = bytesField(1);
const RESOURCE = bytesField(1);
const SCOPE_LOGS = bytesField(2);
const SCOPE = bytesField(1);
const LOG_RECORDS = bytesField(2);
const TIME = fixed64Field(1);
const SEVERITY = varintField(2);
const BODY = bytesField(5);
const ATTRIBUTES = bytesField(6);
const TRACE_ID = bytesField(9);
const SPAN_ID = bytesField(10);
const OBSERVED_TIME = fixed64Field(11);
const EVENT_NAME = bytesField(12);

/**
 * Decodes an ExportLogsServiceRequest. Unknown fields are skipped, invalid UTF-8 becomes U+FFFD, ids of a wrong length become null.
 * @throws MalformedBody when the bytes are not protobuf.
 */
export function decodeProtobufLogs(body: Buffer): ResourceLogs[] {
  const reader = new ProtobufReader(body);
  const resources: ResourceLogs[] = [];
  const end = body.length;
  while (reader.position < end) {
    const tag = reader.tag();
    if (tag === RESOURCE_LOGS) resources.push(resourceLogs(reader, reader.lengthDelimited(end)));
    else reader.skip(tag, end);
  }
  return resources;
}

function resourceLogs(reader: ProtobufReader, end: number): ResourceLogs {
  const result: ResourceLogs = { attributes: [], scopes: [] };
  while (reader.position < end) {
    const tag = reader.tag();
    if (tag === SCOPE_LOGS) result.scopes.push(scopeLogs(reader, reader.lengthDelimited(end)));
    else if (tag === RESOURCE) resource(reader, reader.lengthDelimited(end), result.attributes);
    else reader.skip(tag, end);
  }
  return finished(reader, end, result);
}

function scopeLogs(reader: ProtobufReader, end: number): ScopeLogs {
  const scoped = { name: "", version: "" };
  const records: LogRecord[] = [];
  while (reader.position < end) {
    const tag = reader.tag();
    if (tag === LOG_RECORDS) records.push(logRecord(reader, reader.lengthDelimited(end)));
    else if (tag === SCOPE) scope(reader, reader.lengthDelimited(end), scoped);
    else reader.skip(tag, end);
  }
  return finished(reader, end, { ...scoped, records });
}

function logRecord(reader: ProtobufReader, end: number): LogRecord {
  const result: LogRecord = {
    time: { micros: 0, nanos: 0 },
    observed: { micros: 0, nanos: 0 },
    severity: 0,
    eventName: "",
    body: null,
    traceId: "",
    spanId: "",
    attributes: [],
  };
  while (reader.position < end) {
    const tag = reader.tag();
    switch (tag) {
      case ATTRIBUTES:
        keyValue(reader, reader.lengthDelimited(end), result.attributes, 0);
        break;
      case TIME:
        result.time = { micros: reader.nanoseconds(end), nanos: reader.nanos };
        break;
      case OBSERVED_TIME:
        result.observed = { micros: reader.nanoseconds(end), nanos: reader.nanos };
        break;
      case SEVERITY:
        result.severity = reader.int32();
        break;
      case BODY:
        result.body = anyValue(reader, reader.lengthDelimited(end), 0, result.body);
        break;
      case TRACE_ID:
        result.traceId = traceId(reader, reader.lengthDelimited(end));
        break;
      case SPAN_ID:
        result.spanId = spanId(reader, reader.lengthDelimited(end));
        break;
      case EVENT_NAME:
        result.eventName = reader.internedText(reader.lengthDelimited(end));
        break;
      default:
        reader.skip(tag, end);
    }
  }
  return finished(reader, end, result);
}
