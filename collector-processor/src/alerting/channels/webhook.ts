import { createHmac } from "node:crypto";
import { z } from "zod";
import type { Notice } from "./notice.ts";
import { postJson, type Way } from "./post.ts";

const target = z.strictObject({
  kind: z.literal("webhook"),
  url: z.url({ protocol: /^https?$/, error: "must be an http or https address" }),
  /** Signs each body; absent: unsigned. */
  secret: z.string().min(8, "needs at least 8 characters").max(500).optional(),
});
type Target = z.infer<typeof target>;

/**
 * The notice as JSON, with `x-signalbox-delivery`, `x-signalbox-timestamp` (seconds since 1970) and, where there is a secret,
 * `x-signalbox-signature: v1=<hex HMAC-SHA-256 of "timestamp.body">`. A receiver refuses what is older than it cares for.
 */
export const webhook = {
  target,
  summary: ({ url, secret }: Target): string => `${new URL(url).host}${secret === undefined ? ", unsigned" : ", signed"}`,
  async deliver({ url, secret }: Target, notice: Notice, way: Way): Promise<void> {
    const body = JSON.stringify(notice);
    const timestamp = String(Math.floor(Date.now() / 1000));
    const headers: Record<string, string> = { "x-signalbox-delivery": notice.delivery_id, "x-signalbox-timestamp": timestamp };
    if (secret !== undefined) {
      headers["x-signalbox-signature"] = `v1=${createHmac("sha256", secret).update(`${timestamp}.${body}`).digest("hex")}`;
    }
    await postJson(url, body, headers, way);
  },
};
