import type { Sql, SqlPart } from "../server/database.ts";

/** One after the other, with commas. At least one. */
export const listed = (sql: Sql, parts: readonly SqlPart[]): SqlPart => parts.reduce((all, one) => sql`${all}, ${one}`);

/** A whole number in the statement's text: of a parameter as a limit the planner knows nothing, and makes a plan each time, which takes as long as some plans. */
export const written = (sql: Sql, count: number): SqlPart => sql`${sql.unsafe(String(Math.trunc(count)))}`;

/** Whether an id is a trace's, of spans that name no session. */
export const isTrace = (sql: Sql, id: SqlPart): SqlPart => sql`split_part(${id}, e'\\x1f', -1) like 't:%'`;
