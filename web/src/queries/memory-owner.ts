import { Attribute } from "@signalbox/otel/conventions";
import type { Sql, SqlPart } from "../server/database.ts";

/** Of a memory span `s`: its file. Written out, as the index on it is. */
export const memoryPath = (sql: Sql): SqlPart => sql`s.attributes->>${sql.unsafe(`'${Attribute.memoryPath}'`)}`;

/** Of a path in the root session `r`. A relative path means another file in each root agent's workspace; an absolute one, also of a home folder, does not. */
export const memoryOwner = (sql: Sql, path: SqlPart): SqlPart =>
  sql`case when ${path} ~ '^([/~\\\\]|[A-Za-z]:)' then '' else coalesce(r.agent_name, '') end`;
