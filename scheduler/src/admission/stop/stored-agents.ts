/** What the collector stored of a session's agents: those that did not call through this scheduler, or not since it began. */

import type { Database } from "../postgres/database.ts";
import { BETWEEN, plainId, projectOf } from "../scoped-id.ts";
import { below } from "./agent-tree.ts";

/**
 * The sessions of that id, and those that have such an agent. $1: the plain id. $2: its project, or '' for any. A session of a project other
 * than the collector's default one is stored behind the project's name.
 */
const READ_SESSIONS = `
select session_id, true as is_session from signalbox.sessions where session_id = $1 and $2 in ('', project)
union all
select session_id, true from signalbox.sessions
where split_part(session_id, '${BETWEEN}', -1) = $1 and strpos(session_id, '${BETWEEN}') > 0 and $2 in ('', project)
union all
(select session_id, false from signalbox.agents where agent_id = $1 and $2 in ('', project) limit 1)
limit 100`;
const READ_AGENTS = `select agent_id, parent_agent_id from signalbox.agents
where session_id in (select jsonb_array_elements_text($1::text::jsonb)) and agent_id not in ('', session_id) limit 10000`;

export interface StoredAgents {
  /** Some span named the id. */
  known: boolean;
  isSession: boolean;
  descendants: string[];
}

/** `id`: with its project, or without for any. @throws DatabaseAway */
export async function readStoredAgents(database: Database, id: string): Promise<StoredAgents> {
  const plain = plainId(id);
  return database.run(async (query) => {
    const found = await query<{ session_id: string; is_session: boolean }>(READ_SESSIONS, [plain, projectOf(id) ?? ""]);
    const isSession = found.some((row) => row.is_session);
    const sessions = found.filter((row) => row.is_session === isSession).map((row) => row.session_id);
    if (sessions.length === 0) return { known: false, isSession: false, descendants: [] };
    const rows = await query<{ agent_id: string; parent_agent_id: string | null }>(READ_AGENTS, [JSON.stringify(sessions)]);
    const agents = new Map(rows.map((row) => [row.agent_id, row.parent_agent_id ?? undefined]));
    return { known: true, isSession, descendants: isSession ? [...agents.keys()] : below(plain, agents) };
  });
}
