/** Which agents each session was seen to have, and who spawned whom: from the headers of calls. Bounded; what is forgotten stays in Postgres. */

import type { Identity } from "../identity.ts";
import { BETWEEN, plainId, projectOf, scopedId } from "../scoped-id.ts";

type Place = Pick<Identity, "project" | "session" | "agent" | "parentAgent">;

/** Where an id is asked for, it is that of one project, or a plain one, which stands for those of all projects. */
export interface AgentTree {
  note(identity: Place): void;
  /** The agent, those above it as far as they were seen, and its session, plain and of its project: whatever a stop of this call can be set on. */
  lineage(identity: Place): string[];
  /** Plain ids. Of a session: all its other agents. Of a sub-agent: those below it. */
  descendants(id: string): string[];
  /** In which projects a session or an agent of this id was seen, whatever project it names; undefined: in calls that name none. */
  projectsOf(id: string): (string | undefined)[];
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
  let hasProjects = false;

  function forgetOldest(): void {
    const { value: oldest } = oldestFirst.next();
    if (!oldest) return;
    const [session, agents] = oldest;
    sessions.delete(session);
    for (const agent of agents.keys()) sessionOf.delete(scopedId(projectOf(session), agent));
  }

  /** What an id stands for. */
  function matching(ids: ReadonlyMap<string, unknown>, id: string): string[] {
    const found = ids.has(id) ? [id] : [];
    if (!hasProjects || projectOf(id) !== undefined) return found;
    const end = BETWEEN + id;
    for (const each of ids.keys()) if (each.endsWith(end)) found.push(each);
    return found;
  }

  const belowSeen = (agent: string) => below(plainId(agent), sessions.get(sessionOf.get(agent) ?? "") ?? NO_AGENTS);

  return {
    note({ project, session, agent, parentAgent }) {
      hasProjects ||= project !== undefined;
      const root = scopedId(project, session);
      let agents = sessions.get(root);
      if (agents === undefined) {
        if (sessions.size >= limits.sessions) forgetOldest();
        agents = NO_AGENTS;
        sessions.set(apart(root), agents);
      }
      if (agent === session || agents.has(agent) || agents.size >= limits.agents) return;
      const [kept, parent] = [apart(agent), parentAgent && apart(parentAgent)];
      if (agents === NO_AGENTS) sessions.set(root, new Map([[kept, parent]]));
      else (agents as Agents).set(kept, parent);
      sessionOf.set(scopedId(project, kept), apart(root));
    },
    lineage({ project, session, agent, parentAgent }) {
      const line = [agent];
      const agents = parentAgent === undefined ? undefined : sessions.get(scopedId(project, session));
      for (let above = parentAgent; above !== undefined && !line.includes(above); above = agents?.get(above)) line.push(above);
      if (!line.includes(session)) line.push(session);
      return project === undefined ? line : [...line, ...line.map((id) => scopedId(project, id))];
    },
    descendants(id) {
      const whole = matching(sessions, id);
      if (whole.length > 0) return distinct(whole.flatMap((root) => [...(sessions.get(root)?.keys() ?? [])]));
      return distinct(matching(sessionOf, id).flatMap((agent) => belowSeen(agent)));
    },
    projectsOf(id) {
      const plain = plainId(id);
      return distinct([...matching(sessions, plain), ...matching(sessionOf, plain)].map(projectOf));
    },
    kindOf: (id) => (matching(sessions, id).length > 0 ? "session" : matching(sessionOf, id).length > 0 ? "agent" : undefined),
  };
}

/** The same text in memory of its own: one that was cut out of a request's head keeps the head, up to 2 KB for each of 20,000 sessions. */
const apart = (text: string): string => ` ${text}`.slice(1);

const distinct = <T>(all: readonly T[]): T[] => [...new Set(all)];

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
