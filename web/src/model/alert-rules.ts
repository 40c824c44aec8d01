import type { AlertAction, AlertRule, Condition, ConditionKind, Stop } from "../api/alert.ts";
import { formatCount, formatShare } from "./numbers.ts";
import { formatDuration } from "./time.ts";

/** How each kind of condition is said: `When any session` `costs more than` `$5` `in total`. */
interface KindWords {
  /** what it does, before the threshold */
  verb: string;
  unit: "usd" | "count" | "share" | "minutes";
  /** after the threshold */
  what: string;
  window: boolean;
  per: readonly [Condition["per"], ...Condition["per"][]];
  /** what the field holds first, in its unit */
  threshold: number;
  windowSeconds: number;
}

const CALLS = ["all", "route", "pool", "session", "agent"] as const;
export const KIND_WORDS: Record<ConditionKind, KindWords> = {
  session_cost: { verb: "costs more than", unit: "usd", what: "in total", window: false, per: ["session"], threshold: 5, windowSeconds: 0 },
  sub_agents: {
    verb: "spawns more than",
    unit: "count",
    what: "sub-agents",
    window: true,
    per: ["session", "agent"],
    threshold: 10,
    windowSeconds: 60,
  },
  loop: {
    verb: "makes the same tool call more than",
    unit: "count",
    what: "times",
    window: true,
    per: ["session"],
    threshold: 5,
    windowSeconds: 300,
  },
  spend_rate: { verb: "spends more than", unit: "usd", what: "", window: true, per: CALLS, threshold: 10, windowSeconds: 3600 },
  error_rate: { verb: "fails more than", unit: "share", what: "of calls", window: true, per: CALLS, threshold: 20, windowSeconds: 300 },
  sla_missed: {
    verb: "misses its SLA on more than",
    unit: "share",
    what: "of calls",
    window: true,
    per: CALLS,
    threshold: 20,
    windowSeconds: 900,
  },
  budget: { verb: "is used to more than", unit: "share", what: "", window: false, per: ["budget"], threshold: 80, windowSeconds: 0 },
  pool_saturation: {
    verb: "is loaded to more than",
    unit: "share",
    what: "of its slots",
    window: false,
    per: ["pool"],
    threshold: 90,
    windowSeconds: 0,
  },
  silence: {
    verb: "has been silent for more than",
    unit: "minutes",
    what: "",
    window: false,
    per: ["all"],
    threshold: 30,
    windowSeconds: 0,
  },
};

export const PER_WORDS: Record<Condition["per"], string> = {
  session: "any session",
  agent: "any agent",
  route: "any route",
  pool: "any pool",
  budget: "any budget",
  all: "the whole fleet",
};
export const STOP_WORDS: Record<Stop, string> = { reroute: "reroute it to the cheapest pool", pause: "pause it", kill: "kill it" };

export const WINDOWS = [60, 300, 900, 3600, 86_400] as const;
export const HOLDS = [0, 60, 300, 900] as const;
export const durationWords = (seconds: number): string =>
  seconds === 86_400 ? "24 h" : seconds === 60 ? "60 s" : formatDuration(seconds * 1000);

/** A rule as the builder holds it: the threshold is the text in its field, in the unit of its kind. */
export interface RuleDraft {
  kind: ConditionKind;
  per: Condition["per"];
  agent: string | null;
  threshold: string;
  windowSeconds: number;
  forSeconds: number;
  stop: Stop | null;
  channels: readonly string[];
  /** '': named by its sentence */
  name: string;
}

const UNIT_SCALE = { usd: 1, count: 1, share: 0.01, minutes: 60 } as const;

export function newDraft(kind: ConditionKind): RuleDraft {
  const words = KIND_WORDS[kind];
  return {
    kind,
    per: words.per[0],
    agent: null,
    threshold: String(words.threshold),
    windowSeconds: words.windowSeconds,
    forSeconds: 0,
    stop: null,
    channels: [],
    name: "",
  };
}

export function draftOf({ condition, for_seconds, actions, name }: AlertRule): RuleDraft {
  const draft: RuleDraft = {
    kind: condition.kind,
    per: condition.per,
    agent: condition.agent,
    threshold: String(round(condition.threshold / UNIT_SCALE[KIND_WORDS[condition.kind].unit])),
    windowSeconds: condition.window_seconds ?? KIND_WORDS[condition.kind].windowSeconds,
    forSeconds: for_seconds,
    stop: stopOf(actions),
    channels: actions.flatMap((action) => (action.do === "notify" ? action.channel_id : [])),
    name: "",
  };
  return name === sentenceOf(conditionOf(draft) ?? condition) ? draft : { ...draft, name };
}

export const stopOf = (actions: readonly AlertAction[]): Stop | null => {
  for (const action of actions) if (action.do !== "notify") return action.do;
  return null;
};

/** Only what runs can be stopped. */
export const isStoppable = ({ per }: Pick<Condition, "per">): boolean => per === "session" || per === "agent";

const round = (value: number): number => Number(value.toPrecision(9));

/** Null while the threshold is not a number above 0. */
export function conditionOf({ kind, per, agent, threshold, windowSeconds }: RuleDraft): Condition | null {
  const value = Number(threshold);
  const { unit, window } = KIND_WORDS[kind];
  if (threshold.trim() === "" || !Number.isFinite(value) || value <= 0) return null;
  return {
    kind,
    per,
    agent: per === "pool" || per === "budget" ? null : agent,
    threshold: round(value * UNIT_SCALE[unit]),
    window_seconds: window ? windowSeconds : null,
    min_calls: 10,
  };
}

/** As the collector takes it: what is not said is left out. */
export function requestOf(draft: RuleDraft, condition: Condition) {
  const { agent, window_seconds, ...rest } = condition;
  return {
    name: draft.name.trim() || sentenceOf(condition),
    condition: { ...rest, ...(agent === null ? {} : { agent }), ...(window_seconds === null ? {} : { window_seconds }) },
    for_seconds: draft.forSeconds,
    actions: [
      ...draft.channels.map((channel_id) => ({ do: "notify", channel_id })),
      ...(draft.stop !== null && isStoppable(condition) ? [{ do: draft.stop }] : []),
    ],
  };
}

/** "any session costs more than $5 in total" */
export function sentenceOf({ kind, per, agent, threshold, window_seconds }: Condition): string {
  const { verb, what, unit } = KIND_WORDS[kind];
  const who = agent === null ? PER_WORDS[per] : per === "all" ? agent : `${PER_WORDS[per]} of ${agent}`;
  const amount = {
    usd: `$${threshold.toLocaleString("en-US", { maximumFractionDigits: 6 })}`,
    count: formatCount(threshold),
    share: formatShare(threshold),
    minutes: formatDuration(threshold * 1000),
  }[unit];
  const within = window_seconds === null ? "" : `within ${durationWords(window_seconds)}`;
  return [who, verb, amount, what, within].filter(Boolean).join(" ");
}

/** How many began in each of `buckets` equal parts of the range. */
export function countByPart(times: readonly number[], from: number, to: number, buckets: number): number[] {
  const counts = Array.from({ length: buckets }, () => 0);
  for (const time of times) {
    const at = Math.min(buckets - 1, Math.max(0, Math.floor(((time - from) / (to - from)) * buckets)));
    counts[at] = (counts[at] ?? 0) + 1;
  }
  return counts;
}
