import { infiniteQueryOptions } from "@tanstack/react-query";
import { z } from "zod";
import { paths } from "../paths.ts";
import { CursorParameter, limitParameter, page } from "./common.ts";
import { fetchJson } from "./fetch-json.ts";
import { Span } from "./span.ts";

/** What the waterfall draws of a span: a session has tens of thousands, and all that they carry is fifteen times as much. */
export const TimelineSpan = Span.pick({
  span_id: true,
  parent_span_id: true,
  name: true,
  operation: true,
  is_call: true,
  start_time: true,
  duration_ns: true,
  pool: true,
  silicon: true,
  model: true,
  attempt: true,
  cost_nanousd: true,
  queue_ms: true,
  prefill_ms: true,
  decode_ms: true,
  status: true,
}).meta({ id: "TimelineSpan", description: "a span of a session, as far as it is drawn over time" });
export type TimelineSpan = z.infer<typeof TimelineSpan>;

export const TimelinePage = page(TimelineSpan);
export type TimelinePage = z.infer<typeof TimelinePage>;

export const TimelineParameters = z.object({ limit: limitParameter(500, 5000), cursor: CursorParameter });
export type TimelineParameters = z.infer<typeof TimelineParameters>;

/** More spans than this are not loaded into one page; the page says so. */
export const MAX_SPANS_IN_PAGE = 50_000;
/** The first page is small: something is to be seen at once. */
const FIRST_SPANS = 500;
const MORE_SPANS = 5000;

/** All spans of a session in time order, page after page. */
export const timelinePagesQuery = (id: string) =>
  infiniteQueryOptions({
    queryKey: ["session", id, "timeline"],
    queryFn: ({ signal, pageParam }) =>
      fetchJson(paths.api.timeline(id, { limit: pageParam === "" ? FIRST_SPANS : MORE_SPANS, cursor: pageParam }), TimelinePage, signal),
    initialPageParam: "",
    getNextPageParam: (last: TimelinePage, pages) => (pages.length * MORE_SPANS > MAX_SPANS_IN_PAGE ? null : last.next),
  });
