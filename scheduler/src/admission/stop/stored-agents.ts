/** What the collector stored of a session's agents: those that did not call through this scheduler, or not since it began. */

import type { Database } from "../postgres/database.ts";
import { below } from "./agent-tree.ts";

const READ_SESSION = `select session_id from signalbox.sessions where session_id = $1
  union all select session_id from signalbox.agents where agent_id = $1 limit 1`;
const READ_AGENTS = `select agent_id, parent_agent_id from signalbox.agents where session_id = $1 and agent_id not in ('', $1) limit 10000`;

export interface StoredAgents {
  /** Some span named the id. */
  known: boolean;
  isSession: boolean;
  descendants: string[];
}

/** @throws DatabaseAway */
export async function readStoredAgents(database: Database, id: string): Promise<StoredAgents> {
  return database.run(async (query) => {
    const [found] = await query<{ session_id: string }>(READ_SESSION, [id]);
    if (!found) return { known: false, isSession: false, descendants: [] };
    const rows = await query<{ agent_id: string; parent_agent_id: string | null }>(READ_AGENTS, [found.session_id]);
    const agents = new Map(rows.map((row) => [row.agent_id, row.parent_agent_id ?? undefined]));
    const isSession = found.session_id === id;
    return { known: true, isSession, descendants: isSession ? [...agents.keys()] : below(id, agents) };
  });
}
