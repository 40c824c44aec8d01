import type { Context } from "@opentelemetry/api";
import { type AgentKind, Attribute, RequestHeader } from "../conventions.ts";
import type { SpanRecord } from "../provider.ts";

export interface SessionOptions {
  /** Up to 256 printable ASCII characters; the same id later is the same session. */
  id: string;
  user?: string;
  project?: string;
  /** Where it came from: `slack`, `cli`, `cron`, … */
  channel?: string;
  /** What kind of work it is, for the scheduler's `tasks`. */
  task?: string;
}

export interface AgentIdentity {
  /** The session's id for its root agent. */
  id: string;
  name: string;
  kind: AgentKind;
  parentId: string | undefined;
  /** 0 for the root agent. */
  depth: number;
  /** Of itself, its ancestors and its session: a stop of any of them is a stop of it. */
  lineage: readonly string[];
}

export interface Turn {
  id: string;
  /** Of its first call; undefined until that is over. */
  provider: string | undefined;
}

/** `gen_ai.provider.name` of what goes through the scheduler, and where nobody can know: the conventions require one. */
export const GATEWAY = "signalbox";
export const UNKNOWN_PROVIDER = "_OTHER";

/** Where in an agent's work we are: what is begun here belongs to it. */
export interface Scope {
  session: SessionOptions;
  agent: AgentIdentity;
  turn: Turn | undefined;
  /** The tool call under way. */
  toolCallId: string | undefined;
  /** Holds the span that new ones hang below. */
  context: Context;
}

/** @throws TypeError: an id travels in headers, and one that had to be changed for that would name another session */
export function requireId(what: string, id: string): string {
  if (/^[\x21-\x7e][\x20-\x7e]{0,255}$/.test(id) && !id.endsWith(" ")) return id;
  throw new TypeError(`${what} must be 1 to 256 printable ASCII characters, not ${JSON.stringify(id)}`);
}

export function identityAttributes({ session, agent, turn }: Scope): SpanRecord["attributes"] {
  return {
    [Attribute.sessionId]: session.id,
    [Attribute.conversationId]: session.id,
    [Attribute.signalboxAgentId]: agent.id,
    [Attribute.agentId]: agent.id,
    [Attribute.parentAgentId]: agent.parentId,
    [Attribute.agentDepth]: agent.depth,
    [Attribute.agentName]: agent.name,
    [Attribute.agentKind]: agent.kind,
    [Attribute.turnId]: turn?.id,
    [Attribute.userId]: session.user,
    [Attribute.project]: session.project,
    [Attribute.channel]: session.channel,
    [Attribute.task]: session.task,
  };
}

/** The same for the scheduler. Names may be of any script, headers not: `?` stands for what they cannot carry. */
export function identityHeaders({ session, agent, turn }: Scope): Record<string, string> {
  const all: Record<string, string | undefined> = {
    [RequestHeader.session]: session.id,
    [RequestHeader.agent]: agent.id,
    [RequestHeader.parentAgent]: agent.parentId,
    [RequestHeader.agentName]: agent.name,
    [RequestHeader.agentKind]: agent.kind,
    [RequestHeader.turn]: turn?.id,
    [RequestHeader.user]: session.user,
    [RequestHeader.project]: session.project,
    [RequestHeader.channel]: session.channel,
    [RequestHeader.task]: session.task,
  };
  return Object.fromEntries(
    Object.entries(all).flatMap(([name, value]) => (value === undefined ? [] : [[name, value.replace(/[^\x20-\x7e]/g, "?")]])),
  );
}
