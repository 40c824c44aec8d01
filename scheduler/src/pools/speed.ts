/** What is known of a pool's speed: a prior (configured, or measured at warm-up), corrected by every real call. */

import type { SlaClass } from "@signalbox/otel/conventions";
import type { PoolSpeed, UsualCall } from "../placement/candidate.ts";
import { type Correction, type CorrectionOptions, createCorrection } from "../placement/correction.ts";
import { predictDelayMs, predictPrefillMs, predictTpotMs } from "../placement/predict.ts";
import { createReplyLengths, type ReplyLengths } from "../placement/reply-lengths.ts";
import { isSameMachine, type LearnedSpeed, type Learning, learnedOf, restoreLearned, type SpeedPrior } from "./learned-speed.ts";

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
  /** Calls that it learned from, those before a restart among them. */
  readonly calls: number;
  /** When the first and the last of them ended, milliseconds since the epoch; undefined before the first. */
  readonly learnedFrom: number | undefined;
  readonly learnedUntil: number | undefined;
  /** When the last of those ended that were taken up by `restore`; undefined: none were. */
  readonly restoredFrom: number | undefined;
  /** What was measured: corrections of what was assumed before are forgotten, unless that was about the same. */
  setPrior(prior: SpeedPrior): void;
  observe(call: ObservedCall): void;
  /** What it has learned, to be kept; undefined before the first call. */
  learned(): LearnedPool | undefined;
  /** Predicts from now on as the model that gave this, as far as it was learned of the same rates. Before the first call. */
  restore(learned: LearnedPool): void;
  /** Back to the rates as they are, as if no call had been seen. */
  forget(): void;
}

/** What is kept of a pool. Times are milliseconds since the epoch. */
export interface LearnedPool extends LearnedSpeed {
  /** Null: its rates are those of the config, or assumed. */
  measuredAt: number | null;
  calls: number;
  from: number;
  until: number;
}

/** Weight of one new call in the moving averages. */
const WEIGHT = 0.15;
/** The usual call changes with the work, not with the machine's mood. */
const USUAL_WEIGHT = 0.05;
/** A correction beyond this is a broken clock or a stalled machine, not a speed. */
const MAX_RATIO = 20;
/** English in the usual tokenizers. */
const BYTES_PER_TOKEN = 4;
/** No text is outside of these: who says so counts something else. */
const LEAST_BYTES_PER_TOKEN = 0.5;
const MOST_BYTES_PER_TOKEN = 16;

/** @param forgetting when a correction is no longer believed; default: never */
export function createSpeedModel(prior: SpeedPrior, forgetting?: CorrectionOptions["forgetting"]): SpeedModel {
  const uncorrected = () => ({ ttftRatio: 1, tpotRatio: 1, correction: createCorrection(forgetting && { forgetting }) });
  const nothing = () => ({
    ...uncorrected(),
    bytesPerToken: BYTES_PER_TOKEN,
    serviceMs: 1000,
    usualCall: undefined as UsualCall | undefined,
    replyLengths: createReplyLengths(),
    calls: 0,
    learnedFrom: undefined as number | undefined,
    learnedUntil: undefined as number | undefined,
    restoredFrom: undefined as number | undefined,
  });
  const model = {
    ...prior,
    ...nothing(),
    measuredAt: undefined as number | undefined,
    setPrior(next: SpeedPrior) {
      const same = isSameMachine(model, next, model.usualCall);
      Object.assign(model, next, !same && uncorrected(), { measuredAt: Date.now() });
    },
    learned(): LearnedPool | undefined {
      const { calls, learnedFrom: from, learnedUntil: until, measuredAt = null } = model;
      if (from === undefined || until === undefined) return undefined;
      return { ...learnedOf(model), measuredAt, calls, from, until };
    },
    restore({ measuredAt, calls, from, until, ...learned }: LearnedPool) {
      if (measuredAt !== null) Object.assign(model, learned.prior, { measuredAt });
      restoreLearned(model, learned);
      Object.assign(model, { calls, learnedFrom: from, learnedUntil: until, restoredFrom: until });
    },
    forget() {
      Object.assign(model, nothing());
    },
    observe(call: ObservedCall) {
      const { promptTokens, prefilledTokens, outputTokens, ttftMs, tpotMs, there, meanBatch, slots, slaClass } = call;
      if (promptTokens) {
        const seen = Math.min(MOST_BYTES_PER_TOKEN, Math.max(LEAST_BYTES_PER_TOKEN, call.promptBytes / promptTokens));
        model.bytesPerToken = blend(model.bytesPerToken, seen);
      }
      const { correction, replyLengths } = model;
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
      model.calls++;
      model.learnedUntil = Date.now();
      model.learnedFrom ??= model.learnedUntil;
    },
  } satisfies SpeedModel & Learning;
  return model;
}

const blend = (average: number, value: number, weight = WEIGHT) => average + weight * (value - average);
/** @returns the usual call as it is after another one */
export const blendCall = (usual: UsualCall | undefined, promptTokens: number, outputTokens: number): UsualCall => ({
  promptTokens: blend(usual?.promptTokens ?? promptTokens, promptTokens, USUAL_WEIGHT),
  outputTokens: blend(usual?.outputTokens ?? outputTokens, outputTokens, USUAL_WEIGHT),
});
const bounded = (ratio: number) => Math.min(MAX_RATIO, Math.max(1 / MAX_RATIO, ratio));
