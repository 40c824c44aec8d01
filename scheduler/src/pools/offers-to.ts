/** Offers as one call meets them: at the price of this moment, and warm where its conversation was served before. */

import { scopedId } from "../admission/scoped-id.ts";
import type { DecisionRecord } from "../telemetry/record.ts";
import type { Conversation } from "./connection.ts";
import type { Offer } from "./pool.ts";

/** Its session is the trace that it began itself: nobody goes on with it, so that it need not be looked up or remembered. */
export const isOneOff = ({ traceId, parentSpanId, identity }: Pick<DecisionRecord, "traceId" | "parentSpanId" | "identity">): boolean =>
  parentSpanId === undefined && identity.session.endsWith(traceId);

/**
 * The same offers in the same order. What differs for this call is fixed: its price stays what it was while it waits and runs.
 * @param conversation undefined where the call begins one
 * @param now milliseconds since the epoch
 */
export function offersTo(conversation: Conversation | undefined, offers: readonly Offer[], now: number): readonly Offer[] {
  if (!conversation && !offers.some(({ repriced }) => repriced)) return offers;
  return offers.map((offer) => {
    const warmPrefixTokens = conversation ? warmTokens(conversation, offer, now) : 0;
    return warmPrefixTokens === 0 && !offer.repriced ? offer : bound(offer, warmPrefixTokens);
  });
}

/** Where the engine keeps state of sessions it knows; elsewhere what was served last is all there is to go by. */
function warmTokens(conversation: Conversation, offer: Offer, now: number): number {
  const { connection, prefixes, speed } = offer.source;
  if (!connection.sessions) return prefixes?.tokensOf(conversationKey(conversation, offer.model), now) ?? 0;
  const warm = connection.sessions.warm(conversation);
  if (!warm) return 0;
  // Bringing it back takes as long as evaluating so many tokens would.
  return Math.max(0, warm.tokens - Math.round(((warm.restoreMs ?? 0) * speed.prefillTokensPerSecond) / 1000));
}

export const conversationKey = ({ project, session, agent }: Conversation, model: string): string =>
  `${scopedId(project, session)}\n${agent}\n${model}`;

/** Its load and speed stay live: they are getters of the offer below. */
function bound(offer: Offer, warmPrefixTokens: number): Offer {
  return Object.create(offer, {
    warmPrefixTokens: { value: warmPrefixTokens },
    pricing: { value: offer.pricing },
  }) as Offer;
}
