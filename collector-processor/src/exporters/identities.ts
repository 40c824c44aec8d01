import type { SpanRow } from "../rows.ts";
import type { SpanDraft } from "../span-batch.ts";
import { compareText, least } from "./exact.ts";

/** What the spans of one agent say of it. Texts are the least that was said: neither order nor repetition changes them. */
interface AgentIdentity {
  session_id: string;
  agent_id: string;
  project: string;
  parent_agent_id: string | null;
  agent_name: string | null;
  agent_kind: string | null;
  depth: number | null;
  spawned_by_tool_call: string | null;
  channel: string | null;
  user_id: string | null;
  /** microseconds since 1970 */
  first_time: number;
  last_time: number;
}

/** An agent's key in a map: ids are stored text, which has no NUL. */
export const agentKey = (row: { session_id: string; agent_id: string }): string => `${row.session_id}\0${row.agent_id}`;

export interface IdentitiesJson {
  agents: AgentIdentity[];
  aliases: { alias: string; session_id: string }[];
}

/** Who the spans speak of: sessions, their agents, and traces that belong to a session. */
export class Identities {
  readonly #agents = new Map<string, AgentIdentity>();
  /** alias → the least session that a span says it stands for */
  readonly #aliases = new Map<string, string>();
  #last: AgentIdentity | undefined;

  add(draft: SpanDraft): void {
    const { row } = draft;
    this.#addAgent({
      session_id: row.session_id,
      agent_id: row.agent_id,
      project: row.project,
      parent_agent_id: draft.parentAgentId,
      agent_name: row.agent_name,
      agent_kind: row.agent_kind,
      depth: draft.agentDepth,
      spawned_by_tool_call: draft.spawnedByToolCall,
      channel: row.channel,
      user_id: row.user_id,
      first_time: row.start_time,
      last_time: row.start_time + Math.floor(row.duration_ns / 1000),
    });
    // spans of its trace that name no session belong to this one's
    if (draft.traceSession !== null) this.#addAlias(draft.traceSession, row.session_id);
    // a sub-agent that names only itself
    if (draft.parentSessionId !== null) this.#addAlias(row.session_id, draft.parentSessionId);
  }

  /** An agent that is stored already: nothing is said of it that is not there. */
  addStored(span: Pick<SpanRow, "session_id" | "agent_id" | "project" | "start_time">): void {
    const { session_id, agent_id, project, start_time } = span;
    const said = { session_id, agent_id, project, first_time: start_time, last_time: start_time };
    const silent = { parent_agent_id: null, agent_name: null, agent_kind: null, depth: null, spawned_by_tool_call: null };
    this.#addAgent({ ...said, ...silent, channel: null, user_id: null });
  }

  /** When the first of all spans began, and the last ended: microseconds since 1970. */
  period(): { first: number; last: number } {
    let first = Number.MAX_SAFE_INTEGER;
    let last = 0;
    for (const { first_time, last_time } of this.#agents.values()) {
      first = Math.min(first, first_time);
      last = Math.max(last, last_time);
    }
    return { first, last };
  }

  /** What several batches say together; of one, its own. */
  static union(all: Identities[]): Identities {
    const [only] = all;
    if (only !== undefined && all.length === 1) return only;
    const union = new Identities();
    for (const identities of all) union.#merge(identities);
    return union;
  }

  #merge(other: Identities): void {
    for (const agent of other.#agents.values()) this.#addAgent(agent);
    for (const [alias, sessionId] of other.#aliases) this.#addAlias(alias, sessionId);
  }

  toJSON(): IdentitiesJson {
    return { agents: this.agents(), aliases: this.aliases() };
  }

  static fromJSON({ agents, aliases }: IdentitiesJson): Identities {
    const identities = new Identities();
    for (const agent of agents) identities.#addAgent(agent);
    for (const { alias, session_id } of aliases) identities.#addAlias(alias, session_id);
    return identities;
  }

  agents(): AgentIdentity[] {
    return [...this.#agents.values()];
  }

  /**
   * What joins spans that name no session to one that another span of their trace names, and a sub-agent's session to its parent's.
   * Parents may have parents: the root is at the end of the chain.
   */
  aliases(): { alias: string; session_id: string }[] {
    return [...this.#aliases].map(([alias, session_id]) => ({ alias, session_id }));
  }

  /** Sessions say what all their agents say; kind and name are the root agent's. */
  sessions(): Omit<AgentIdentity, "agent_id">[] {
    const sessions = new Map<string, AgentIdentity>();
    for (const agent of this.#agents.values()) {
      const isRoot = agent.agent_id === "" || agent.agent_id === agent.session_id;
      const said = isRoot ? agent : { ...agent, agent_kind: null, agent_name: null };
      const session = sessions.get(agent.session_id);
      if (session === undefined) sessions.set(agent.session_id, { ...said });
      else merge(session, said);
    }
    return [...sessions.values()];
  }

  #addAgent(said: AgentIdentity): void {
    let agent = this.#last;
    // spans of one agent stand together
    if (agent === undefined || agent.agent_id !== said.agent_id || agent.session_id !== said.session_id) {
      const key = agentKey(said);
      agent = this.#agents.get(key);
      if (agent === undefined) {
        agent = { ...said };
        this.#agents.set(key, agent);
      }
      this.#last = agent;
    }
    merge(agent, said);
  }

  #addAlias(alias: string, sessionId: string): void {
    if (alias === sessionId) return;
    const before = this.#aliases.get(alias);
    if (before === undefined || compareText(sessionId, before) < 0) this.#aliases.set(alias, sessionId);
  }
}

function merge(into: AgentIdentity, said: AgentIdentity): void {
  // written out: a loop over the names takes four times as long, and each span passes here
  into.parent_agent_id = least(into.parent_agent_id, said.parent_agent_id);
  into.agent_name = least(into.agent_name, said.agent_name);
  into.agent_kind = least(into.agent_kind, said.agent_kind);
  into.spawned_by_tool_call = least(into.spawned_by_tool_call, said.spawned_by_tool_call);
  into.channel = least(into.channel, said.channel);
  into.user_id = least(into.user_id, said.user_id);
  if (compareText(said.project, into.project) < 0) into.project = said.project;
  if (said.depth !== null && (into.depth === null || said.depth < into.depth)) into.depth = said.depth;
  if (said.first_time < into.first_time) into.first_time = said.first_time;
  if (said.last_time > into.last_time) into.last_time = said.last_time;
}
