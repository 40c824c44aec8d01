/** Decision records as spans: `schedule {model}` around one `chat {model}` per attempt, with ids and times from the record. */

import { spanName } from "@signalbox/otel/conventions";
import { attemptAttributes, scheduleAttributes, sharedAttributes } from "./attributes.ts";
import { type MigrationRecord, migrationAttributes } from "./migration.ts";
import type { AttemptRecord, DecisionRecord } from "./record.ts";
import type { SpanWriter } from "./span-writer.ts";

/** What spans are made of. */
export type SpanRecord = DecisionRecord | MigrationRecord;

const INTERNAL = 1;
const SERVER = 2;
const CLIENT = 3;

export function writeSpans(record: SpanRecord, spans: SpanWriter): void {
  const { traceId, spanId, parentSpanId } = record;
  if ("kind" in record) {
    const { pool, startedAt, endedAt } = record;
    const name = spanName.migrate(pool);
    spans.write({ traceId, spanId, parentSpanId, name, kind: INTERNAL, startedAt, endedAt, error: undefined }, migrationAttributes(record));
    return;
  }
  const shared = sharedAttributes(record);
  const { attempts } = record;
  for (let index = 0; index < attempts.length; index++) {
    const attempt = attempts[index] as AttemptRecord;
    const { startedAt, endedAt, error } = attempt;
    const name = nameOf(record.operation, attempt.offer.model);
    spans.write(
      { traceId, spanId: attempt.spanId, parentSpanId: spanId, name, kind: CLIENT, startedAt, endedAt, error },
      attemptAttributes(record, attempt, index + 1),
      shared,
    );
  }
  const { startedAt, endedAt, refusal, error } = record;
  const name = nameOf("schedule", record.requestModel);
  spans.write(
    { traceId, spanId, parentSpanId, name, kind: SERVER, startedAt, endedAt, error: refusal ?? error },
    scheduleAttributes(record),
    shared,
  );
}

/** The last of each kind: mostly the next one's too. */
const lastNames = {
  chat: { model: "", name: "" },
  embeddings: { model: "", name: "" },
  schedule: { model: "", name: "" },
};

function nameOf(kind: keyof typeof lastNames, model: string): string {
  const last = lastNames[kind];
  if (last.model !== model) {
    last.model = model;
    last.name = spanName[kind](model);
  }
  return last.name;
}
