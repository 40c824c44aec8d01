/** Which agents each session was seen to have, and who spawned whom: from the headers of calls. Bounded; what is forgotten stays in Postgres. */

import type { Identity } from "../identity.ts";

export interface AgentTree {
  note(identity: Pick<Identity, "session" | "agent" | "parentAgent">): void;
  /** The agent, those above it as far as they were seen, and its session: whatever a stop of this call can be set on. */
  lineage(identity: Pick<Identity, "session" | "agent" | "parentAgent">): string[];
  /** Of a session: all its other agents. Of a sub-agent: those below it. */
  descendants(id: string): string[];
  /** What the id was seen as since this process began. */
  kindOf(id: string): "session" | "agent" | undefined;
}

/** An agent's id to its parent's; the root's is undefined. */
type Agents = Map<string, string | undefined>;

export function createAgentTree(limits = { sessions: 20_000, agents: 1_000 }): AgentTree {
  const sessions = new Map<string, Agents>();
  const sessionOf = new Map<string, string>();

  function forgetOldest(): void {
    const [oldest] = sessions;
    if (!oldest) return;
    sessions.delete(oldest[0]);
    for (const agent of oldest[1].keys()) sessionOf.delete(agent);
  }

  return {
    note({ session, agent, parentAgent }) {
      let agents = sessions.get(session);
      if (agents === undefined) {
        if (sessions.size >= limits.sessions) forgetOldest();
        agents = new Map();
        sessions.set(session, agents);
      }
      if (agent === session || agents.has(agent) || agents.size >= limits.agents) return;
      agents.set(agent, parentAgent);
      sessionOf.set(agent, session);
    },
    lineage({ session, agent, parentAgent }) {
      const agents = sessions.get(session);
      const line = [agent];
      for (let above = parentAgent; above !== undefined && !line.includes(above); above = agents?.get(above)) line.push(above);
      if (!line.includes(session)) line.push(session);
      return line;
    },
    descendants(id) {
      const whole = sessions.get(id);
      if (whole) return [...whole.keys()];
      const session = sessionOf.get(id);
      const agents = session === undefined ? undefined : sessions.get(session);
      return agents ? below(id, agents) : [];
    },
    kindOf: (id) => (sessions.has(id) ? "session" : sessionOf.has(id) ? "agent" : undefined),
  };
}

/** @param agents ids with their parents, in any order; circles end */
export function below(id: string, agents: ReadonlyMap<string, string | undefined>): string[] {
  const found = new Set([id]);
  for (let before = 0; before < found.size; ) {
    before = found.size;
    for (const [agent, parent] of agents) if (parent !== undefined && found.has(parent)) found.add(agent);
  }
  found.delete(id);
  return [...found];
}
