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
/** Most sessions never spawn: a map of their own for each of 20,000 is what the collector of garbage then walks. */
const NO_AGENTS: ReadonlyMap<string, string | undefined> = new Map();

export function createAgentTree(limits = { sessions: 20_000, agents: 1_000 }): AgentTree {
  const sessions = new Map<string, Agents | typeof NO_AGENTS>();
  /** Goes on behind what it deleted. A new iterator passes the holes of all that went before: 16 µs a call where each is a new session. */
  const oldestFirst = sessions.entries();
  const sessionOf = new Map<string, string>();

  function forgetOldest(): void {
    const { value: oldest } = oldestFirst.next();
    if (!oldest) return;
    const [session, agents] = oldest;
    sessions.delete(session);
    for (const agent of agents.keys()) sessionOf.delete(agent);
  }

  return {
    note({ session, agent, parentAgent }) {
      let agents = sessions.get(session);
      if (agents === undefined) {
        if (sessions.size >= limits.sessions) forgetOldest();
        agents = NO_AGENTS;
        sessions.set(session, agents);
      }
      if (agent === session || agents.has(agent) || agents.size >= limits.agents) return;
      if (agents === NO_AGENTS) sessions.set(session, new Map([[agent, parentAgent]]));
      else (agents as Agents).set(agent, parentAgent);
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
