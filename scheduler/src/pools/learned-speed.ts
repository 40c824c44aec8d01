/**
 * What calls have shown of a pool, taken out and put in again: after a restart, or where a config changes something else of the pool.
 *
 * Of the work are the usual call, the lengths of replies, bytes per token and how long a call holds its slot: they hold on any machine
 * until calls show otherwise. Of the machine are the corrections, relative to its rates: they hold where the rates are still about those.
 */

import type { PoolSpeed, UsualCall } from "../placement/candidate.ts";
import type { CorrectionState, LearningCorrection } from "../placement/correction.ts";
import { predictPrefillMs } from "../placement/predict.ts";
import type { ReplyLengths } from "../placement/reply-lengths.ts";

/** Rates as they were configured, or measured at warm-up: what calls correct. */
export type SpeedPrior = Pick<PoolSpeed, "fixedMs" | "prefillTokensPerSecond" | "decodeMsPerToken" | "decodeMsPerTokenFull">;

/** Plain values, and nothing of what any call said. */
export interface LearnedSpeed {
  bytesPerToken: number;
  serviceMs: number;
  /** Null before the first call. */
  usualCall: UsualCall | null;
  /** Tokens. See `ReplyLengths`. */
  replyLengths: number[];
  /** What the corrections are relative to. */
  prior: SpeedPrior;
  ttftRatio: number;
  tpotRatio: number;
  correction: CorrectionState;
}

/** What learns. */
export type Learning = { -readonly [Key in keyof PoolSpeed]: PoolSpeed[Key] } & {
  usualCall: UsualCall | undefined;
  readonly replyLengths: ReplyLengths;
  readonly correction: LearningCorrection;
};

export function learnedOf(model: Learning): LearnedSpeed {
  const { bytesPerToken, serviceMs, usualCall, replyLengths, ttftRatio, tpotRatio, correction } = model;
  return {
    bytesPerToken,
    serviceMs,
    usualCall: usualCall ?? null,
    replyLengths: replyLengths.state(),
    prior: priorOf(model),
    ttftRatio,
    tpotRatio,
    correction: correction.state(),
  };
}

/** The rates stay those of the model; what was learned of the machine against quite other ones is left out. */
export function restoreLearned(model: Learning, learned: LearnedSpeed): void {
  model.bytesPerToken = learned.bytesPerToken;
  model.serviceMs = learned.serviceMs;
  model.usualCall = learned.usualCall ?? undefined;
  model.replyLengths.restore(learned.replyLengths);
  if (!isSameMachine(model, learned.prior, model.usualCall)) return;
  model.ttftRatio = learned.ttftRatio;
  model.tpotRatio = learned.tpotRatio;
  model.correction.restore(learned.correction);
}

const priorOf = ({ fixedMs, prefillTokensPerSecond, decodeMsPerToken, decodeMsPerTokenFull }: SpeedPrior): SpeedPrior => ({
  fixedMs,
  prefillTokensPerSecond,
  decodeMsPerToken,
  decodeMsPerTokenFull,
});

/** A measurement of three calls is off by as much on the same machine. */
const SAME = 1.2;
/** Where none was seen yet. */
const SOME_PROMPT_TOKENS = 1000;

/** Both predict about the same of the usual call: a prefill rate alone, which a warm-up takes from the difference of two calls, would say less. */
export function isSameMachine(one: SpeedPrior, other: SpeedPrior, usualCall: UsualCall | undefined): boolean {
  const prompt = usualCall?.promptTokens ?? SOME_PROMPT_TOKENS;
  const near = (read: (prior: SpeedPrior) => number) => Math.max(read(one), read(other)) <= SAME * Math.min(read(one), read(other));
  return (
    near((prior) => predictPrefillMs(prior, prompt)) &&
    near((prior) => prior.decodeMsPerToken) &&
    near((prior) => prior.decodeMsPerTokenFull)
  );
}
