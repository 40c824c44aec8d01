import type { Sql } from "../server/database.ts";

export interface ResolvedSession {
  root: string;
  /** The session's own id, those of its traces that named no session by themselves, and of sub-agents that named only themselves, at any depth. */
  members: string[];
}

/** Under which ids are the rows of this session? An alias ('t:…', or a sub-agent's own id) resolves to the root that it belongs to. */
export async function resolveSession(sql: Sql, id: string): Promise<ResolvedSession> {
  const [row] = await sql<{ root: string; aliases: string[] }[]>`
    with recursive up (id) as (
      select ${id}::text union select a.session_id from session_aliases a join up on a.alias = up.id
    ),
    target as (select up.id as root from up where not exists (select from session_aliases a where a.alias = up.id) limit 1),
    down (id) as (
      select root from target union select a.alias from session_aliases a join down on a.session_id = down.id
    )
    select target.root, array(select down.id from down where down.id <> target.root) as aliases from target`;
  return { root: row?.root ?? id, members: [row?.root ?? id, ...(row?.aliases ?? [])] };
}
