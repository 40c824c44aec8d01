import type { Sql, SqlPart } from "../server/database.ts";

/** Of the sessions of the query's own `calls` those that stand for another one: session_id, root_id. An hour has few, of which few do: looked up one by one. */
export const rootsOfCalls = (sql: Sql): SqlPart => sql`
  select s.session_id, root_of(a.session_id) as root_id from (select distinct session_id from calls) s
  cross join lateral (select session_id from session_aliases where alias = s.session_id offset 0) a`;
