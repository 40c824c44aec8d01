import { z } from "zod";
import { type Notice, text } from "./notice.ts";
import { postJson, type Way } from "./post.ts";

const MAX_CHARACTERS = 4096;
const target = z.strictObject({
  kind: z.literal("telegram"),
  bot_token: z.string().regex(/^\d+:[\w-]+$/, "is not a bot's token, such as 123456:ABC-DEF"),
  /** A number, or @name of a public channel. */
  chat_id: z.string().regex(/^(-?\d+|@\w+)$/, "is a number, or @name"),
  /** A Bot API server of one's own. */
  api_url: z.url({ protocol: /^https?$/ }).default("https://api.telegram.org"),
});
type Target = z.infer<typeof target>;

/** https://core.telegram.org/bots/api#sendmessage */
export const telegram = {
  target,
  summary: ({ chat_id }: Target): string => `chat ${chat_id}`,
  deliver: ({ bot_token, chat_id, api_url }: Target, notice: Notice, way: Way): Promise<void> =>
    postJson(
      new URL(`/bot${bot_token}/sendMessage`, api_url).href,
      JSON.stringify({ chat_id, text: text(notice).slice(0, MAX_CHARACTERS), disable_web_page_preview: true }),
      {},
      way,
    ),
};
