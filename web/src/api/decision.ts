import { infiniteQueryOptions, queryOptions } from "@tanstack/react-query";
import { z } from "zod";
import { paths } from "../paths.ts";
import { Count, CursorParameter, Hex, limitParameter, NullableNanousd, NullableText, NullableUsd, page, Silicon, Time } from "./common.ts";
import { fetchJson } from "./fetch-json.ts";

export const Candidate = z
  .object({
    pool: z.string(),
    model: z.string(),
    silicon: z.string(),
    rejected: z.string().optional().meta({ description: "why the pool was not eligible" }),
    ttft_ms: z.number().optional().meta({ description: "predicted" }),
    tpot_ms: z.number().optional().meta({ description: "predicted" }),
    ttft_uncorrected_ms: z.number().optional().meta({ description: "from the pool's rates alone" }),
    tpot_uncorrected_ms: z.number().optional().meta({ description: "from the pool's rates alone" }),
    warm_prefix_tokens: z.number().optional().meta({ description: "of the prompt, expected to be in the pool's cache" }),
    cost_nanousd: z.number().optional().meta({ description: "predicted" }),
    misses_sla: z
      .literal(true)
      .optional()
      .meta({ description: "eligible, and predicted to miss the class, or to make calls there miss theirs" }),
    chosen: z.literal(true).optional(),
  })
  .meta({ id: "Candidate" });
export type Candidate = z.infer<typeof Candidate>;

export const Decision = z
  .object({
    decision_id: NullableText,
    time: Time,
    session_id: z.string(),
    agent_id: z.string(),
    trace_id: Hex,
    span_id: Hex,
    request_model: NullableText,
    route: NullableText,
    pool: NullableText,
    silicon: Silicon,
    model: NullableText,
    tier: z.int().nullable(),
    task: NullableText,
    key: NullableText.meta({ description: "the name of the key that the request came with" }),
    sla_class: NullableText,
    sla_met: z.boolean().nullable(),
    reason: NullableText,
    candidates: z.array(Candidate),
    attempts: Count,
    duration_ns: z.string(),
    queue_ms: z.number().nullable(),
    ttft_ms: z.number().nullable(),
    cost_nanousd: NullableNanousd,
    cost_usd: NullableUsd,
    baseline_nanousd: NullableNanousd,
    status: z.enum(["unset", "ok", "error"]),
    status_message: NullableText,
  })
  .meta({ id: "Decision" });
export type Decision = z.infer<typeof Decision>;

export const DecisionPage = page(Decision);
export type DecisionPage = z.infer<typeof DecisionPage>;

export const DecisionListParameters = z.object({
  session: z.string().max(500).optional(),
  route: z.string().max(200).optional(),
  pool: z.string().max(200).optional(),
  show: z
    .enum(["all", "missed", "errors", "retried"])
    .default("all")
    .meta({ description: "missed: its SLA class; retried: more than one attempt" }),
  limit: limitParameter(100, 1000),
  cursor: CursorParameter,
});
export type DecisionListParameters = z.infer<typeof DecisionListParameters>;

export const sessionDecisionsQuery = (session: string) =>
  queryOptions({
    queryKey: ["session", session, "decisions"],
    queryFn: ({ signal }) => fetchJson(paths.api.decisions({ session, limit: 1000 }), DecisionPage, signal),
  });

export interface DecisionFilter {
  route?: string | null;
  pool?: string | null;
  show?: DecisionListParameters["show"];
}
export const DECISION_PAGE_SIZE = 100;

export const decisionPagesQuery = (filter: DecisionFilter) =>
  infiniteQueryOptions({
    queryKey: ["decisions", { route: filter.route ?? null, pool: filter.pool ?? null, show: filter.show ?? "all" }],
    queryFn: ({ signal, pageParam }) =>
      fetchJson(paths.api.decisions({ ...filter, limit: DECISION_PAGE_SIZE, cursor: pageParam }), DecisionPage, signal),
    initialPageParam: "",
    getNextPageParam: (last: DecisionPage) => last.next,
  });
