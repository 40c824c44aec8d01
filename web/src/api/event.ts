import { infiniteQueryOptions, queryOptions } from "@tanstack/react-query";
import { z } from "zod";
import { paths } from "../paths.ts";
import { Count, CursorParameter, Hex, limitParameter, NullableNanousd, NullableText, NullableUsd, page, Silicon, Time } from "./common.ts";
import { fetchJson } from "./fetch-json.ts";

/** What people want to see go by. Everything else (the agent's own copy of a routed call, migrations, unknown spans) is plumbing. */
export const EVENT_KINDS = ["turn", "call", "tool", "decision"] as const;
export type EventKind = (typeof EVENT_KINDS)[number];

export const FleetEvent = z
  .object({
    kind: z.enum(EVENT_KINDS),
    time: Time.meta({ description: "when it began" }),
    duration_ns: z.string(),
    session_id: z.string(),
    agent_id: z.string(),
    span_id: Hex,
    agent_name: NullableText,
    channel: NullableText,
    name: z.string(),
    tool_name: NullableText,
    task: NullableText,
    model: NullableText,
    route: NullableText,
    pool: NullableText,
    silicon: Silicon,
    hardware: NullableText,
    attempt: z.int().nullable(),
    reason: NullableText.meta({ description: "of a decision" }),
    input_tokens: Count.nullable(),
    output_tokens: Count.nullable(),
    cost_nanousd: NullableNanousd,
    cost_usd: NullableUsd,
    status: z.enum(["unset", "ok", "error"]),
    status_message: NullableText,
  })
  .meta({ id: "Event", description: "a turn, model call, tool call or routing decision that ended" });
export type FleetEvent = z.infer<typeof FleetEvent>;

export const EventPage = page(FleetEvent);
export type EventPage = z.infer<typeof EventPage>;

const Filter = z.string().max(200).optional();
export const EventListParameters = z.object({
  kind: z
    .string()
    .transform((text) => text.split(",").map((name) => name.trim()))
    .pipe(
      z.array(z.enum(EVENT_KINDS, { error: (issue) => `${JSON.stringify(issue.input)} is not one of ${EVENT_KINDS.join(", ")}` })).min(1),
    )
    .optional()
    .meta({ description: `comma-separated, of ${EVENT_KINDS.join(", ")}; default: all` }),
  agent: Filter.meta({ description: "the agent's name" }),
  channel: Filter,
  silicon: Filter,
  route: Filter,
  pool: Filter,
  errors: z.enum(["true", "false"]).default("false").meta({ description: "true: only what failed" }),
  limit: limitParameter(100, 1000),
  cursor: CursorParameter,
});
export type EventListParameters = z.infer<typeof EventListParameters>;

export interface EventFilter {
  kind?: EventKind | null;
  agent?: string | null;
  channel?: string | null;
  silicon?: string | null;
  route?: string | null;
  errors?: boolean;
}
export const EVENT_PAGE_SIZE = 200;

const parameters = ({ kind, agent, channel, silicon, route, errors }: EventFilter) => ({
  kind,
  agent,
  channel,
  silicon,
  route,
  errors: errors ? "true" : undefined,
  limit: EVENT_PAGE_SIZE,
});

/** What is on the page. It changes only when the reader asks for it. */
export const eventPagesQuery = (filter: EventFilter) =>
  infiniteQueryOptions({
    queryKey: ["events", "pages", parameters(filter)],
    queryFn: ({ signal, pageParam }) => fetchJson(paths.api.events({ ...parameters(filter), cursor: pageParam }), EventPage, signal),
    initialPageParam: "",
    getNextPageParam: (last: EventPage) => last.next,
    staleTime: Number.POSITIVE_INFINITY,
  });

/** The latest events, read anew whenever spans arrive. */
export const newestEventsQuery = (filter: EventFilter) =>
  queryOptions({
    queryKey: ["events", "newest", parameters(filter)],
    queryFn: ({ signal }) => fetchJson(paths.api.events(parameters(filter)), EventPage, signal),
  });
