import type { Sql, SqlPart } from "../server/database.ts";

/**
 * The few sessions that are not a matter of their own row alone: one row each of session_id and root_id, of those that stand for another session and of
 * those that others stand for. Reads the query's own `roots`. Grouped, so that the planner knows that none comes twice, and looks into these from the
 * many rows of sessions.
 */
export const related = (sql: Sql): SqlPart => sql`
  select session_id, min(root_id) as root_id from (select session_id, root_id from roots union all select root_id, root_id from roots) r group by session_id`;
