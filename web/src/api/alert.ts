import { infiniteQueryOptions, queryOptions } from "@tanstack/react-query";
import { z } from "zod";
import { paths } from "../paths.ts";
import { Count, CursorParameter, limitParameter, NullableText, page, Time } from "./common.ts";
import { fetchJson } from "./fetch-json.ts";

export const CONDITION_KINDS = [
  "session_cost",
  "sub_agents",
  "spend_rate",
  "error_rate",
  "sla_missed",
  "budget",
  "pool_saturation",
  "silence",
  "loop",
] as const;
export type ConditionKind = (typeof CONDITION_KINDS)[number];
export const SUBJECTS = ["session", "agent", "route", "pool", "budget", "all"] as const;
export const STOPS = ["reroute", "pause", "kill"] as const;
export type Stop = (typeof STOPS)[number];

export const Condition = z
  .object({
    kind: z.enum(CONDITION_KINDS),
    threshold: z.number().meta({ description: "fires above it: USD, a count, a share of 1 or seconds, as the kind measures" }),
    window_seconds: z.int().nullable(),
    per: z.enum(SUBJECTS),
    min_calls: z.int().meta({ description: "of rates: fewer calls in the window say nothing" }),
    agent: NullableText.meta({ description: "only sessions of the root agent of this name" }),
  })
  .meta({ id: "AlertCondition" });
export type Condition = z.infer<typeof Condition>;

export const AlertAction = z.union([z.object({ do: z.literal("notify"), channel_id: z.string() }), z.object({ do: z.enum(STOPS) })]);
export type AlertAction = z.infer<typeof AlertAction>;

export const AlertRule = z
  .object({
    rule_id: z.string(),
    name: z.string(),
    project: NullableText.meta({ description: "null: every project" }),
    condition: Condition,
    for_seconds: Count,
    actions: z.array(AlertAction),
    enabled: z.boolean(),
    muted_until: Time.nullable().meta({ description: "until then nobody is notified; stops are still made" }),
    firing: Count.meta({ description: "alerts that have not ended" }),
    last_fired: Time.nullable(),
  })
  .meta({ id: "AlertRule" });
export type AlertRule = z.infer<typeof AlertRule>;
export const AlertRulePage = page(AlertRule);
export type AlertRulePage = z.infer<typeof AlertRulePage>;

export const Delivery = z
  .object({
    action: z.enum(["notify", ...STOPS]),
    channel: NullableText.meta({ description: "the channel's name; null: it was deleted, or there is none" }),
    occasion: z.enum(["fired", "resolved"]),
    state: z.enum(["waiting", "delivered", "failed"]),
    attempts: Count,
    next_attempt: Time,
    last_error: NullableText,
    receipt: z.record(z.string(), z.unknown()).nullable().meta({ description: "what the scheduler said of a stop" }),
  })
  .meta({ id: "AlertDelivery" });
export type Delivery = z.infer<typeof Delivery>;

/** A rule that fired for one subject. */
export const Alert = z
  .object({
    alert_id: z.string(),
    rule_id: z.string(),
    rule: z.string(),
    kind: z.enum(CONDITION_KINDS),
    subject: z.string(),
    session_id: z.string().nullable(),
    time: Time.meta({ description: "when it fired" }),
    started: Time.meta({ description: "when the rule began to hold, by the clock of the spans" }),
    ended: Time.nullable(),
    state: z.enum(["firing", "resolved", "acknowledged"]),
    message: z.string(),
    muted: z.boolean(),
    deliveries: z.array(Delivery),
  })
  .meta({ id: "Alert" });
export type Alert = z.infer<typeof Alert>;
export const AlertPage = page(Alert);
export type AlertPage = z.infer<typeof AlertPage>;
export const AlertListParameters = z.object({ limit: limitParameter(100, 1000), cursor: CursorParameter });
export type AlertListParameters = z.infer<typeof AlertListParameters>;

export const CHANNEL_KINDS = ["webhook", "slack", "telegram", "pagerduty", "email"] as const;
export type ChannelKind = (typeof CHANNEL_KINDS)[number];
export const Channel = z
  .object({
    channel_id: z.string(),
    name: z.string(),
    kind: z.enum(CHANNEL_KINDS),
    summary: z.string().meta({ description: "enough to know it again: its secrets are never given back" }),
    last_error: NullableText.meta({ description: "of its latest notification; null: that was delivered, or there was none" }),
  })
  .meta({ id: "Channel" });
export type Channel = z.infer<typeof Channel>;
export const ChannelPage = page(Channel);
export type ChannelPage = z.infer<typeof ChannelPage>;

export const AlertPreview = z
  .object({
    unavailable: NullableText.meta({ description: "why there is no history to look at" }),
    count: Count.meta({ description: "how often it would have fired" }),
    alerts: z.array(
      z.object({
        subject: z.string(),
        session_id: z.string().nullable(),
        started_at: z.string(),
        ended_at: z.string().nullable(),
        value: z.number().meta({ description: "the most that was measured; nano-USD where the threshold is in USD" }),
      }),
    ),
  })
  .meta({ id: "AlertPreview", description: "when a rule would have fired: at most the latest 500" });
export type AlertPreview = z.infer<typeof AlertPreview>;

export const ALERT_PAGE_SIZE = 50;
export const alertPagesQuery = () =>
  infiniteQueryOptions({
    queryKey: ["alerts", "events"],
    queryFn: ({ signal, pageParam }) => fetchJson(paths.api.alerts({ limit: ALERT_PAGE_SIZE, cursor: pageParam }), AlertPage, signal),
    initialPageParam: "",
    getNextPageParam: (last: AlertPage) => last.next,
  });
export const alertRulesQuery = () =>
  queryOptions({ queryKey: ["alerts", "rules"], queryFn: ({ signal }) => fetchJson(paths.api.alertRules(), AlertRulePage, signal) });
export const channelsQuery = () =>
  queryOptions({ queryKey: ["alerts", "channels"], queryFn: ({ signal }) => fetchJson(paths.api.channels(), ChannelPage, signal) });
