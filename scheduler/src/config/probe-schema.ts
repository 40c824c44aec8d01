/** How it is found out whether a remote engine answers, and how fast it is, before a client's call does. Times are milliseconds. */

import { z } from "zod";
import { count, milliseconds } from "./values.ts";

const probing = z.strictObject({
  path: z
    .string()
    .regex(/^\/[\x21-\x7e]*$/, "must begin with / and hold no spaces")
    .optional()
    .describe("Asked for with GET, on the host of `base_url`; vLLM and llama-server have `/health`. Default: `/models` below `base_url`."),
  interval_ms: z
    .number()
    .min(50)
    .max(86_400_000)
    .default(10_000)
    .describe("Between two questions, give or take a fifth; a quarter of it while the engine does not answer."),
  timeout_ms: milliseconds.max(600_000).default(2_000).describe("What takes longer is no answer."),
  failures: count.default(2).describe("Questions in a row without an answer, until the pool gets no calls."),
});

export const probeSchema = z
  .union([z.literal("off"), probing])
  .optional()
  .describe("Asks the engine again and again whether it answers, never for a completion. Default: on, but off for silicon cloud.");

export const warmupSchema = z
  .boolean()
  .default(false)
  .describe(
    "Measures its rates when it starts, by three calls of some 1,700 prompt tokens and 80 of replies in all, which the session `signalbox:warm-up` pays.",
  );

export type ProbeConfig = z.infer<typeof probing>;
const DEFAULTS: ProbeConfig = probing.parse({});

/** Undefined: it is not asked. */
export function probeOf({ probe, silicon }: { probe?: "off" | ProbeConfig | undefined; silicon: string }): ProbeConfig | undefined {
  if (probe === "off") return undefined;
  return probe ?? (silicon === "cloud" ? undefined : DEFAULTS);
}
