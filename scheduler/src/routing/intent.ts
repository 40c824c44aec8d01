/** What a request wants, told from identity, request and config: task, class, tier and route. The same inputs give the same answer. */

import type { IncomingHttpHeaders } from "node:http";
import { RequestHeader, SLA_CLASSES, type SlaClass } from "@signalbox/otel/conventions";
import type { Identity } from "../admission/identity.ts";
import type { Config, RouteConfig, SlaTargetConfig } from "../config/schema.ts";
import { badRequest } from "../http/errors.ts";
import type { SlaTarget } from "../placement/candidate.ts";
import { unitOf, variantOf } from "../placement/split.ts";
import { createRouteTable, type Likeness, type RouteSubject } from "./route-match.ts";

export interface Intent {
  task: string | undefined;
  sla: SlaTarget;
  minTier: number;
  /** The rule's name, `<rule>/<variant>` where it has variants, `default` where none matched. */
  route: string;
  /** That rule; undefined where none matched. */
  rule: RouteConfig | undefined;
  /** Why that one, in words. */
  routeReason: string;
  /** Cosine similarity to the nearest example, where the route matched by meaning. */
  semanticScore: number | undefined;
  use: RouteConfig["use"];
}

/** Known before the class is. */
export interface IntentSubject extends Omit<RouteSubject, "task" | "sla" | "user" | "agentKind" | "agentName" | "agentDepth"> {
  identity: Identity;
  headers: IncomingHttpHeaders;
}

export interface Classifier {
  /** @throws HttpError 400 on headers that name no class or no target */
  classify(subject: IntentSubject, likeness?: Likeness): Intent;
  /** Whether the route depends on what the last user message means. */
  needsLikeness(subject: IntentSubject): boolean;
}

export const DEFAULT_ROUTE = "default";

const DEFAULT_SLA: Record<SlaClass, SlaTargetConfig> = {
  interactive: { ttft_ms: 1_000, tpot_ms: 60 },
  standard: { ttft_ms: 5_000, tpot_ms: 150 },
  background: { deadline_ms: 600_000 },
};

/**
 * What is known of tasks before any config: OpenClaw's unattended work, Claude Code's request classes, Codex's kinds of sub-agent
 * and of request.
 */
const BUILT_IN_TASKS: Config["tasks"] = {
  heartbeat: { sla: "background" },
  cron: { sla: "background" },
  compaction: { sla: "background" },
  compact: { sla: "background" },
  auxiliary: { sla: "background" },
  memory_consolidation: { sla: "background" },
  subagent: { sla: "standard" },
  workflow: { sla: "standard" },
  review: { sla: "standard" },
  main: { sla: "interactive" },
};

/** Where a human waits for the answer. */
const HUMAN_CHANNELS = /^(telegram|slack|discord|whatsapp|signal|imessage|webchat|cli|tui)\b/;

export function createClassifier(config: Pick<Config, "sla" | "tasks" | "routes">): Classifier {
  const tasks = { ...BUILT_IN_TASKS, ...config.tasks };
  const targets = Object.fromEntries(SLA_CLASSES.map((name) => [name, toTarget(name, config.sla[name] ?? DEFAULT_SLA[name])])) as Record<
    SlaClass,
    SlaTarget
  >;
  const table = createRouteTable(config.routes);

  function ask(subject: IntentSubject): RouteSubject {
    const { identity } = subject;
    const task = identity.task ?? taskOfSession(identity);
    const known = task === undefined ? undefined : tasks[task];
    return {
      task,
      sla: readClass(subject.headers[RequestHeader.sla]) ?? known?.sla ?? classOfChannel(identity),
      user: identity.user,
      key: subject.key,
      role: subject.role,
      endpoint: subject.endpoint,
      agentKind: identity.agentKind,
      agentName: identity.agentName,
      agentDepth: identity.depth,
      promptTokens: subject.promptTokens,
      promptBytes: subject.promptBytes,
      now: subject.now,
      tools: subject.tools,
      applications: subject.applications,
      images: subject.images,
      lastUserText: subject.lastUserText,
    };
  }

  return {
    classify(subject, likeness) {
      const asked = ask(subject);
      const { route, why, score } = table.choose(asked, likeness);
      const known = asked.task === undefined ? undefined : tasks[asked.task];
      const { name, use } = route ? variantFor(route, subject.identity.session) : NO_ROUTE;
      return {
        task: asked.task,
        sla: withHeaders(targets[asked.sla], subject.headers),
        minTier: Math.max(known?.min_tier ?? 0, use.min_tier ?? 0),
        route: name,
        rule: route,
        routeReason: why,
        semanticScore: score,
        use,
      };
    },
    needsLikeness: (subject) => table.needsLikeness(ask(subject)),
  };
}

