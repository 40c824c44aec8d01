import { infiniteQueryOptions, queryOptions } from "@tanstack/react-query";
import { z } from "zod";
import { paths } from "../paths.ts";
import {
  ComparableCost,
  CostFields,
  Count,
  CursorParameter,
  limitParameter,
  Nanousd,
  NullableText,
  page,
  Silicon,
  Time,
  Tokens,
} from "./common.ts";
import { fetchJson } from "./fetch-json.ts";

export const RouteShare = z
  .object({
    route: z.string(),
    pool: z.string(),
    silicon: Silicon,
    calls: Count,
    cost_nanousd: Nanousd.nullable(),
    unknown_cost_calls: Count,
  })
  .meta({ id: "RouteShare", description: "the part of a session's calls that one route sent to one pool" });
export type RouteShare = z.infer<typeof RouteShare>;

export const SessionControl = z
  .object({
    state: z.enum(["running", "paused", "killed"]),
    reason: z.string().meta({ description: "in words; empty where none was given" }),
    source: z.string().meta({ description: "api, or budget" }),
    changed_at: Time,
  })
  .meta({ id: "SessionControl", description: "the last stop or resume of a session" });
export type SessionControl = z.infer<typeof SessionControl>;

export const Session = z
  .object({
    session_id: z.string(),
    project: z.string(),
    agent_kind: NullableText,
    agent_name: NullableText,
    channel: NullableText,
    user_id: NullableText,
    state: z.enum(["active", "idle"]).meta({ description: "active: a span arrived in the last 90 seconds" }),
    control: SessionControl.nullable().meta({ description: "null: it was never stopped" }),
    first_time: Time,
    last_time: Time,
    spans: Count,
    turns: Count,
    calls: Count,
    tool_calls: Count,
    sub_agents: Count,
    errors: Count,
    last_error: NullableText,
    last_error_time: Time.nullable(),
    ...Tokens,
    ...CostFields,
    ...ComparableCost,
    routes: z.array(RouteShare),
  })
  .meta({ id: "Session" });
export type Session = z.infer<typeof Session>;

export const SessionPage = page(Session);
export type SessionPage = z.infer<typeof SessionPage>;

export const SessionListParameters = z.object({
  q: z.string().max(200).optional().meta({ description: "part of the session id, agent name, channel, user or last error" }),
  show: z.enum(["all", "active", "errors", "unknown_cost"]).default("all"),
  sort: z.enum(["recent", "cost"]).default("recent"),
  limit: limitParameter(100, 500),
  cursor: CursorParameter,
});
export type SessionListParameters = z.infer<typeof SessionListParameters>;

type SessionFilter = Partial<Pick<SessionListParameters, "q" | "show" | "sort" | "limit">>;

export const recentSessionsQuery = (filter: SessionFilter) =>
  queryOptions({
    queryKey: ["sessions", "recent", filter],
    queryFn: ({ signal }) => fetchJson(paths.api.sessions(filter), SessionPage, signal),
  });

export const sessionPagesQuery = (filter: SessionFilter) =>
  infiniteQueryOptions({
    queryKey: ["sessions", "pages", filter],
    queryFn: ({ signal, pageParam }) => fetchJson(paths.api.sessions({ ...filter, cursor: pageParam }), SessionPage, signal),
    initialPageParam: "",
    getNextPageParam: (last: SessionPage) => last.next,
  });

export const sessionQuery = (id: string) =>
  queryOptions({ queryKey: ["session", id, "summary"], queryFn: ({ signal }) => fetchJson(paths.api.session(id), Session, signal) });
