import type { Sql } from "../server/database.ts";

export interface ResolvedSession {
  root: string;
  /** The session's own id, those of its traces that named no session by themselves, and of sub-agents that named only themselves, at any depth. */
  members: string[];
}

/** Under which ids are the rows of this session? An alias ('t:…', or a sub-agent's own id) resolves to the root that it belongs to. */
export async function resolveSession(sql: Sql, id: string): Promise<ResolvedSession> {
  const [row] = await sql<{ root: string; aliases: string[] }[]>`
    with recursive target as (select root_of(${id}) as root),
    down (id) as (
      select root from target union select a.alias from session_aliases a join down on a.session_id = down.id
    )
    -- every trace is an alias; few have rows of their own
    select target.root, array(select s.session_id from down join sessions s on s.session_id = down.id where down.id <> target.root) as aliases from target`;
  return { root: row?.root ?? id, members: [row?.root ?? id, ...(row?.aliases ?? [])] };
}
