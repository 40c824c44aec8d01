/** What is known of a pool's speed: a prior (configured, or measured at warm-up), corrected by every real call. */

import type { PoolSpeed } from "../placement/candidate.ts";
import { predictPrefillMs, predictTpotMs } from "../placement/estimate.ts";

export type SpeedPrior = Pick<PoolSpeed, "fixedMs" | "prefillTokensPerSecond" | "decodeMsPerToken" | "decodeMsPerTokenFull">;

/** One finished call. What was not seen is undefined. */
export interface ObservedCall {
  promptBytes: number;
  /** Of the whole prompt. */
  promptTokens: number | undefined;
  /** Not found in a cache, hence evaluated. */
  prefilledTokens: number | undefined;
  ttftMs: number | undefined;
  tpotMs: number | undefined;
  outputTokens: number | undefined;
  /** Calls in the pool when this one began, itself included. */
  active: number;
  slots: number;
  serviceMs: number;
}

export interface SpeedModel extends PoolSpeed {
  setPrior(prior: SpeedPrior): void;
  observe(call: ObservedCall): void;
}

/** Weight of one new call in the moving averages. */
const WEIGHT = 0.15;
/** A correction beyond this is a broken clock or a stalled machine, not a speed. */
const MAX_RATIO = 20;
/** English in the usual tokenizers. */
const BYTES_PER_TOKEN = 4;

export function createSpeedModel(prior: SpeedPrior): SpeedModel {
  const model = {
    ...prior,
    ttftRatio: 1,
    tpotRatio: 1,
    bytesPerToken: BYTES_PER_TOKEN,
    serviceMs: 1000,
    setPrior(next: SpeedPrior) {
      Object.assign(model, next, { ttftRatio: 1, tpotRatio: 1 });
    },
    observe(call: ObservedCall) {
      const { promptTokens, prefilledTokens, outputTokens, ttftMs, tpotMs } = call;
      if (promptTokens) model.bytesPerToken = blend(model.bytesPerToken, Math.max(0.5, call.promptBytes / promptTokens));
      if (ttftMs !== undefined && prefilledTokens !== undefined) {
        model.ttftRatio = blend(model.ttftRatio, bounded(ttftMs / predictPrefillMs(model, prefilledTokens)));
      }
      if (tpotMs !== undefined) {
        model.tpotRatio = blend(model.tpotRatio, bounded(tpotMs / predictTpotMs(model, call.active, call.slots)));
      }
      if (ttftMs === undefined && prefilledTokens !== undefined && outputTokens !== undefined) {
        // Not streamed: only the sum was seen, so both parts take its ratio.
        const predicted = predictPrefillMs(model, prefilledTokens) + outputTokens * predictTpotMs(model, call.active, call.slots);
        const ratio = bounded(call.serviceMs / predicted);
        model.ttftRatio = blend(model.ttftRatio, ratio);
        model.tpotRatio = blend(model.tpotRatio, ratio);
      }
      model.serviceMs = blend(model.serviceMs, call.serviceMs);
    },
  };
  return model;
}

const blend = (average: number, value: number) => average + WEIGHT * (value - average);
const bounded = (ratio: number) => Math.min(MAX_RATIO, Math.max(1 / MAX_RATIO, ratio));
