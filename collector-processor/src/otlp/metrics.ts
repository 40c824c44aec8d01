import { list, object, parseBody } from "./json-values.ts";
import { ProtobufReader } from "./protobuf-reader.ts";
import { bytesField, finished } from "./protobuf-values.ts";

const RESOURCE_METRICS = bytesField(1);
const SCOPE_METRICS = bytesField(2);
const METRICS = bytesField(2);
const DATA_POINTS = bytesField(1);
/** Metric's oneof data, field numbers as in metrics.proto. */
const KINDS = new Map([
  [bytesField(5), "gauge"],
  [bytesField(7), "sum"],
  [bytesField(9), "histogram"],
  [bytesField(10), "exponentialHistogram"],
  [bytesField(11), "summary"],
]);

/**
 * Data points of an ExportMetricsServiceRequest. Its structure is read down to the points; the points themselves are not.
 * @throws MalformedBody when the bytes are not protobuf.
 */
export function countProtobufMetrics(body: Buffer): number {
  const reader = new ProtobufReader(body);
  return countIn(reader, body.length, [RESOURCE_METRICS, SCOPE_METRICS, METRICS]);
}

/** Follows one repeated message field a level, then counts what the metrics below hold. */
function countIn(reader: ProtobufReader, end: number, [field, ...below]: number[]): number {
  let count = 0;
  while (reader.position < end) {
    const tag = reader.tag();
    if (tag !== field) reader.skip(tag, end);
    else {
      const fieldEnd = reader.lengthDelimited(end);
      count += below.length === 0 ? countOfMetric(reader, fieldEnd) : countIn(reader, fieldEnd, below);
    }
  }
  return finished(reader, end, count);
}

function countOfMetric(reader: ProtobufReader, end: number): number {
  let count = 0;
  while (reader.position < end) {
    const tag = reader.tag();
    if (KINDS.has(tag)) count += countPoints(reader, reader.lengthDelimited(end));
    else reader.skip(tag, end);
  }
  return finished(reader, end, count);
}

function countPoints(reader: ProtobufReader, end: number): number {
  let count = 0;
  while (reader.position < end) {
    const tag = reader.tag();
    reader.skip(tag, end);
    if (tag === DATA_POINTS) count++;
  }
  return finished(reader, end, count);
}

/**
 * The same of OTLP/JSON.
 * @throws MalformedBody when it is not JSON or has another shape; the message names the field.
 */
export function countJsonMetrics(body: Buffer): number {
  let count = 0;
  for (const resource of list(parseBody(body).resourceMetrics, "resourceMetrics")) {
    for (const scope of list(object(resource, "resourceMetrics[]").scopeMetrics, "scopeMetrics")) {
      for (const item of list(object(scope, "scopeMetrics[]").metrics, "metrics")) {
        const metric = object(item, "metrics[]");
        for (const kind of KINDS.values()) count += list(object(metric[kind] ?? {}, kind).dataPoints, "dataPoints").length;
      }
    }
  }
  return count;
}
