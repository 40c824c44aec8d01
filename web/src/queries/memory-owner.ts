import type { Sql, SqlPart } from "../server/database.ts";

/** Whether a path means one file to all agents: an absolute one, also of a home folder. A relative path means another file in each root agent's workspace. */
export const isShared = (sql: Sql, path: SqlPart): SqlPart => sql`${path} ~ '^([/~\\\\]|[A-Za-z]:)'`;

/** Of a path in the root session `r`. */
export const memoryOwner = (sql: Sql, path: SqlPart): SqlPart =>
  sql`case when ${isShared(sql, path)} then '' else coalesce(r.agent_name, '') end`;

/** What session_memory.file holds (migration 000026). */
export const fileKey = (project: string, path: string, agentName: string): string =>
  [[...project].length, [...path].length, project + path + agentName].join("\x1f");
