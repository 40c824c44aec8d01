import { infiniteQueryOptions } from "@tanstack/react-query";
import { z } from "zod";
import { paths } from "../paths.ts";
import { Count, CursorParameter, Hex, limitParameter, NullableNanousd, NullableText, page, Silicon, Time } from "./common.ts";
import { fetchJson } from "./fetch-json.ts";

export const STEP_KINDS = ["turn", "call", "tool"] as const;
export type StepKind = (typeof STEP_KINDS)[number];

export const Step = z
  .object({
    kind: z.enum(STEP_KINDS),
    span_id: Hex,
    agent_id: z.string(),
    agent_name: NullableText,
    start_time: Time,
    duration_ns: z.string().meta({ pattern: "^[0-9]+$" }),
    name: z.string(),
    tool_name: NullableText,
    model: NullableText,
    pool: NullableText,
    silicon: Silicon,
    attempt: z.int().nullable(),
    input_tokens: Count.nullable(),
    output_tokens: Count.nullable(),
    cost_nanousd: NullableNanousd,
    status: z.enum(["unset", "ok", "error"]),
    status_message: NullableText,
  })
  .meta({ id: "Step", description: "a turn, model call or tool call of a session" });
export type Step = z.infer<typeof Step>;

export const StepPage = page(Step);
export type StepPage = z.infer<typeof StepPage>;

export const StepListParameters = z.object({ limit: limitParameter(500, 2500), cursor: CursorParameter });
export type StepListParameters = z.infer<typeof StepListParameters>;

/** The first page is small: something is to be seen at once. */
const FIRST_STEPS = 500;
const MORE_STEPS = 2500;

/** The steps of a session, page after page. Not under the session's key: arriving spans must not read all pages anew. */
export const stepPagesQuery = (id: string) =>
  infiniteQueryOptions({
    queryKey: ["steps", id],
    queryFn: ({ signal, pageParam }) =>
      fetchJson(paths.api.steps(id, { limit: pageParam === "" ? FIRST_STEPS : MORE_STEPS, cursor: pageParam }), StepPage, signal),
    initialPageParam: "",
    getNextPageParam: (last: StepPage) => last.next,
    staleTime: Number.POSITIVE_INFINITY,
  });
