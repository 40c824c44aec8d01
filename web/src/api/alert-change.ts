import { queryOptions } from "@tanstack/react-query";
import { z } from "zod";
import { paths } from "../paths.ts";
import { AlertPreview } from "./alert.ts";
import { fetchJson } from "./fetch-json.ts";

/** What is asked for goes to the collector as it is; the collector says what is wrong with it, and where. */
export const AlertRuleRequest = z.strictObject({
  name: z.string().min(1).max(200),
  project: z.string().nullable().optional(),
  condition: z.record(z.string(), z.unknown()),
  for_seconds: z.int().optional(),
  actions: z.array(z.record(z.string(), z.unknown())).optional(),
  enabled: z.boolean().optional(),
});
export type AlertRuleRequest = z.infer<typeof AlertRuleRequest>;
export const AlertPreviewRequest = z.strictObject({
  condition: z.record(z.string(), z.unknown()),
  for_seconds: z.int().optional(),
  project: z.string().nullable().optional(),
  from: z.string(),
  to: z.string(),
});
export const MuteRequest = z.strictObject({ seconds: z.int().min(0).meta({ description: "from now; 0: no longer" }) });
export const ChannelRequest = z.strictObject({ name: z.string().min(1).max(100), target: z.record(z.string(), z.unknown()) });
export const NoRequest = z.strictObject({});

export const RuleWritten = z.object({ rule_id: z.string() });
export const ChannelWritten = z.object({ channel_id: z.string() });
export const ChannelTested = z.object({ delivered: z.boolean(), error: z.string().nullable() });
export const Done = z.object({});

export const postRule = (id: string | null, rule: AlertRuleRequest) =>
  fetchJson(id === null ? paths.api.alertRules() : paths.api.alertRule(id), RuleWritten, undefined, rule);
export const postRuleAction = (id: string, action: "delete" | "mute", body: object = {}) =>
  fetchJson(paths.api.alertRule(id, action), Done, undefined, body);
export const postChannel = (channel: z.infer<typeof ChannelRequest>) => fetchJson(paths.api.channels(), ChannelWritten, undefined, channel);
export const postChannelTest = (id: string) => fetchJson(paths.api.channel(id, "test"), ChannelTested, undefined, {});
export const postChannelDelete = (id: string) => fetchJson(paths.api.channel(id, "delete"), Done, undefined, {});
export const postAcknowledge = (id: string) => fetchJson(paths.api.acknowledge(id), Done, undefined, {});

/** @param days back from the moment of asking */
export const previewQuery = (condition: object | null, forSeconds: number, days: number) =>
  queryOptions({
    queryKey: ["alert-preview", condition, forSeconds, days],
    enabled: condition !== null,
    queryFn: ({ signal }) => {
      const to = Date.now();
      const range = { from: new Date(to - days * 86_400_000).toISOString(), to: new Date(to).toISOString() };
      return fetchJson(paths.api.alertPreview(), AlertPreview, signal, { condition: condition ?? {}, for_seconds: forSeconds, ...range });
    },
    staleTime: 60_000,
  });
