import { z } from "zod";
import { type Notice, text } from "./notice.ts";
import { postJson, type Way } from "./post.ts";

const target = z.strictObject({
  kind: z.literal("slack"),
  /** An incoming webhook of Slack, or of what takes the same: Mattermost, Rocket.Chat. */
  url: z.url({ protocol: /^https?$/, error: "must be the address of an incoming webhook" }),
});
type Target = z.infer<typeof target>;

/** The three characters that Slack reads as markup of its own. */
const escaped = (line: string): string => line.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");

/** https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks */
export const slack = {
  target,
  summary: ({ url }: Target): string => new URL(url).host,
  deliver: ({ url }: Target, notice: Notice, way: Way): Promise<void> =>
    postJson(url, JSON.stringify({ text: escaped(text(notice)) }), {}, way),
};
