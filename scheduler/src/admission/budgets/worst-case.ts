/** The most that a call can cost on a candidate: what is set aside before it is dispatched. */

import { costNanousd, type TokenPrice, usdToNanousd } from "@signalbox/otel/prices";
import { MAX_TOKEN_COUNT } from "../../dialects/token-count.ts";
import type { Candidate } from "../../placement/candidate.ts";
import { predictPrefillMs } from "../../placement/estimate.ts";

export interface CallSize {
  promptBytes: number;
  mostBlobTokens: number;
  maxTokens: number | undefined;
  /** `n`: replies asked for at once. */
  choices: number;
}

/** English in the usual tokenizers has 4 bytes a token, code 3, CJK and base64 about 2; a pool that was seen to need fewer counts. */
const LEAST_BYTES_PER_TOKEN = 2;
/** The chat template around the messages. */
const TEMPLATE_TOKENS = 64;
/** Taken where neither the request, nor the config, nor the context names a ceiling. */
const UNKNOWN_CEILING_TOKENS = 32_768;
/** Time is predicted, not bounded: this many times what a full pool would take. */
const TIME_MARGIN = 2;
/** Of what is beyond counting: more than any budget holds. */
const BEYOND_NANOUSD = Number.MAX_SAFE_INTEGER;

/** @returns nano-USD; undefined where the candidate has no price */
export function worstCase(candidate: Candidate, { promptBytes, mostBlobTokens, maxTokens, choices }: CallSize): number | undefined {
  const { pricing, speed } = candidate;
  const text = Math.ceil(promptBytes / Math.min(LEAST_BYTES_PER_TOKEN, speed.bytesPerToken));
  const input = text + mostBlobTokens + TEMPLATE_TOKENS;
  const output = Math.min(MAX_TOKEN_COUNT, Math.ceil(choices * ceiling(candidate, maxTokens)));
  if (pricing.by === "tokens") return costNanousd(dearest(pricing.price), { input, output }) ?? BEYOND_NANOUSD;
  if (pricing.by === "unknown") return undefined;
  const ms =
    predictPrefillMs(speed, input) * Math.max(1, speed.ttftRatio) + output * speed.decodeMsPerTokenFull * Math.max(1, speed.tpotRatio);
  return Math.ceil((usdToNanousd(pricing.hourlyUsd) / 3_600_000) * ms * TIME_MARGIN);
}

function ceiling({ maxOutputTokens, contextTokens, maxTokensFloor = 0 }: Candidate, maxTokens: number | undefined): number {
  const bounds = [maxTokens === undefined ? undefined : Math.max(maxTokens, maxTokensFloor), maxOutputTokens].filter(
    (bound) => bound !== undefined,
  );
  return bounds.length > 0 ? Math.min(...bounds) : (contextTokens ?? UNKNOWN_CEILING_TOKENS);
}

/** Writing to a cache can cost more than plain input, and a long call more than a short one. */
function dearest(price: TokenPrice): TokenPrice {
  const tiers = [price, ...(price.long ? [price.long] : [])];
  return {
    input: Math.max(...tiers.flatMap((tier) => [tier.input, tier.cacheWrite ?? 0, tier.cacheWrite1h ?? 0])),
    output: Math.max(...tiers.map((tier) => tier.output)),
  };
}
