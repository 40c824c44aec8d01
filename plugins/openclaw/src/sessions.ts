import { BoundedMap } from "./bounded-map.ts";
import { parseSessionKey } from "./session-key.ts";

/** Who acts: what every span and every request of one agent in one session says. */
export interface Identity {
  /** The root session's id: OpenClaw's `sessionId` of the root session, a UUID and so unique over gateways. */
  sessionId: string;
  /** The session id for the root agent; for a sub-agent its session key, which holds a UUID. */
  agentId: string;
  parentAgentId: string | undefined;
  /** 0 for the root agent. */
  depth: number;
  agentName: string;
  channel: string | undefined;
  /** A task the scheduler can route by: `heartbeat`, `cron`. */
  task: string | undefined;
  /** Whether a person waits for the answer. */
  humanWaits: boolean;
  sessionKey: string;
  /** The tool call that spawned this agent, by the run it was made in and OpenClaw's id of it. */
  spawn: { runId: string; toolCallId: string } | undefined;
}

/** What an event tells about the session it is from. */
export interface SessionFacts {
  sessionKey: string;
  sessionId: string | undefined;
  channel: string | undefined;
  trigger: string | undefined;
  runId: string;
  /** The session whose turn is the parent of this one in OpenClaw's trace, if another. */
  traceParentKey: string | undefined;
}

interface Spawned {
  parent: Identity;
  label: string | undefined;
  link: { runId: string; toolCallId: string } | undefined;
}

/** The tree of sessions, built from what is seen of spawns. */
export class Sessions {
  /** The latest identity by session key. */
  readonly #known = new BoundedMap<string, Identity>(2_048);
  readonly #spawned = new BoundedMap<string, Spawned>(4_096);
  /** Spawn calls under way by requester, to link a child to its call before the call's result names it. */
  readonly #pending = new BoundedMap<string, { runId: string; toolCallId: string }[]>(1_024);

  /** The identity for a turn that starts now. */
  identify(facts: SessionFacts): Identity {
    const key = parseSessionKey(facts.sessionKey);
    if (key.kind === "subagent" && !this.#spawned.has(facts.sessionKey)) {
      const parent = facts.traceParentKey === undefined ? undefined : this.#known.get(facts.traceParentKey);
      if (parent !== undefined) this.#spawned.set(facts.sessionKey, { parent, label: undefined, link: undefined });
    }
    const spawned = this.#spawned.get(facts.sessionKey);
    // Written again, so that an old sub-agent that still works is not the first to be forgotten.
    if (spawned !== undefined) this.#spawned.set(facts.sessionKey, spawned);
    const identity = spawned === undefined ? rootIdentity(facts) : childIdentity(facts, spawned);
    this.#known.set(facts.sessionKey, identity);
    return identity;
  }

  /** The identity of a session outside of its turns. */
  identityOf(sessionKey: string, sessionId: string | undefined, runId: string): Identity {
    const facts = { sessionKey, sessionId, runId, channel: undefined, trigger: undefined, traceParentKey: undefined };
    return this.#known.get(sessionKey) ?? this.identify(facts);
  }

  /** A tool call that may spawn has begun. */
  spawnCallStarted(requesterKey: string, call: { runId: string; toolCallId: string }): void {
    const pending = this.#pending.get(requesterKey) ?? [];
    this.#pending.set(requesterKey, [...pending.slice(-31), call]);
  }

  /** The call has ended; `childKey` where its result names the session that it spawned. */
  spawnCallEnded(requesterKey: string, call: { runId: string; toolCallId: string }, childKey: string | undefined): void {
    const rest = (this.#pending.get(requesterKey) ?? []).filter((one) => one.toolCallId !== call.toolCallId || one.runId !== call.runId);
    if (rest.length > 0) this.#pending.set(requesterKey, rest);
    else this.#pending.delete(requesterKey);
    if (childKey === undefined) return;
    const spawned = this.#spawned.get(childKey);
    if (spawned !== undefined) this.#spawned.set(childKey, { ...spawned, link: call });
    else this.spawned(requesterKey, childKey, undefined, call);
  }

  /** A session has spawned another. Where only one spawn call is under way it is that call; else its result will say. */
  spawned(requesterKey: string, childKey: string, label?: string, call?: { runId: string; toolCallId: string }): void {
    const parent = this.#known.get(requesterKey);
    if (parent === undefined || requesterKey === childKey) return;
    // Written again: one that spawns is not the first to be forgotten.
    this.#known.set(requesterKey, parent);
    const pending = this.#pending.get(requesterKey) ?? [];
    const before = this.#spawned.get(childKey);
    const link = call ?? before?.link ?? (pending.length === 1 ? pending[0] : undefined);
    this.#spawned.set(childKey, { parent: before?.parent ?? parent, label: label ?? before?.label, link });
  }

  /** Whatever a stop of this session can be set on: its agent, those above it, and the root session. Its own key, where it is not known. */
  lineage(sessionKey: string): string[] {
    const line = new Set([sessionKey]);
    for (let key: string | undefined = sessionKey; key !== undefined; ) {
      const identity = this.#known.get(key);
      if (identity !== undefined) line.add(identity.agentId).add(identity.sessionId);
      const above: string | undefined = this.#spawned.get(key)?.parent.sessionKey;
      key = above === undefined || line.has(above) ? undefined : above;
    }
    return [...line];
  }

  /** Whether an id is of a session or an agent that was seen here. */
  knows(id: string): boolean {
    return this.#known.values().some(({ sessionId, agentId }) => sessionId === id || agentId === id);
  }

  /** The tool call that spawned this session, as known now: it may become known after the session's first turn has begun. */
  spawnOf(sessionKey: string): { runId: string; toolCallId: string } | undefined {
    return this.#spawned.get(sessionKey)?.link;
  }
}

function rootIdentity(facts: SessionFacts): Identity {
  const key = parseSessionKey(facts.sessionKey);
  const sessionId = facts.sessionId ?? facts.sessionKey;
  const scheduled = key.kind === "cron" || facts.trigger === "cron";
  const heartbeat = key.kind === "heartbeat" || facts.trigger === "heartbeat";
  const announced = facts.runId.startsWith("announce:");
  return {
    sessionId,
    agentId: sessionId,
    parentAgentId: undefined,
    depth: 0,
    agentName: key.agentName,
    // People on a channel may share the main session; then only the event knows where they are.
    channel: key.kind === "main" ? (facts.channel ?? key.channel) : (key.channel ?? facts.channel),
    task: heartbeat ? "heartbeat" : scheduled ? "cron" : undefined,
    humanWaits: !heartbeat && !scheduled && !announced && (key.kind === "main" || key.kind === "channel"),
    sessionKey: facts.sessionKey,
    spawn: undefined,
  };
}

function childIdentity(facts: SessionFacts, spawned: Spawned): Identity {
  const { parent } = spawned;
  return {
    sessionId: parent.sessionId,
    agentId: facts.sessionKey,
    parentAgentId: parent.agentId,
    depth: parent.depth + 1,
    agentName: spawned.label ?? parseSessionKey(facts.sessionKey).agentName,
    channel: parent.channel,
    task: parent.task,
    humanWaits: false,
    sessionKey: facts.sessionKey,
    spawn: spawned.link,
  };
}
