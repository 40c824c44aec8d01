/** What is kept of calls besides their numbers. */

import { z } from "zod";
import { count } from "./values.ts";

export const contentSchema = z.strictObject({
  raw: z
    .enum(["on", "off"])
    .optional()
    .describe(
      "Keep the bytes that each attempt sends and receives, without secrets, for the raw view. Default: on where the scheduler is bound to loopback, else off.",
    ),
  max_body_bytes: count
    .max(32 << 20)
    .default(4 << 20)
    .describe("Of one body; of a longer one the end is left out."),
  max_held_bytes: count.default(64 << 20).describe("In memory, until the collector has them; bodies beyond it are dropped and counted."),
});
