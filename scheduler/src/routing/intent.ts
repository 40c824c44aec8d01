/** What a request wants, told from identity and config alone: task, class, tier and route. The same inputs give the same answer. */

import { SLA_CLASSES, type SlaClass } from "@signalbox/otel/conventions";
import type { Identity } from "../admission/identity.ts";
import type { Config, RouteConfig, SlaTargetConfig } from "../config/schema.ts";
import { badRequest } from "../http/errors.ts";
import type { SlaTarget } from "../placement/candidate.ts";
import { matchesRoute, type RouteSubject } from "./route-match.ts";

export interface Intent {
  task: string | undefined;
  sla: SlaTarget;
  minTier: number;
  /** The rule's name, `default` where none matched. */
  route: string;
  use: RouteConfig["use"];
}

export interface IntentSubject {
  identity: Identity;
  /** `x-signalbox-sla`, as it came. */
  slaHeader: string | undefined;
  promptTokens: number;
  /** Called only where a rule asks for keywords. */
  lastUserText: () => string;
}

export type Classifier = (subject: IntentSubject) => Intent;

export const DEFAULT_ROUTE = "default";

const DEFAULT_SLA: Record<SlaClass, SlaTargetConfig> = {
  interactive: { ttft_ms: 1_000, tpot_ms: 60 },
  standard: { ttft_ms: 5_000, tpot_ms: 150 },
  background: { deadline_ms: 600_000 },
};

/** What is known of tasks before any config: OpenClaw's unattended work, Claude Code's request classes. */
const BUILT_IN_TASKS: Config["tasks"] = {
  heartbeat: { sla: "background" },
  cron: { sla: "background" },
  compaction: { sla: "background" },
  auxiliary: { sla: "background" },
  main: { sla: "interactive" },
};

/** Where a human waits for the answer. */
const HUMAN_CHANNELS = /^(telegram|slack|discord|whatsapp|signal|imessage|webchat|cli|tui)\b/;

/** @returns a pure function; it throws HttpError 400 on an `x-signalbox-sla` that is no class */
export function createClassifier(config: Pick<Config, "sla" | "tasks" | "routes">): Classifier {
  const tasks = { ...BUILT_IN_TASKS, ...config.tasks };
  const targets = Object.fromEntries(SLA_CLASSES.map((name) => [name, toTarget(name, config.sla[name] ?? DEFAULT_SLA[name])])) as Record<
    SlaClass,
    SlaTarget
  >;

  return ({ identity, slaHeader, promptTokens, lastUserText }) => {
    const task = identity.task ?? taskOfSession(identity);
    const known = task === undefined ? undefined : tasks[task];
    const name = readClass(slaHeader) ?? known?.sla ?? classOfChannel(identity);
    const subject: RouteSubject = { task, sla: name, user: identity.user, promptTokens, lastUserText };
    const route = config.routes.find(({ when }) => matchesRoute(when, subject));
    return {
      task,
      sla: targets[name],
      minTier: Math.max(known?.min_tier ?? 0, route?.use.min_tier ?? 0),
      route: route?.name ?? DEFAULT_ROUTE,
      use: route?.use ?? {},
    };
  };
}

function readClass(header: string | undefined): SlaClass | undefined {
  if (header === undefined) return undefined;
  const known = SLA_CLASSES.find((name) => name === header);
  if (!known) throw badRequest(`x-signalbox-sla is "${header}"; expected one of ${SLA_CLASSES.join(", ")}`, "x-signalbox-sla");
  return known;
}

/** OpenClaw's session keys say what woke the agent: `agent:main:cron:<job>:run:<id>`. */
function taskOfSession({ session, channel }: Identity): string | undefined {
  const woken = /:(cron|heartbeat)(?::|$)/.exec(session)?.[1];
  return woken ?? (channel === "cron" || channel === "heartbeat" ? channel : undefined);
}

function classOfChannel({ channel, agent, session }: Identity): SlaClass {
  // Nobody waits for a sub-agent's single call: its parent does, for all of them.
  if (agent !== session) return "standard";
  const name = channel ?? /^agent:[^:]+:([a-z]+):/.exec(session)?.[1];
  return name !== undefined && HUMAN_CHANNELS.test(name) ? "interactive" : "standard";
}

function toTarget(name: SlaClass, config: SlaTargetConfig): SlaTarget {
  if ("deadline_ms" in config) return { class: name, deadlineMs: config.deadline_ms };
  return { class: name, ttftMs: config.ttft_ms, tpotMs: config.tpot_ms };
}
