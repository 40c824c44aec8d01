import type { Sql, SqlPart } from "../server/database.ts";

/** Of a path in the root session `r`. A relative path means another file in each root agent's workspace; an absolute one, also of a home folder, does not. */
export const memoryOwner = (sql: Sql, path: SqlPart): SqlPart =>
  sql`case when ${path} ~ '^([/~\\\\]|[A-Za-z]:)' then '' else coalesce(r.agent_name, '') end`;
