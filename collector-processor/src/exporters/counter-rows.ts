/** The rows that counters are kept in: their keys, what each counts, and what of a span that needs. */

import { SILICONS } from "@signalbox/otel/conventions";
import type { SpanRow } from "../rows.ts";
import type { Sum } from "./exact.ts";

/** What is counted of a span, and all that counting looks at. */
export const COUNTED_COLUMNS = [
  "session_id",
  "agent_id",
  "project",
  "start_time",
  "duration_ns",
  "operation",
  "is_call",
  "status",
  "status_message",
  "name",
  "tool_name",
  "route",
  "pool",
  "silicon",
  "hardware",
  "provider",
  "model",
  "sla_class",
  "sla_met",
  "task",
  "channel",
  "agent_kind",
  "user_id",
  "key_name",
  "input_tokens",
  "cache_read_tokens",
  "cache_write_tokens",
  "output_tokens",
  "reasoning_tokens",
  "cost_nusd",
  "baseline_nusd",
  "prefill_ms",
  "decode_ms",
] as const satisfies (keyof SpanRow)[];
export type CountedSpan = Pick<SpanRow, (typeof COUNTED_COLUMNS)[number]>;
/** Some span of a session began then; microseconds since 1970. */
export type SpanPlace = Pick<SpanRow, "session_id" | "start_time">;

export const CALL_COUNTERS = [
  "input_tokens",
  "cache_read_tokens",
  "cache_write_tokens",
  "output_tokens",
  "reasoning_tokens",
  "cost_nusd",
  "unknown_cost_calls",
  "baseline_nusd",
] as const;
export const AGENT_COUNTERS = ["turns", "calls", "tool_calls", "errors", ...CALL_COUNTERS] as const;
/** Calls by the silicon that served them; any other kind is in `calls` alone. */
export const SILICON_COUNTERS = SILICONS.map((silicon) => `${silicon}_calls` as const);
export const SESSION_COUNTERS = ["spans", ...AGENT_COUNTERS, ...SILICON_COUNTERS] as const;
export const SESSION_HOUR_KEY = ["session_id", "agent_id", "route", "pool", "silicon", "model"] as const;
export const SESSION_HOUR_COUNTERS = ["calls", "errors", ...CALL_COUNTERS, "duration_ns"] as const;
export const ROUTE_HOUR_KEY = [
  "project",
  "route",
  "pool",
  "silicon",
  "hardware",
  "provider",
  "model",
  "sla_class",
  "task",
  "channel",
  "agent_kind",
  "user_id",
  "key_name",
] as const;
export const ROUTE_HOUR_COUNTERS = ["calls", "errors", "sla_met", "sla_missed", ...CALL_COUNTERS, "duration_ns"] as const;

/** route_hour without who asked. */
export const PLACE_HOUR_KEY = ["project", "route", "pool", "silicon", "hardware", "provider", "model", "sla_class", "channel"] as const;
/** route_hour by who pays. */
export const PAYER_HOUR_KEY = ["project", "key_name", "user_id", "channel", "agent_kind"] as const;
/** What the hours of places and payers count beside those of routes: of calls that have both a cost and a baseline. */
export const COMPARABLE_COUNTERS = ["comparable_cost_nusd", "comparable_baseline_nusd"] as const;
export const TOOL_HOUR_KEY = ["project", "tool_name"] as const;
export const TOOL_HOUR_COUNTERS = ["calls", "errors", "duration_ns"] as const;

export type Counts<Names extends readonly string[]> = { [Name in Names[number]]: Sum };

export interface AgentCounts extends Counts<typeof SESSION_COUNTERS> {
  session_id: string;
  agent_id: string;
}
export interface SessionCounts extends Counts<typeof SESSION_COUNTERS> {
  session_id: string;
  last_error_time: number | null;
  last_error: string | null;
}
export type SessionHour = { [Name in (typeof SESSION_HOUR_KEY)[number]]: string } & { hour: number; project: string } & Counts<
    typeof SESSION_HOUR_COUNTERS
  >;
/** By minute: these add up to hours. */
export type RouteMinute = { [Name in (typeof ROUTE_HOUR_KEY)[number]]: string } & { minute: number; busy_ms: number } & Counts<
    typeof ROUTE_HOUR_COUNTERS
  > &
  Counts<typeof COMPARABLE_COUNTERS>;
export type ToolMinute = { [Name in (typeof TOOL_HOUR_KEY)[number]]: string } & { minute: number } & Counts<typeof TOOL_HOUR_COUNTERS>;
