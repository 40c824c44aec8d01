import { PROJECT_SEPARATOR } from "@signalbox/otel/conventions";
import type { Sql, SqlPart } from "../server/database.ts";

/** The ids that a stop of a stored session may have: its plain one, and that of its project. */
const stopIds = (sql: Sql, project: SqlPart, session: SqlPart): SqlPart => {
  const plain = sql`split_part(${session}, ${PROJECT_SEPARATOR}, -1)`;
  return sql`(${plain}, ${project} || ${PROJECT_SEPARATOR} || ${plain})`;
};

/** What stops a session: a stop of its id in its project, or of its plain id, which holds in every project. A kill stands before a pause. */
export const stopOf = (sql: Sql, project: SqlPart, session: SqlPart): SqlPart => sql`
  select * from session_controls where id in ${stopIds(sql, project, session)}
  order by array_position(array['killed', 'paused'], state) nulls last limit 1`;

/** Is that session killed? A condition. */
export const isKilled = (sql: Sql, project: SqlPart, session: SqlPart): SqlPart => sql`exists (
  select from session_controls where state = 'killed' and id in ${stopIds(sql, project, session)})`;
