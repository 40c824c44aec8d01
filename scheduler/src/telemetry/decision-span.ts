/** Decision records to spans: `schedule {model}` around one `chat {model}` per attempt, with ids and times from the record. */

import {
  ROOT_CONTEXT,
  type SpanContext,
  SpanKind,
  SpanStatusCode,
  type TimeInput,
  TraceFlags,
  type Tracer,
  trace,
} from "@opentelemetry/api";
import type { NodeSDKConfiguration } from "@opentelemetry/sdk-node";
import { spanName } from "@signalbox/otel/conventions";
import { type AttributeValues, attemptAttributes, scheduleAttributes } from "./attributes.ts";
import type { DecisionRecord } from "./record.ts";

/** Gives out the ids that a record was decided with: the next span gets what was set last. */
export class RecordedIds implements Pick<NodeSDKConfiguration["idGenerator"], "generateTraceId" | "generateSpanId"> {
  #traceId = "";
  #spanId = "";

  next(traceId: string, spanId: string): void {
    this.#traceId = traceId;
    this.#spanId = spanId;
  }
  generateTraceId(): string {
    return this.#traceId;
  }
  generateSpanId(): string {
    return this.#spanId;
  }
}

export function emitSpans(record: DecisionRecord, tracer: Tracer, ids: RecordedIds): void {
  const { traceId, spanId, parentSpanId } = record;
  const emit = (
    id: string,
    parent: string | undefined,
    name: string,
    kind: SpanKind,
    from: number,
    to: number,
    attributes: AttributeValues,
    error: string | undefined,
  ) => {
    ids.next(traceId, id);
    const span = tracer.startSpan(name, { kind, startTime: time(from), attributes: defined(attributes) }, parentContext(traceId, parent));
    if (error !== undefined) span.setStatus({ code: SpanStatusCode.ERROR, message: error });
    span.end(time(to));
  };

  for (const [index, attempt] of record.attempts.entries()) {
    const name = spanName[record.operation](attempt.offer.model);
    const attributes = attemptAttributes(record, attempt, index + 1);
    emit(attempt.spanId, spanId, name, SpanKind.CLIENT, attempt.startedAt, attempt.endedAt, attributes, attempt.error);
  }
  const name = spanName.schedule(record.requestModel);
  emit(spanId, parentSpanId, name, SpanKind.SERVER, record.startedAt, record.endedAt, scheduleAttributes(record), record.error);
}

/** A context whose active span is the remote parent; the root context where there is none. */
function parentContext(traceId: string, spanId: string | undefined) {
  if (spanId === undefined) return ROOT_CONTEXT;
  const parent: SpanContext = { traceId, spanId, traceFlags: TraceFlags.SAMPLED, isRemote: true };
  return trace.setSpanContext(ROOT_CONTEXT, parent);
}

/** Seconds and nanoseconds: a float of milliseconds since the epoch holds a quarter of a microsecond. */
function time(ms: number): TimeInput {
  const seconds = Math.floor(ms / 1000);
  return [seconds, Math.round((ms - seconds * 1000) * 1e6)];
}

function defined(values: AttributeValues): Record<string, string | number | boolean | string[]> {
  const kept: Record<string, string | number | boolean | string[]> = {};
  for (const [name, value] of Object.entries(values)) if (value !== undefined) kept[name] = value;
  return kept;
}
