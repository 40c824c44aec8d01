import { z } from "zod";
import { email } from "./email.ts";
import type { Notice } from "./notice.ts";
import { pagerduty } from "./pagerduty.ts";
import type { Way } from "./post.ts";
import { slack } from "./slack.ts";
import { telegram } from "./telegram.ts";
import { webhook } from "./webhook.ts";

export const channelSchema = z.strictObject({
  name: z.string().trim().min(1).max(100),
  target: z.discriminatedUnion("kind", [webhook.target, slack.target, telegram.target, pagerduty.target, email.target]),
});
export type ChannelTarget = z.infer<typeof channelSchema>["target"];

interface ChannelKind {
  /** Enough of a target to know it again, and nothing that lets anybody use it. */
  summary(target: ChannelTarget): string;
  /** @throws DeliveryFailed, or another error; the message says why and names no secret */
  deliver(target: ChannelTarget, notice: Notice, way: Way): Promise<void>;
}

const KINDS = { webhook, slack, telegram, pagerduty, email };
/** Each kind takes its own target only, and is only handed that: the union's tag chose it. */
const kindOf = ({ kind }: ChannelTarget): ChannelKind => KINDS[kind] as ChannelKind;

export const summaryOf: ChannelKind["summary"] = (target) => kindOf(target).summary(target);
export const deliver: ChannelKind["deliver"] = (target, notice, way) => kindOf(target).deliver(target, notice, way);
