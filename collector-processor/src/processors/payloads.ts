import { promisify } from "node:util";
import { zstdCompress } from "node:zlib";
import { Attribute, LogEvent } from "@signalbox/otel/conventions";
import { GROUP_BYTES, ID_BYTES } from "../dialects/dialect.ts";
import { AttributeView } from "../dialects/emitter.ts";
import type { LogRecord } from "../otlp/logs.ts";
import type { Rejections } from "../pipeline.ts";
import type { PayloadDirection, PayloadRow } from "../rows.ts";
import { boundedText } from "../text.ts";
import { storedIds, storedSession } from "./attribute.ts";
import { redact } from "./redact.ts";

const compress = promisify(zstdCompress);
const ABSENT_ID = /^0*$/;

export interface PayloadLimits {
  /** Bytes of one body; of a longer one the end is not kept. */
  bytes: number;
  defaultProject: string;
}

export const isPayload = (record: LogRecord): boolean => record.eventName === LogEvent.payload;

/** Refuses records that belong to no attempt. */
export function refusePayload(record: LogRecord, rejections: Rejections): boolean {
  const reason = ABSENT_ID.test(record.traceId ?? "")
    ? "trace_id is not 16 bytes, or all zero"
    : ABSENT_ID.test(record.spanId ?? "")
      ? "span_id is not 8 bytes, or all zero"
      : directionOf(record) === undefined
        ? `${Attribute.payloadDirection} is neither sent nor received`
        : null;
  if (reason !== null) rejections.add(reason);
  return reason !== null;
}

function directionOf(record: LogRecord): PayloadDirection | undefined {
  const direction = new AttributeView(record.attributes).text(Attribute.payloadDirection);
  return direction === "sent" || direction === "received" ? direction : undefined;
}

/** Log records that `isPayload` as they are stored: redacted once more, compressed off the event loop. `project`: of the sender's key. */
export function payloadRows(records: readonly LogRecord[], project: string | null, limits: PayloadLimits): Promise<PayloadRow[]> {
  return Promise.all(records.map((record) => payloadRow(record, project, limits)));
}

async function payloadRow(record: LogRecord, project: string | null, limits: PayloadLimits): Promise<PayloadRow> {
  const attributes = new AttributeView(record.attributes);
  const whole = bodyOf(record);
  const ofProject = project ?? boundedText(attributes.text(Attribute.project) ?? limits.defaultProject, GROUP_BYTES);
  const session = attributes.text(Attribute.sessionId);
  const sessionId = session === null ? null : boundedText(session, ID_BYTES);
  // one byte a character, and back: whatever the bytes are, those that are no secret stay as they were
  const body = Buffer.from(redact(whole.subarray(0, limits.bytes).toString("latin1")), "latin1");
  return {
    session_id: storedSession(storedIds(limits.defaultProject), ofProject, sessionId, record.traceId as string),
    span_id: record.spanId as string,
    direction: directionOf(record) as PayloadDirection,
    start_time: record.time.micros,
    project: ofProject,
    bytes: attributes.count(Attribute.payloadBytes) ?? whole.length,
    is_truncated: attributes.flag(Attribute.payloadTruncated) === true || whole.length > limits.bytes,
    body: await compress(body),
  };
}

function bodyOf({ body }: LogRecord): Buffer {
  if (body instanceof Uint8Array) return Buffer.from(body.buffer, body.byteOffset, body.byteLength);
  return Buffer.from(typeof body === "string" ? body : "");
}