const NO_ROUTE: Pick<RouteConfig, "name" | "use"> = { name: DEFAULT_ROUTE, use: {} };

/** A session stays with its variant for as long as the weights stay. */
export function variantFor({ name, use, variants }: RouteConfig, session: string): Pick<RouteConfig, "name" | "use"> {
  const weights = variants?.map(({ weight }) => weight) ?? [];
  const variant = variants?.[variantOf(weights, unitOf(`${name}\n${session}`))];
  return variant ? { name: `${name}/${variant.name}`, use: { ...use, ...variant.use } } : { name, use };
}

/** llm-d's headers name targets of one request, over its class's. */
function withHeaders(target: SlaTarget, headers: IncomingHttpHeaders): SlaTarget {
  const ttftMs = readMilliseconds(headers, RequestHeader.sloTtftMs);
  const tpotMs = readMilliseconds(headers, RequestHeader.sloTpotMs);
  if (ttftMs === undefined && tpotMs === undefined) return target;
  return { ...target, ...(ttftMs !== undefined && { ttftMs }), ...(tpotMs !== undefined && { tpotMs }) };
}

function readMilliseconds(headers: IncomingHttpHeaders, name: string): number | undefined {
  const given = headers[name];
  if (given === undefined) return undefined;
  const value = Number(given);
  if (value > 0 && value < Infinity) return value;
  throw badRequest(`${name} is "${given}"; expected milliseconds above 0`, name);
}

function readClass(header: string | string[] | undefined): SlaClass | undefined {
  if (header === undefined) return undefined;
  const known = SLA_CLASSES.find((name) => name === header);
  if (!known) throw badRequest(`x-signalbox-sla is "${header}"; expected one of ${SLA_CLASSES.join(", ")}`, "x-signalbox-sla");
  return known;
}

/** OpenClaw's session keys say what woke the agent: `agent:main:cron:<job>:run:<id>`, `agent:main:subagent:<id>`. */
function taskOfSession({ session, channel }: Identity): string | undefined {
  const woken = /:(cron|heartbeat|subagent)(?::|$)/.exec(session)?.[1];
  return woken ?? (channel === "cron" || channel === "heartbeat" ? channel : undefined);
}

function classOfChannel({ channel, agent, session }: Identity): SlaClass {
  // Nobody waits for a sub-agent's single call: its parent does, for all of them.
  if (agent !== session) return "standard";
  const name = channel ?? /^agent:[^:]+:([a-z]+):/.exec(session)?.[1];
  return name !== undefined && HUMAN_CHANNELS.test(name) ? "interactive" : "standard";
}

export function toTarget(name: SlaClass, target: SlaTargetConfig): SlaTarget {
  const { confidence, weight } = target;
  const any = { class: name, ...(confidence !== undefined && { confidence }), ...(weight !== undefined && { weight }) };
  if ("deadline_ms" in target) return { ...any, deadlineMs: target.deadline_ms };
  return { ...any, ttftMs: target.ttft_ms, tpotMs: target.tpot_ms };
}
