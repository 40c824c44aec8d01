import { createHash } from "node:crypto";
import { AttributeView, type Emitter } from "../dialects/emitter.ts";
import { emitterOfSource } from "../dialects/index.ts";
import type { LogRecord, ResourceLogs, ScopeLogs } from "../otlp/logs.ts";
import { type Attributes, type AttributeValue, KeyValueList, type Moment, type ResourceSpans, type Span } from "../otlp/traces.ts";
import type { Rejections } from "../pipeline.ts";
import { isPayload, refusePayload } from "./payloads.ts";

export interface LogFacts {
  resources: ResourceSpans[];
  /** Bodies of calls. */
  payloads: LogRecord[];
  /** Records whose facts the spans of the same emitter say already, or that nobody here knows. */
  ignored: number;
}

const ABSENT_ID = /^0*$/;
const SEVERITY_ERROR = 17;

/**
 * The log records that are facts of their own, as spans: which ones is each emitter's to say (dialects/). The rest of the pipeline
 * then treats them as what a client sent. A record's span id comes from the record's own fields, so the same record sent again is
 * the same row, and no record needs another to be there.
 */
export function logFacts(resources: ResourceLogs[], rejections: Rejections): LogFacts {
  const facts: LogFacts = { resources: [], payloads: [], ignored: 0 };
  for (const resource of resources) {
    const view = new AttributeView(resource.attributes);
    const service = view.text("service.name") ?? "";
    const scopes = resource.scopes.flatMap((scope) => {
      const spans = spansOf(scope, emitterOfSource({ service, scope: scope.name }), view, facts, rejections);
      return spans.length === 0 ? [] : [{ name: scope.name, version: scope.version, spans, fromLogs: true as const }];
    });
    if (scopes.length > 0) facts.resources.push({ attributes: resource.attributes, scopes });
  }
  return facts;
}

function spansOf(scope: ScopeLogs, emitter: Emitter | undefined, resource: AttributeView, facts: LogFacts, rejections: Rejections): Span[] {
  const spans: Span[] = [];
  for (const record of scope.records) {
    if (isPayload(record)) {
      if (!refusePayload(record, rejections)) facts.payloads.push(record);
    } else if (record.traceId === null) rejections.add("trace_id is not 16 bytes");
    else if (record.spanId === null) rejections.add("span_id is not 8 bytes");
    else {
      const attributes = new AttributeView(record.attributes);
      const event = attributes.text("event.name") ?? record.eventName;
      if (emitter?.takesLog?.(event, attributes, resource)) {
        const fact = spanOf(record, event, emitter, attributes);
        const further = emitter.furtherFacts?.(event, attributes) ?? [];
        spans.push(fact, ...further.map((name) => ({ ...fact, name, spanId: idWithin(fact, name) })));
      } else facts.ignored++;
    }
  }
  return spans;
}

function spanOf(record: LogRecord, event: string, emitter: Emitter, attributes: AttributeView): Span {
  const digest = digestOf(record);
  const time = record.time.micros === 0 && record.time.nanos === 0 ? record.observed : record.time;
  const hasTrace = !ABSENT_ID.test(record.traceId as string);
  return {
    traceId: hasTrace ? record.traceId : (emitter.logTrace?.(attributes) ?? digest.slice(16, 48)),
    spanId: digest.slice(0, 16),
    parentSpanId: hasTrace ? record.spanId : "",
    name: event,
    kind: 1,
    startMicros: time.micros,
    startNanos: time.nanos,
    endMicros: time.micros,
    endNanos: time.nanos,
    statusCode: record.severity >= SEVERITY_ERROR ? 2 : 0,
    statusMessage: "",
    attributes: record.attributes,
    events: null,
    links: null,
  };
}

/** Of one of several facts of a record: it has the record's own id in it, and so is the same row when that is sent again. */
const idWithin = ({ spanId }: Span, name: string): string => createHash("sha256").update(`${spanId} ${name}`).digest("hex").slice(0, 16);

/** sha-256 of all that the record says, hex. Its first 64 bits are not all zero for any record that anyone will see. */
function digestOf(record: LogRecord): string {
  const hash = createHash("sha256");
  const moment = ({ micros, nanos }: Moment) => `${micros}.${nanos}`;
  const { time, observed, severity, eventName, traceId, spanId, body, attributes } = record;
  hash.update(JSON.stringify([moment(time), moment(observed), severity, eventName, traceId, spanId, plain(body), plainAll(attributes)]));
  return hash.digest("hex");
}

/** As JSON can say it, types kept apart: the text 1 is not the number 1. */
function plain(value: AttributeValue): unknown {
  if (typeof value === "bigint") return { int: String(value) };
  if (typeof value === "number" && !Number.isFinite(value)) return { double: String(value) };
  if (value instanceof Uint8Array) return { bytes: Buffer.from(value).toString("base64") };
  if (value instanceof KeyValueList) return { map: plainAll(value.entries) };
  return Array.isArray(value) ? value.map(plain) : value;
}

const plainAll = (attributes: Attributes): unknown[] => attributes.map(plain);
