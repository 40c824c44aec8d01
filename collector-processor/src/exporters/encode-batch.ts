import { setImmediate as nextTurn } from "node:timers/promises";
import { IMPORT_SERVICE } from "@signalbox/otel/conventions";
import type { PayloadRow, SpanRow } from "../rows.ts";
import type { Message, SpanDraft } from "../span-batch.ts";
import { CopyWriter } from "./copy-writer.ts";
import { Counters } from "./counters.ts";
import { Identities } from "./identities.ts";

const DAY_MICROS = 86_400e6;
/** Spans that are encoded before others get their turn: about a millisecond's. */
const TURN_SPANS = 128;

/** A batch as the rows that COPY takes, so that what waits in the queue is bytes, counted, and nothing of the request's objects is kept. */
export interface EncodedBatch {
  spanCount: number;
  spans: Buffer;
  /** null where no span has content */
  messages: Buffer | null;
  /** So many bytes of `messages`, the first ones, are those that are new, as far as is known: each comes once. */
  newMessageBytes: number;
  spanMessages: Buffer | null;
  /** null where no body of a call came */
  payloads: Buffer | null;
  identities: Identities;
  /** Of all spans, as if none were stored yet; null: to be counted when they are written. */
  counters: Counters | null;
  /** Whether it is known to have come before: then only the database can tell which spans are new. */
  repeated: boolean;
  /** whether spans of history on disk are among them: these are stored beside what is known of live ones */
  imported: boolean;
  /** the days, counted from 1970, that spans start on */
  days: Set<number>;
  bytes: number;
}

/** The columns of spans, in the order that `writeSpan` writes them. */
export const SPAN_COLUMNS = [
  "start_time",
  "start_nanos",
  "kind",
  "status",
  "tier",
  "duration_ns",
  "trace_id",
  "span_id",
  "parent_span_id",
  "session_id",
  "project",
  "agent_id",
  "turn_id",
  "name",
  "operation",
  "is_call",
  "agent_kind",
  "agent_name",
  "channel",
  "user_id",
  "key_name",
  "task",
  "tool_name",
  "tool_call_id",
  "route",
  "pool",
  "silicon",
  "hardware",
  "provider",
  "model",
  "request_model",
  "sla_class",
  "sla_met",
  "decision_id",
  "attempt",
  "input_tokens",
  "cache_read_tokens",
  "cache_write_tokens",
  "output_tokens",
  "reasoning_tokens",
  "cost_nusd",
  "cost_source",
  "baseline_nusd",
  "ttft_ms",
  "queue_ms",
  "prefill_ms",
  "decode_ms",
  "status_message",
  "service_name",
  "attributes",
  "events",
  "links",
] as const;

/** There is nothing of it to store. */
export const isEmpty = ({ spanCount, payloads }: EncodedBatch): boolean => spanCount === 0 && payloads === null;

/** Whether a message is new by its hash, as far as is known. */
export type IsNew = (hash: string) => boolean;

/**
 * Reads the spans once, in order, and keeps none of them. Now and then it lets others have their turn: what Postgres and the log wait for
 * is sent while a large batch is encoded. @throws what reading the spans throws.
 */
export async function encodeBatch(
  spans: Iterable<SpanDraft>,
  payloads: readonly PayloadRow[] = [],
  isNew: IsNew = () => false,
): Promise<EncodedBatch> {
  const writers = idleWriters.pop() ?? newWriters();
  try {
    return await encodeWith(writers, spans, payloads, isNew);
  } finally {
    for (const writer of Object.values(writers)) writer.clear();
    if (idleWriters.length < MAX_IDLE_WRITERS) idleWriters.push(writers);
  }
}

const newWriters = () => ({
  spans: new CopyWriter(),
  newMessages: new CopyWriter(),
  messages: new CopyWriter(),
  spanMessages: new CopyWriter(),
});
type Writers = ReturnType<typeof newWriters>;
const idleWriters: Writers[] = [];
/** Of requests that are encoded at the same time, more are rare. */
const MAX_IDLE_WRITERS = 4;

