/** What was learned, as the text that is kept of it: numbers, and the names of routes and tasks. */

import { z } from "zod";
import { CORRECTION_WINDOW } from "../placement/correction.ts";
import { MAX_KEPT_KINDS, type OutputLengthsState } from "../placement/output-lengths.ts";
import { REPLY_WINDOW } from "../placement/reply-lengths.ts";
import type { LearnedSpeed } from "../pools/learned-speed.ts";
import type { LearnedPool } from "../pools/speed.ts";

/** Of the shapes below: what another version wrote is not read. */
export const STATE_VERSION = 1;

const positive = z.number().positive();
const tokens = z.number().nonnegative();
const seen = z.array(z.tuple([positive, z.number().nonnegative()])).max(CORRECTION_WINDOW);
const byClass = z.strictObject({ interactive: seen, standard: seen, background: seen });

const speedSchema = z.strictObject({
  bytesPerToken: positive,
  serviceMs: positive,
  usualCall: z.strictObject({ promptTokens: tokens, outputTokens: tokens }).nullable(),
  replyLengths: z.array(tokens).max(REPLY_WINDOW),
  prior: z.strictObject({
    fixedMs: z.number().nonnegative(),
    prefillTokensPerSecond: positive,
    decodeMsPerToken: z.number().nonnegative(),
    decodeMsPerTokenFull: z.number().nonnegative(),
  }),
  ttftRatio: positive,
  tpotRatio: positive,
  correction: z.strictObject({ ttft: byClass, tpot: byClass }),
});
const poolSchema = speedSchema.extend({ measuredAt: positive.nullable(), calls: z.int().positive(), from: positive, until: positive });

/** A task's name comes from clients' headers, and has no end there. */
const MAX_NAME = 200;
const name = z.string().max(MAX_NAME);
const lengthsSchema: z.ZodType<OutputLengthsState> = z.strictObject({
  all: tokens,
  kinds: z.array(z.strictObject({ route: name, task: name.nullable(), tokens })).max(MAX_KEPT_KINDS),
});

export const textOfSpeed = (learned: LearnedSpeed): string => JSON.stringify(learned);

/** @throws where it is not that */
export const speedOfText = (text: string): LearnedSpeed => speedSchema.parse(JSON.parse(text));

export const textOfPool = (learned: LearnedPool): string => JSON.stringify(learned);

/** @throws where it is not that */
export const poolOfText = (text: string): LearnedPool => poolSchema.parse(JSON.parse(text));

/** Kinds with longer names than are kept are left out: they count as all calls do. */
export function textOfLengths({ all, kinds }: OutputLengthsState): string {
  const kept = kinds.filter(({ route, task }) => route.length <= MAX_NAME && (task?.length ?? 0) <= MAX_NAME);
  return JSON.stringify({ all, kinds: kept });
}

/** @throws where it is not that */
export const lengthsOfText = (text: string): OutputLengthsState => lengthsSchema.parse(JSON.parse(text));
