import type { Sql } from "../server/database.ts";

export interface ResolvedSession {
  root: string;
  /** The session's own id and those of its traces that named no session by themselves: all its rows are under these. */
  members: string[];
}

/** Under which ids are the rows of this session? An alias ('t:…') resolves to the session that it belongs to. */
export async function resolveSession(sql: Sql, id: string): Promise<ResolvedSession> {
  const [row] = await sql<{ root: string; aliases: string[] }[]>`
    with target as (select coalesce((select session_id from session_aliases where alias = ${id}), ${id}) as root)
    select target.root, array(select alias from session_aliases a where a.session_id = target.root) as aliases from target`;
  return { root: row?.root ?? id, members: [row?.root ?? id, ...(row?.aliases ?? [])] };
}
