import { queryOptions } from "@tanstack/react-query";
import { z } from "zod";
import { paths } from "../paths.ts";
import {
  CostSource,
  Count,
  CursorParameter,
  Hex,
  limitParameter,
  NullableNanousd,
  NullableText,
  NullableUsd,
  page,
  Silicon,
  Time,
} from "./common.ts";
import { fetchJson } from "./fetch-json.ts";

const NullableCount = Count.nullable();
const Milliseconds = z.number().nullable().meta({ description: "milliseconds" });

export const Span = z
  .object({
    span_id: Hex,
    trace_id: Hex,
    parent_span_id: Hex.nullable(),
    session_id: z.string(),
    agent_id: z.string(),
    turn_id: NullableText,
    name: z.string(),
    operation: z.string(),
    kind: z.int(),
    is_call: z.boolean().meta({ description: "true on the one span of a model call that carries its tokens and cost" }),
    start_time: Time,
    duration_ns: z.string().meta({ pattern: "^[0-9]+$" }),
    agent_name: NullableText,
    tool_name: NullableText,
    task: NullableText,
    route: NullableText,
    pool: NullableText,
    silicon: Silicon,
    hardware: NullableText,
    provider: NullableText,
    model: NullableText,
    request_model: NullableText,
    tier: z.int().nullable(),
    sla_class: NullableText,
    sla_met: z.boolean().nullable(),
    decision_id: NullableText,
    key: NullableText.meta({ description: "the name of the key that the gateway took the call with" }),
    attempt: z.int().nullable(),
    input_tokens: NullableCount,
    cache_read_tokens: NullableCount,
    cache_write_tokens: NullableCount,
    output_tokens: NullableCount,
    reasoning_tokens: NullableCount,
    cost_nanousd: NullableNanousd,
    cost_usd: NullableUsd,
    cost_source: CostSource,
    baseline_nanousd: NullableNanousd,
    ttft_ms: Milliseconds,
    queue_ms: Milliseconds,
    prefill_ms: Milliseconds,
    decode_ms: Milliseconds,
    status: z.enum(["unset", "ok", "error"]),
    status_message: NullableText,
    service_name: NullableText,
    attributes: z.record(z.string(), z.unknown()).optional().meta({ description: "absent with attributes=false" }),
    events: z.array(z.unknown()).optional(),
    links: z.array(z.unknown()).optional(),
  })
  .meta({ id: "Span" });
export type Span = z.infer<typeof Span>;

export const SpanPage = page(Span);
export type SpanPage = z.infer<typeof SpanPage>;

export const SpanListParameters = z.object({
  span_id: z
    .string()
    .regex(/^[0-9a-f]{16}$/, "must be 16 lower-case hex digits")
    .optional()
    .meta({ description: "only this span" }),
  attributes: z
    .enum(["true", "false"])
    .default("true")
    .meta({ description: "false leaves attributes, events and links out: a long session is then a tenth of the size" }),
  limit: limitParameter(1000, 5000),
  cursor: CursorParameter,
});
export type SpanListParameters = z.infer<typeof SpanListParameters>;

/** One span with everything it carries. */
export const spanQuery = (id: string, spanId: string) =>
  queryOptions({
    queryKey: ["span", id, spanId],
    queryFn: async ({ signal }) => (await fetchJson(paths.api.spans(id, { span_id: spanId }), SpanPage, signal)).data[0] ?? null,
    // a stored span never changes
    staleTime: Number.POSITIVE_INFINITY,
  });
