/** A route: when it holds, and what it allows. */

import { z } from "zod";
import { count, name, silicon, slaClass, tier } from "./values.ts";

export const routeSchema = z.strictObject({
  name,
  when: z.strictObject({
    task: z.array(name).min(1).optional(),
    sla: z.array(slaClass).min(1).optional(),
    /** Any of these in the last user message, whatever the case. */
    keywords: z.array(name).min(1).optional(),
    /** User ids; `*` stands for any characters. */
    users: z.array(name).min(1).optional(),
    prompt_tokens_below: count.optional(),
    prompt_tokens_above: z.int().min(0).optional(),
  }),
  use: z.strictObject({
    silicon: z.array(silicon).min(1).optional(),
    pools: z.array(name).min(1).optional(),
    models: z.array(name).min(1).optional(),
    min_tier: tier.optional(),
  }),
});

export type RouteConfig = z.infer<typeof routeSchema>;
