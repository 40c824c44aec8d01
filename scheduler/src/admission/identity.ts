/** Who calls: session, agent, turn and user, from headers in order of trust (conventions.md), then the body, then the trace. */

import type { IncomingHttpHeaders } from "node:http";
import { AGENT_KINDS, type AgentKind, RequestHeader } from "@signalbox/otel/conventions";
import type { ChatRequest } from "../dialects/chat-request.ts";
import { idText, MAX_ID_LENGTH } from "./id-text.ts";
import { BETWEEN } from "./scoped-id.ts";

export interface Identity {
  /** The ROOT session. `t:<trace id>` where nothing else is known. */
  session: string;
  /** The root agent's id equals the session's. */
  agent: string;
  parentAgent: string | undefined;
  /** 0 for the root agent; undefined where the headers do not tell. */
  depth: number | undefined;
  agentName: string | undefined;
  agentKind: AgentKind;
  turn: string | undefined;
  channel: string | undefined;
  task: string | undefined;
  user: string | undefined;
  project: string | undefined;
  /** The name of the key that it came with; undefined without one, and for the admin token. */
  key: string | undefined;
}

type AgentHints = Partial<Pick<Identity, "session" | "agent" | "parentAgent" | "agentName" | "agentKind" | "turn" | "task">>;

export function identify(headers: IncomingHttpHeaders, request: Pick<ChatRequest, "user" | "promptCacheKey">, traceId: string): Identity {
  const hints = agentHints(headers);
  const session =
    read(headers, RequestHeader.session) ??
    hints.session ??
    read(headers, RequestHeader.agent) ??
    idText(request.promptCacheKey)?.replaceAll(BETWEEN, " ") ??
    `t:${traceId}`;
  const agent = read(headers, RequestHeader.agent) ?? hints.agent ?? session;
  const named = read(headers, RequestHeader.parentAgent) ?? hints.parentAgent;
  const parentAgent = agent === session ? undefined : (named ?? session);
  const kind = read(headers, RequestHeader.agentKind);
  return {
    session,
    agent,
    parentAgent,
    depth: agent === session ? 0 : parentAgent === session ? 1 : undefined,
    agentName: read(headers, RequestHeader.agentName) ?? hints.agentName,
    agentKind: AGENT_KINDS.find((known) => known === kind) ?? hints.agentKind ?? "other",
    turn: read(headers, RequestHeader.turn) ?? hints.turn,
    channel: read(headers, RequestHeader.channel),
    task: read(headers, RequestHeader.task) ?? hints.task,
    user: read(headers, RequestHeader.user) ?? idText(request.user),
    project: read(headers, RequestHeader.project),
    key: undefined,
  };
}

/** What agents say by themselves. A sub-agent of Claude Code at the first level names no parent: it is the session's. */
function agentHints(headers: IncomingHttpHeaders): AgentHints {
  if (headers["x-claude-code-session-id"]) {
    return {
      agentKind: "claude-code",
      session: read(headers, "x-claude-code-session-id"),
      agent: read(headers, "x-claude-code-agent-id"),
      parentAgent: read(headers, "x-claude-code-parent-agent-id"),
      agentName: read(headers, "x-claude-code-agent-type"),
      turn: read(headers, "x-claude-code-prompt-id"),
      task: read(headers, "x-claude-code-request-class"),
    } as AgentHints;
  }
  if (headers["session-id"] && (headers["thread-id"] || headers["x-codex-turn-metadata"])) return codexHints(headers);
  return {};
}

function codexHints(headers: IncomingHttpHeaders): AgentHints {
  let turn: { turn_id?: unknown; agent_name?: unknown; request_kind?: unknown; subagent_kind?: unknown } = {};
  try {
    // whole, and not cut to the length of an id as `read` does: it is about a kilobyte
    turn = JSON.parse(String(headers["x-codex-turn-metadata"] ?? "{}")) ?? {};
  } catch {
    // Cut or mangled on its way: the plain headers still tell the session and the tree.
  }
  return {
    agentKind: "codex",
    session: read(headers, "session-id"),
    agent: read(headers, "thread-id"),
    parentAgent: read(headers, "x-codex-parent-thread-id"),
    agentName: idText(turn.agent_name) ?? read(headers, "x-openai-subagent"),
    turn: idText(turn.turn_id),
    task: codexTask(idText(turn.request_kind), read(headers, "x-openai-subagent") ?? idText(turn.subagent_kind)),
  } as AgentHints;
}

/** Spawned by the model, where Codex itself starts the others (review, compact, memory_consolidation). */
const SPAWNED = new Set(["collab_spawn", "thread_spawn"]);

/** `turn` says nothing of a sub-agent's work; its own kind does. */
function codexTask(request: string | undefined, subagent: string | undefined): string | undefined {
  if (subagent === undefined || (request !== undefined && request !== "turn")) return request;
  return SPAWNED.has(subagent) ? "subagent" : subagent;
}

/** A header holds nothing that Postgres cannot. */
function read(headers: IncomingHttpHeaders, name: string): string | undefined {
  const value = headers[name];
  return typeof value === "string" && value !== "" ? value.slice(0, MAX_ID_LENGTH) : undefined;
}
