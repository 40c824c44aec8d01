import type { SpanRow } from "../rows.ts";
import type { Message, SpanDraft } from "../span-batch.ts";
import { CopyWriter } from "./copy-writer.ts";
import { Counters } from "./counters.ts";
import { Identities } from "./identities.ts";

const DAY_MICROS = 86_400e6;
/** The buffer doubles from here. */
const FIRST_BYTES = 64 * 1024;

/** A batch as the rows that COPY takes, so that what waits in the queue is bytes, counted, and nothing of the request's objects is kept. */
export interface EncodedBatch {
  spanCount: number;
  spans: Buffer;
  /** null where no span has content */
  messages: Buffer | null;
  spanMessages: Buffer | null;
  identities: Identities;
  /** of all spans, as if none were stored yet; null where some may be, and only the database can tell */
  counters: Counters | null;
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

/** Reads the spans once, in order, and keeps none of them. */
export function encodeBatch(spans: Iterable<SpanDraft>): EncodedBatch {
  const writer = new CopyWriter(FIRST_BYTES);
  const content = new ContentWriter();
  const identities = new Identities();
  const counters = new Counters();
  const days = new Set<number>();
  let spanCount = 0;
  for (const span of spans) {
    spanCount++;
    writeSpan(writer, span.row);
    content.add(span);
    identities.add(span);
    counters.add(span.row);
    days.add(Math.floor(span.row.start_time / DAY_MICROS));
  }
  const rows = { spans: writer.take(), ...content.take() };
  const bytes = rows.spans.length + (rows.messages?.length ?? 0) + (rows.spanMessages?.length ?? 0);
  return { spanCount, ...rows, identities, counters, days, bytes };
}

/** Each message once a session, however many spans of the batch send it again. */
class ContentWriter {
  #messages: CopyWriter | null = null;
  #spanMessages: CopyWriter | null = null;
  /** by session: messages that were written, and the hashes of these, for equal ones are not always the same object */
  readonly #written = new Map<string, Set<Message | string>>();

  add({ row, messages: directions }: SpanDraft): void {
    if (directions === null) return;
    this.#messages ??= new CopyWriter(FIRST_BYTES);
    this.#spanMessages ??= new CopyWriter(FIRST_BYTES);
    const written = this.#written.get(row.session_id) ?? new Set();
    this.#written.set(row.session_id, written);
    for (const { direction, messages } of directions) {
      const spanMessages = this.#spanMessages;
      spanMessages.startRow(5);
      spanMessages.text(row.session_id);
      spanMessages.timestamp(row.start_time);
      spanMessages.hex(row.span_id);
      spanMessages.text(direction);
      spanMessages.byteaArray(messages.map((message) => message.hash));
      for (const message of messages) {
        if (written.has(message)) continue;
        const hash = message.hash.toString("latin1");
        if (!written.has(hash)) this.#message(row.session_id, message);
        written.add(message).add(hash);
      }
    }
  }

  take(): Pick<EncodedBatch, "messages" | "spanMessages"> {
    return { messages: this.#messages?.take() ?? null, spanMessages: this.#spanMessages?.take() ?? null };
  }

  #message(sessionId: string, { hash, body }: Message): void {
    const messages = this.#messages as CopyWriter;
    messages.startRow(3);
    messages.text(sessionId);
    messages.bytea(hash);
    messages.jsonb(body);
  }
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
