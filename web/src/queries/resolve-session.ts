import { PROJECT_SEPARATOR } from "@signalbox/otel/conventions";
import type { Sql } from "../server/database.ts";

export interface ResolvedSession {
  root: string;
  /** The session's own id, those of its traces that named no session by themselves, and of sub-agents that named only themselves, at any depth. */
  members: string[];
}

/**
 * Under which ids are the rows of this session? An alias ('t:…', or a sub-agent's own id) resolves to the root that it belongs to. A session of a
 * project other than the default one stands behind the project's name: its plain id will do where only one has it.
 */
export async function resolveSession(sql: Sql, id: string): Promise<ResolvedSession> {
  const [row] = await sql<ResolvedSession[]>`
    select root, array(select root union select session_id from members_of(root)) as members
    from (select root_of(coalesce(
      (select session_id from sessions where session_id = ${id}),
      (select alias from session_aliases where alias = ${id}),
      (select min(session_id) from sessions
        where split_part(session_id, ${PROJECT_SEPARATOR}, -1) = ${id} and strpos(session_id, ${PROJECT_SEPARATOR}) > 0 having count(*) = 1),
      ${id})) as root) r`;
  return row ?? { root: id, members: [id] };
}