async function encodeWith(
  writers: Writers,
  spans: Iterable<SpanDraft>,
  payloads: readonly PayloadRow[],
  isNew: IsNew,
): Promise<EncodedBatch> {
  const written: WrittenMessages = new Map();
  const identities = new Identities();
  const counters = new Counters();
  const days = new Set<number>();
  let spanCount = 0;
  let hasContent = false;
  let imported = false;
  let lastDay = Number.NaN;
  for (const span of spans) {
    spanCount++;
    imported ||= span.row.service_name === IMPORT_SERVICE;
    writeSpan(writers.spans, span.row);
    if (span.messages !== null) {
      hasContent = true;
      writeContent(writers, span.row, span.messages, written, isNew);
    }
    identities.add(span);
    counters.add(span.row);
    const day = Math.floor(span.row.start_time / DAY_MICROS);
    if (day !== lastDay) days.add(day);
    lastDay = day;
    if (spanCount % TURN_SPANS === 0) await nextTurn();
  }
  const rows = writers.spans.take();
  const newMessages = writers.newMessages.take();
  const messages = hasContent ? Buffer.concat([newMessages, writers.messages.take()]) : null;
  const spanMessages = hasContent ? writers.spanMessages.take() : null;
  const bodies = encodePayloads(payloads);
  const bytes = rows.length + (messages?.length ?? 0) + (spanMessages?.length ?? 0) + (bodies?.length ?? 0);
  const encoded = { spanCount, spans: rows, messages, newMessageBytes: newMessages.length, spanMessages, payloads: bodies };
  return { ...encoded, identities, counters, repeated: false, imported, days, bytes };
}

/** By session: the hashes of messages that were written. */
type WrittenMessages = Map<string, Set<string>>;

/** Each message once a session, however many spans of the batch send it again. */
function writeContent(
  writers: Writers,
  row: SpanRow,
  content: NonNullable<SpanDraft["messages"]>,
  writtenOf: WrittenMessages,
  isNew: IsNew,
): void {
  const written = writtenOf.get(row.session_id) ?? new Set();
  writtenOf.set(row.session_id, written);
  for (const { direction, messages } of content) {
    writeSpanMessages(writers.spanMessages, row, direction, messages);
    for (const message of messages) {
      if (written.has(message.hash)) continue;
      writeMessage(isNew(message.hash) ? writers.newMessages : writers.messages, row.session_id, message);
      written.add(message.hash);
    }
  }
}

function writeSpanMessages(writer: CopyWriter, row: SpanRow, direction: string, messages: Message[]): void {
  writer.startRow(5);
  writer.text(row.session_id);
  writer.timestamp(row.start_time);
  writer.hex(row.span_id);
  writer.text(direction);
  writer.latin1Array(messages.map((message) => message.hash));
}

function writeMessage(writer: CopyWriter, sessionId: string, { hash, body }: Message): void {
  writer.startRow(3);
  writer.text(sessionId);
  writer.latin1(hash);
  writer.jsonb(body);
}

function encodePayloads(payloads: readonly PayloadRow[]): Buffer | null {
  if (payloads.length === 0) return null;
  const writer = new CopyWriter();
  for (const payload of payloads) {
    writer.startRow(8);
    writer.text(payload.session_id);
    writer.hex(payload.span_id);
    writer.text(payload.direction);
    writer.timestamp(payload.start_time);
    writer.text(payload.project);
    writer.bigint(payload.bytes);
    writer.boolean(payload.is_truncated);
    writer.bytea(payload.body);
  }
  return writer.take();
}

function writeSpan(writer: CopyWriter, row: SpanRow): void {
  writer.startRow(SPAN_COLUMNS.length);
  writer.timestamp(row.start_time);
  writer.smallint(row.start_nanos);
  writer.smallint(row.kind);
  writer.smallint(row.status);
  writer.smallint(row.tier);
  writer.bigint(row.duration_ns);
  writer.hex(row.trace_id);
  writer.hex(row.span_id);
  writer.hex(row.parent_span_id);
  writer.text(row.session_id);
  writer.text(row.project);
  writer.text(row.agent_id);
  writer.text(row.turn_id);
  writer.text(row.name);
  writer.text(row.operation);
  writer.boolean(row.is_call);
  writer.text(row.agent_kind);
  writer.text(row.agent_name);
  writer.text(row.channel);
  writer.text(row.user_id);
  writer.text(row.key_name);
  writer.text(row.task);
  writer.text(row.tool_name);
  writer.text(row.tool_call_id);
  writer.text(row.route);
  writer.text(row.pool);
  writer.text(row.silicon);
  writer.text(row.hardware);
  writer.text(row.provider);
  writer.text(row.model);
  writer.text(row.request_model);
  writer.text(row.sla_class);
  writer.boolean(row.sla_met);
  writer.text(row.decision_id);
  writer.smallint(row.attempt);
  writer.bigint(row.input_tokens);
  writer.bigint(row.cache_read_tokens);
  writer.bigint(row.cache_write_tokens);
  writer.bigint(row.output_tokens);
  writer.bigint(row.reasoning_tokens);
  writer.bigint(row.cost_nusd);
  writer.text(row.cost_source);
  writer.bigint(row.baseline_nusd);
  writer.real(row.ttft_ms);
  writer.real(row.queue_ms);
  writer.real(row.prefill_ms);
  writer.real(row.decode_ms);
  writer.text(row.status_message);
  writer.text(row.service_name);
  writer.jsonb(row.attributes);
  writer.jsonb(row.events);
  writer.jsonb(row.links);
}
