import type { SpanRow } from "../rows.ts";
import type { SpanBatch, SpanDraft } from "../span-batch.ts";
import { CopyWriter } from "./copy-writer.ts";
import { Counters } from "./counters.ts";
import { Identities } from "./identities.ts";

const DAY_MICROS = 86_400e6;
const BYTES_PER_SPAN = 900;

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

export function encodeBatch({ spans }: SpanBatch): EncodedBatch {
  const writer = new CopyWriter(spans.length * BYTES_PER_SPAN);
  const identities = new Identities();
  const counters = new Counters();
  const days = new Set<number>();
  for (const span of spans) {
    writeSpan(writer, span.row);
    identities.add(span);
    counters.add(span.row);
    days.add(Math.floor(span.row.start_time / DAY_MICROS));
  }
  const encoded = writer.take();
  const content = encodeContent(spans);
  const bytes = encoded.length + (content === null ? 0 : content.messages.length + content.spanMessages.length);
  return {
    spanCount: spans.length,
    spans: encoded,
    messages: content?.messages ?? null,
    spanMessages: content?.spanMessages ?? null,
    identities,
    counters,
    days,
    bytes,
  };
}

/** Each message once a session, however many spans of the batch send it again. */
function encodeContent(spans: SpanDraft[]): { messages: Buffer; spanMessages: Buffer } | null {
  const withContent = spans.filter((span) => span.messages !== null);
  if (withContent.length === 0) return null;
  const messages = new CopyWriter(withContent.length * 2000);
  const spanMessages = new CopyWriter(withContent.length * 300);
  const written = new Set<string>();
  for (const { row, messages: directions } of withContent) {
    for (const direction of directions ?? []) {
      spanMessages.startRow(5);
      spanMessages.text(row.session_id);
      spanMessages.timestamp(row.start_time);
      spanMessages.hex(row.span_id);
      spanMessages.text(direction.direction);
      spanMessages.byteaArray(direction.messages.map((message) => message.hash));
      for (const { hash, body } of direction.messages) {
        const key = `${hash.toString("latin1")}${row.session_id}`;
        if (written.has(key)) continue;
        written.add(key);
        messages.startRow(3);
        messages.text(row.session_id);
        messages.bytea(hash);
        messages.jsonb(body);
      }
    }
  }
  return { messages: messages.take(), spanMessages: spanMessages.take() };
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
