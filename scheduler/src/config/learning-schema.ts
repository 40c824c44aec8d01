/** What is kept of what placement learns. */

import { z } from "zod";

export const learningSchema = z.strictObject({
  keep: z
    .enum(["on", "off"])
    .default("on")
    .describe(
      "Over restarts: how far predictions of each pool are off, its usual call, and how long replies are, by route and task. In Postgres, or in `learned.json` in the state folder where there is none. No content.",
    ),
  max_age_days: z.number().positive().max(3650).default(7).describe("What was learned longer ago is not believed any more."),
});

export type LearningConfig = z.infer<typeof learningSchema>;
