import { z } from "zod";
import { type Condition, conditionSchema, isStoppable } from "./condition.ts";

export const STOPS = ["reroute", "pause", "kill"] as const;
export type Stop = (typeof STOPS)[number];

const actionSchema = z.discriminatedUnion("do", [
  z.strictObject({ do: z.literal("notify"), channel_id: z.string().min(1).max(100) }),
  z.strictObject({ do: z.enum(STOPS) }),
]);
export type Action = z.infer<typeof actionSchema>;

/** A rule as it is asked for. */
export const ruleSchema = z
  .strictObject({
    name: z.string().trim().min(1).max(200),
    /** null: every project */
    project: z.string().min(1).max(100).nullable().default(null),
    condition: conditionSchema,
    for_seconds: z.int().min(0).max(86_400).default(0),
    actions: z.array(actionSchema).max(20).default([]),
    enabled: z.boolean().default(true),
  })
  .superRefine(({ condition, actions }, context) => {
    const stop = actions.find((action) => action.do !== "notify");
    if (stop !== undefined && !isStoppable(condition)) {
      const message = `only a session or an agent can be stopped: "${stop.do}" needs a rule that counts per session or per agent`;
      context.addIssue({ code: "custom", path: ["actions"], message });
    }
  });
export type RuleRequest = z.infer<typeof ruleSchema>;

/** A row of alert_rules that is evaluated. */
export interface Rule {
  rule_id: string;
  project: string | null;
  name: string;
  condition: Condition;
  for_seconds: number;
  actions: Action[];
  version: number;
  /** nobody is to be notified now */
  muted: boolean;
}
