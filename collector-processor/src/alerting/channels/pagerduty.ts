import { z } from "zod";
import { headline, type Notice } from "./notice.ts";
import { postJson, type Way } from "./post.ts";

const target = z.strictObject({
  kind: z.literal("pagerduty"),
  routing_key: z.string().regex(/^\w{32}$/, "is the 32 characters of an Events API v2 integration"),
  /** https://events.eu.pagerduty.com for accounts of the EU region. */
  api_url: z.url({ protocol: /^https?$/ }).default("https://events.pagerduty.com"),
});
type Target = z.infer<typeof target>;

/** One event an alert, so that each is resolved by itself: https://developer.pagerduty.com/docs/send-alert-event */
export const pagerduty = {
  target,
  summary: ({ routing_key }: Target): string => `integration …${routing_key.slice(-4)}`,
  async deliver({ routing_key, api_url }: Target, notice: Notice, way: Way): Promise<void> {
    for (const alert of notice.alerts) {
      const event = {
        routing_key,
        event_action: notice.occasion === "resolved" ? "resolve" : "trigger",
        dedup_key: alert.alert_id,
        payload: {
          summary: `${headline(notice)}: ${alert.message}`.slice(0, 1024),
          source: "signalbox",
          severity: notice.occasion === "test" ? "info" : "critical",
          timestamp: alert.started_at,
          custom_details: alert,
        },
      };
      await postJson(new URL("/v2/enqueue", api_url).href, JSON.stringify(event), {}, way);
    }
  },
};
