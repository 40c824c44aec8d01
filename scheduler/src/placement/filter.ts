/** Why a candidate cannot take a request, in words; undefined where it can. The first reason that holds is told. */

import type { Candidate, Demand } from "./candidate.ts";

export const QUEUE_FULL = "queue full";

export function rejection(candidate: Candidate, demand: Demand): string | undefined {
  if (demand.models && !demand.models.includes(candidate.model)) return "model not in the route";
  if (demand.pools && !demand.pools.includes(candidate.pool)) return "pool not in the route";
  if (demand.silicon && !demand.silicon.includes(candidate.silicon)) return `silicon ${candidate.silicon} not in the route`;
  if (candidate.tier < demand.minTier) return `tier ${candidate.tier} below ${demand.minTier}`;
  if (demand.pricedOnly && candidate.pricing.by === "unknown") return "no price, and a budget applies";
  if (candidate.unavailable !== undefined) return candidate.unavailable;
  const promptTokens = Math.ceil(demand.promptBytes / candidate.speed.bytesPerToken);
  if (candidate.contextTokens !== undefined && promptTokens >= candidate.contextTokens) {
    return `prompt of about ${promptTokens} tokens exceeds the context of ${candidate.contextTokens}`;
  }
  if (candidate.active >= candidate.slots && candidate.queued >= candidate.queueLimit) return QUEUE_FULL;
  return undefined;
}
