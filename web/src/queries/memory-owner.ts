import { Attribute } from "@signalbox/otel/conventions";
import type { Sql } from "../server/database.ts";

/** Of a memory span `s` of the session `r`: its file. Written out, as the index on it is. */
export const memoryPath = (sql: Sql, span = "s") => sql`${sql(span)}.attributes->>${sql.unsafe(`'${Attribute.memoryPath}'`)}`;

/** A relative path means another file in each root agent's workspace; an absolute one, also of a home folder, does not. */
export const memoryOwner = (sql: Sql) =>
  sql`case when ${memoryPath(sql)} ~ '^([/~\\\\]|[A-Za-z]:)' then '' else coalesce(r.agent_name, '') end`;
