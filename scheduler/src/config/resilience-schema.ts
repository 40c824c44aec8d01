/** How long pools are waited for, when others are asked, and which answers are not good enough. Times are milliseconds. */

import { z } from "zod";
import { BAD_ANSWERS } from "../relay/bad-answer.ts";
import { count, milliseconds } from "./values.ts";

const TTFT = "From dispatch to the first token of a stream.";
const REPLY = "From dispatch to the end of a reply that is not streamed.";
const STALL = "Between two pieces of a stream that the pool sends, and between two that the client takes.";

const waits = {
  ttft_timeout_ms: milliseconds.optional().describe(TTFT),
  reply_timeout_ms: milliseconds.optional().describe(REPLY),
  stall_timeout_ms: milliseconds.optional().describe(STALL),
};

export const timeoutsSchema = z.strictObject(waits);

const hedge = z
  .union([z.strictObject({ after_ms: z.number().min(0) }), z.strictObject({ times_predicted_ttft: z.number().positive() })])
  .describe("When a second pool is asked; the first to speak is heard.");

export const classResilience = z.strictObject({ ...waits, hedge: hedge.optional() });

export const escalateSchema = z
  .strictObject({
    on: z.array(z.enum(BAD_ANSWERS)).min(1),
    hold_bytes: count
      .max(16 << 20)
      .default(65_536)
      .describe("Of a stream; what is larger is passed on unjudged."),
  })
  .describe("A bad answer is thrown away, and one tier higher is asked. A stream is held back until it has shown that it is none.");

export const resilienceSchema = z.strictObject({
  ttft_timeout_ms: milliseconds.default(600_000).describe(TTFT),
  reply_timeout_ms: milliseconds.default(600_000).describe(REPLY),
  stall_timeout_ms: milliseconds.default(600_000).describe(STALL),
  max_attempts: count.max(8).default(3).describe("Of one request, the first included."),
  retry_budget: z
    .strictObject({
      share: z.number().min(0).max(1).default(0.2).describe("Further attempts per request."),
      per_second: z.number().min(0).default(10),
    })
    .prefault({}),
  breaker: z
    .strictObject({
      failures: count.default(3).describe("In a row, until the pool is left alone."),
      open_ms: milliseconds.default(5_000).describe("Until one call tries it again."),
    })
    .prefault({}),
  classes: z
    .strictObject({
      interactive: classResilience.optional(),
      standard: classResilience.optional(),
      background: classResilience.optional(),
    })
    .default({}),
});
