import { Attribute, LogEvent } from "@signalbox/otel/conventions";
import { redactText } from "@signalbox/otel/redact";
import type { PayloadBatch, PayloadMeta } from "./protocol.ts";

/** Bodies as an ExportLogsServiceRequest in OTLP/JSON: a log record each, named by its attempt's span, its bytes without secrets. */
export function exportRequest({ bytes, bodies }: PayloadBatch): string {
  let at = 0;
  const logRecords = bodies.map((body) => {
    const kept = Buffer.from(bytes, at, body.length);
    at += body.length;
    return logRecord(body, kept);
  });
  const resource = { attributes: [text(Attribute.serviceName, "signalbox-scheduler")] };
  return JSON.stringify({ resourceLogs: [{ resource, scopeLogs: [{ logRecords }] }] });
}

function logRecord(meta: PayloadMeta, kept: Buffer): object {
  // one byte a character, and back: whatever the bytes are, those that are no secret stay as they were
  const body = Buffer.from(redactText(kept.toString("latin1"), Number.POSITIVE_INFINITY), "latin1");
  return {
    timeUnixNano: String(BigInt(Math.round(meta.startedAt * 1000)) * 1000n),
    eventName: LogEvent.payload,
    traceId: meta.traceId,
    spanId: meta.spanId,
    body: { bytesValue: body.toString("base64") },
    attributes: [
      text(Attribute.sessionId, meta.session),
      ...(meta.project === undefined ? [] : [text(Attribute.project, meta.project)]),
      text(Attribute.payloadDirection, meta.direction),
      { key: Attribute.payloadBytes, value: { intValue: String(meta.bytes) } },
      { key: Attribute.payloadTruncated, value: { boolValue: meta.bytes > kept.length } },
    ],
  };
}

const text = (key: string, stringValue: string) => ({ key, value: { stringValue } });
