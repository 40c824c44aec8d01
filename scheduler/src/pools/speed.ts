/** What is known of a pool's speed: a prior (configured, or measured at warm-up), corrected by every real call. */

import type { SlaClass } from "@signalbox/otel/conventions";
import type { PoolSpeed, UsualCall } from "../placement/candidate.ts";
import { type Correction, type CorrectionOptions, createCorrection, type LearningCorrection } from "../placement/correction.ts";
import { predictDelayMs, predictPrefillMs, predictTpotMs } from "../placement/predict.ts";
import { createReplyLengths, type ReplyLengths } from "../placement/reply-lengths.ts";

export type SpeedPrior = Pick<PoolSpeed, "fixedMs" | "prefillTokensPerSecond" | "decodeMsPerToken" | "decodeMsPerTokenFull">;

/** One finished call. What was not seen is undefined. */
export interface ObservedCall {
  slaClass: SlaClass;
  promptBytes: number;
  /** Of the whole prompt. */
  promptTokens: number | undefined;
  /** Not found in a cache, hence evaluated. */
  prefilledTokens: number | undefined;
  ttftMs: number | undefined;
  tpotMs: number | undefined;
  outputTokens: number | undefined;
  /** Calls that held slots when this one began, and the prompt tokens that they still had to evaluate. */
  there: { active: number; prefillTokens: number };
  /** Calls that ran while this one did, itself included, averaged over its time. */
  meanBatch: number;
  slots: number;
  serviceMs: number;
}

export interface SpeedModel extends PoolSpeed {
  readonly correction: Correction;
  /** Undefined before the first call. */
  readonly usualCall: UsualCall | undefined;
  readonly replyLengths: Pick<ReplyLengths, "fewestLeft">;
  /** When `setPrior` was called last, milliseconds since the epoch; undefined: its rates are those of the config, or assumed. */
  readonly measuredAt: number | undefined;
  /** What was measured: corrections of what was assumed before are forgotten. */
  setPrior(prior: SpeedPrior): void;
  observe(call: ObservedCall): void;
}

/** Weight of one new call in the moving averages. */
const WEIGHT = 0.15;
/** The usual call changes with the work, not with the machine's mood. */
const USUAL_WEIGHT = 0.05;
/** A correction beyond this is a broken clock or a stalled machine, not a speed. */
const MAX_RATIO = 20;
/** English in the usual tokenizers. */
const BYTES_PER_TOKEN = 4;

/** @param forgetting when a correction is no longer believed; default: never */
export function createSpeedModel(prior: SpeedPrior, forgetting?: CorrectionOptions["forgetting"]): SpeedModel {
  const fresh = () => ({ ttftRatio: 1, tpotRatio: 1, correction: createCorrection(forgetting && { forgetting }) });
  const replyLengths = createReplyLengths();
  const model = {
    ...prior,
    ...fresh(),
    bytesPerToken: BYTES_PER_TOKEN,
    serviceMs: 1000,
    usualCall: undefined as UsualCall | undefined,
    measuredAt: undefined as number | undefined,
    replyLengths,
    setPrior(next: SpeedPrior) {
      Object.assign(model, next, fresh(), { measuredAt: Date.now() });
    },
    observe(call: ObservedCall) {
      const { promptTokens, prefilledTokens, outputTokens, ttftMs, tpotMs, there, meanBatch, slots, slaClass } = call;
      if (promptTokens) model.bytesPerToken = blend(model.bytesPerToken, Math.max(0.5, call.promptBytes / promptTokens));
      const correction: LearningCorrection = model.correction;
      const learnTtft = (ratio: number) => {
        model.ttftRatio = blend(model.ttftRatio, bounded(ratio));
        correction.observe("ttft", slaClass, ratio);
      };
      const learnTpot = (ratio: number) => {
        model.tpotRatio = blend(model.tpotRatio, bounded(ratio));
        correction.observe("tpot", slaClass, ratio);
      };
      const stepMs = predictTpotMs(model, meanBatch, slots, model.usualCall);
      if (tpotMs !== undefined) learnTpot(tpotMs / stepMs);
      if (prefilledTokens !== undefined) {
        const firstMs = predictPrefillMs(model, prefilledTokens) + predictDelayMs(model, there, slots);
        if (ttftMs !== undefined) learnTtft(ttftMs / firstMs);
        else if (outputTokens !== undefined) {
          // Not streamed: only the sum was seen, so both parts take its ratio.
          const ratio = call.serviceMs / (firstMs + outputTokens * stepMs);
          learnTtft(ratio);
          learnTpot(ratio);
        }
        if (outputTokens !== undefined) model.usualCall = blendCall(model.usualCall, prefilledTokens, outputTokens);
      }
      if (outputTokens !== undefined) replyLengths.observe(outputTokens);
      model.serviceMs = blend(model.serviceMs, call.serviceMs);
    },
  };
  return model;
}

const blend = (average: number, value: number, weight = WEIGHT) => average + weight * (value - average);
const blendCall = (usual: UsualCall | undefined, promptTokens: number, outputTokens: number): UsualCall => ({
  promptTokens: blend(usual?.promptTokens ?? promptTokens, promptTokens, USUAL_WEIGHT),
  outputTokens: blend(usual?.outputTokens ?? outputTokens, outputTokens, USUAL_WEIGHT),
});
const bounded = (ratio: number) => Math.min(MAX_RATIO, Math.max(1 / MAX_RATIO, ratio));
