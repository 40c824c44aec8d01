/** Decision records as spans: `schedule {model}` around one `chat {model}` per attempt, with ids and times from the record. */

import { spanName } from "@signalbox/otel/conventions";
import { putAttemptAttributes, putScheduleAttributes } from "./attributes.ts";
import type { DecisionRecord } from "./record.ts";
import type { SpanWriter } from "./span-writer.ts";

const SERVER = 2;
const CLIENT = 3;

export function writeSpans(record: DecisionRecord, spans: SpanWriter): void {
  const { traceId, spanId, parentSpanId } = record;
  for (const [index, attempt] of record.attempts.entries()) {
    const { startedAt, endedAt, error } = attempt;
    const name = spanName[record.operation](attempt.offer.model);
    spans.write({ traceId, spanId: attempt.spanId, parentSpanId: spanId, name, kind: CLIENT, startedAt, endedAt, error }, (put) =>
      putAttemptAttributes(put, record, attempt, index + 1),
    );
  }
  const { startedAt, endedAt, error } = record;
  const name = spanName.schedule(record.requestModel);
  spans.write({ traceId, spanId, parentSpanId, name, kind: SERVER, startedAt, endedAt, error }, (put) =>
    putScheduleAttributes(put, record),
  );
}
