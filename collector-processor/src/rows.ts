/**
 * The rows of the store, as this collector writes them: one interface a table of `migrations/`, fields named as the columns.
 *
 * Ids are lower-case hex, 128 or 64 bits. Times are microseconds since 1970 (exact below 2⁵³: until the year 2255). Counts, tokens
 * and nano-USD are integers below 2⁵³. `null` is "not said".
 */
import type { CostSource } from "@signalbox/otel/conventions";

/** Microseconds since 1970-01-01T00:00:00Z. */
export type Micros = number;

/** One span. Content (prompts, results) is in messages. */
export interface SpanRow {
  start_time: Micros;
  /** nanoseconds below the microsecond of start_time, 0..999 */
  start_nanos: number;
  /** OTLP SpanKind 0..5 */
  kind: number;
  /** OTLP StatusCode: 0 unset, 1 ok, 2 error */
  status: number;
  tier: number | null;
  duration_ns: number;
  trace_id: string;
  span_id: string;
  parent_span_id: string | null;
  session_id: string;
  project: string;
  agent_id: string;
  turn_id: string | null;
  name: string;
  operation: string;
  is_call: boolean;
  agent_kind: string | null;
  agent_name: string | null;
  channel: string | null;
  user_id: string | null;
  /** the name of the key that the gateway took the call with */
  key_name: string | null;
  task: string | null;
  tool_name: string | null;
  tool_call_id: string | null;
  route: string | null;
  pool: string | null;
  silicon: string | null;
  hardware: string | null;
  provider: string | null;
  model: string | null;
  request_model: string | null;
  sla_class: string | null;
  sla_met: boolean | null;
  decision_id: string | null;
  attempt: number | null;
  input_tokens: number | null;
  cache_read_tokens: number | null;
  cache_write_tokens: number | null;
  output_tokens: number | null;
  reasoning_tokens: number | null;
  cost_nusd: number | null;
  cost_source: CostSource | null;
  baseline_nusd: number | null;
  ttft_ms: number | null;
  queue_ms: number | null;
  prefill_ms: number | null;
  decode_ms: number | null;
  status_message: string | null;
  service_name: string | null;
  /** JSON text of an object */
  attributes: string;
  /** JSON text of SpanEvent[] */
  events: string | null;
  /** JSON text of SpanLink[] */
  links: string | null;
}

/** An element of spans.events; time is RFC 3339 with nanoseconds. */
export interface SpanEvent {
  time: string;
  name: string;
  attributes: Record<string, unknown>;
}

/** An element of spans.links. */
export interface SpanLink {
  trace_id: string;
  span_id: string;
  attributes: Record<string, unknown>;
}

/** What sessions and agents both count. */
export interface Totals {
  first_time: Micros;
  last_time: Micros;
  turns: number;
  calls: number;
  tool_calls: number;
  errors: number;
  input_tokens: number;
  cache_read_tokens: number;
  cache_write_tokens: number;
  output_tokens: number;
  reasoning_tokens: number;
  cost_nusd: number;
  unknown_cost_calls: number;
  baseline_nusd: number;
}

export interface SessionRow extends Totals {
  session_id: string;
  project: string;
  agent_kind: string | null;
  agent_name: string | null;
  channel: string | null;
  user_id: string | null;
  spans: number;
  /** calls by silicon; what is left of `calls` is of another kind, or of none that was said */
  cpu_calls: number;
  gpu_calls: number;
  npu_calls: number;
  cloud_calls: number;
  last_error_time: Micros | null;
  last_error: string | null;
}

export interface AgentRow extends Totals {
  session_id: string;
  agent_id: string;
  project: string;
  parent_agent_id: string | null;
  agent_name: string | null;
  agent_kind: string | null;
  depth: number | null;
  spawned_by_tool_call: string | null;
}

export interface SessionAliasRow {
  alias: string;
  session_id: string;
}

/** A message of the GenAI message schema, canonical JSON text in body. */
export interface MessageRow {
  session_id: string;
  /** sha-256 of body, hex */
  hash: string;
  body: string;
}

export type MessageDirection = "system" | "input" | "output";

/** The messages of one span and direction, in order. */
export interface SpanMessagesRow {
  session_id: string;
  start_time: Micros;
  span_id: string;
  direction: MessageDirection;
  hashes: string[];
}

export type PayloadDirection = "sent" | "received";

/** A body of one attempt on a pool. */
export interface PayloadRow {
  session_id: string;
  span_id: string;
  direction: PayloadDirection;
  start_time: Micros;
  project: string;
  bytes: number;
  is_truncated: boolean;
  /** zstd */
  body: Buffer;
}

/** What both hourly rollups count. */
interface HourTotals {
  slot: number;
  hour: Micros;
  project: string;
  calls: number;
  errors: number;
  input_tokens: number;
  cache_read_tokens: number;
  cache_write_tokens: number;
  output_tokens: number;
  reasoning_tokens: number;
  cost_nusd: number;
  unknown_cost_calls: number;
  baseline_nusd: number;
  duration_ns: number;
}

/** Dimensions are '' where a span does not say. */
export interface RouteHourRow extends HourTotals {
  route: string;
  pool: string;
  silicon: string;
  hardware: string;
  provider: string;
  model: string;
  sla_class: string;
  task: string;
  channel: string;
  agent_kind: string;
  user_id: string;
  key_name: string;
  sla_met: number;
  sla_missed: number;
  /** prefill and decode together, milliseconds */
  busy_ms: number;
}

/** Of the calls that have both a known cost and a baseline. */
interface ComparableTotals {
  comparable_cost_nusd: number;
  comparable_baseline_nusd: number;
}

/** route_hour without who asked. */
export interface PlaceHourRow extends Omit<RouteHourRow, "task" | "agent_kind" | "user_id" | "key_name">, ComparableTotals {}

/** route_hour by who pays. */
export interface PayerHourRow
  extends HourTotals,
    Pick<RouteHourRow, "project" | "key_name" | "user_id" | "channel" | "agent_kind">,
    ComparableTotals {}

/** Of the last hours; without what no page asks for by minute. */
type ByMinute<Row> = Omit<Row, "hour" | "sla_met" | "sla_missed" | "duration_ns" | "busy_ms"> & { minute: Micros };
export type PlaceMinuteRow = ByMinute<PlaceHourRow>;
export type PayerMinuteRow = ByMinute<PayerHourRow>;
export type ToolMinuteRow = Omit<ToolHourRow, "hour"> & { minute: Micros };

export interface ToolHourRow {
  slot: number;
  hour: Micros;
  project: string;
  tool_name: string;
  calls: number;
  errors: number;
  duration_ns: number;
}

export interface SessionHourRow extends HourTotals {
  session_id: string;
  agent_id: string;
  route: string;
  pool: string;
  silicon: string;
  model: string;
}
