import type { Sql } from "../server/database.ts";

export interface ResolvedSession {
  root: string;
  /** The session's own id, those of its traces that named no session by themselves, and of sub-agents that named only themselves, at any depth. */
  members: string[];
}

/** Under which ids are the rows of this session? An alias ('t:…', or a sub-agent's own id) resolves to the root that it belongs to. */
export async function resolveSession(sql: Sql, id: string): Promise<ResolvedSession> {
  const [row] = await sql<ResolvedSession[]>`
    select root, array(select root union select session_id from members_of(root)) as members from (select root_of(${id}) as root) r`;
  return row ?? { root: id, members: [id] };
}
