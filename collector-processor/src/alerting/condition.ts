import { z } from "zod";

export const CONDITION_KINDS = [
  "session_cost",
  "sub_agents",
  "spend_rate",
  "error_rate",
  "sla_missed",
  "budget",
  "pool_saturation",
  "silence",
  "loop",
] as const;
export type ConditionKind = (typeof CONDITION_KINDS)[number];

/** What a rule is evaluated for, each apart. */
export const SUBJECTS = ["session", "agent", "route", "pool", "budget", "all"] as const;
export type Per = (typeof SUBJECTS)[number];

interface KindTraits {
  /** of the threshold: USD, a number of things, a share of 1, seconds */
  unit: "usd" | "count" | "share" | "seconds";
  /** looks back over a sliding window */
  window: boolean;
  /** the first is the default */
  per: readonly [Per, ...Per[]];
  /** only the scheduler knows it, and only as it is now: there is no history to preview over */
  live: boolean;
}

export const KINDS: Record<ConditionKind, KindTraits> = {
  session_cost: { unit: "usd", window: false, per: ["session"], live: false },
  sub_agents: { unit: "count", window: true, per: ["session", "agent"], live: false },
  spend_rate: { unit: "usd", window: true, per: ["all", "route", "pool", "session", "agent"], live: false },
  error_rate: { unit: "share", window: true, per: ["all", "route", "pool", "session", "agent"], live: false },
  sla_missed: { unit: "share", window: true, per: ["all", "route", "pool", "session", "agent"], live: false },
  budget: { unit: "share", window: false, per: ["budget"], live: true },
  pool_saturation: { unit: "share", window: false, per: ["pool"], live: true },
  silence: { unit: "seconds", window: false, per: ["all"], live: false },
  loop: { unit: "count", window: true, per: ["session"], live: false },
};

export const MAX_WINDOW_SECONDS = 86_400;
/** Beyond it nano-USD are no exact integers any more. */
const MAX_THRESHOLD = 1_000_000;

/** A condition holds while what it measures is more than the threshold. */
export const conditionSchema = z
  .strictObject({
    kind: z.enum(CONDITION_KINDS),
    threshold: z.number().positive().max(MAX_THRESHOLD),
    window_seconds: z.int().min(1).max(MAX_WINDOW_SECONDS).optional(),
    per: z.enum(SUBJECTS).optional(),
    /** Of error_rate and sla_missed: fewer calls in the window say nothing. */
    min_calls: z.int().min(1).max(1_000_000).default(10),
    /** Only sessions of the root agent of this name. */
    agent: z.string().min(1).max(200).optional(),
  })
  .transform(({ per, agent, window_seconds, ...given }, context) => {
    const traits = KINDS[given.kind];
    const chosen = per ?? traits.per[0];
    const refuse = (path: string, message: string) => context.addIssue({ code: "custom", path: [path], message });
    if (!traits.per.includes(chosen)) refuse("per", `${given.kind} is counted per ${traits.per.join(" or ")}`);
    if (traits.window && window_seconds === undefined) refuse("window_seconds", `${given.kind} needs a window`);
    if (traits.unit === "share" && !traits.live && given.threshold >= 1) refuse("threshold", "is a share: more than 0 and less than 1");
    if (traits.live && agent !== undefined) refuse("agent", `${given.kind} is not of an agent`);
    return { ...given, per: chosen, agent: agent ?? null, window_seconds: traits.window ? (window_seconds ?? null) : null };
  });
export type Condition = z.infer<typeof conditionSchema>;

/** Whether what it fires for is a session or an agent, and so can be stopped. */
export const isStoppable = ({ per }: Condition): boolean => per === "session" || per === "agent";
