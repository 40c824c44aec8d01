import { PROJECT_SEPARATOR } from "@signalbox/otel/conventions";
import type { Sql } from "../server/database.ts";

/** Which projects do the spans of these ids name? `members`: see resolveSession. */
export async function sessionProjects(sql: Sql, members: readonly string[]): Promise<string[]> {
  const rows = await sql<{ project: string }[]>`select distinct project from spans where session_id = any(${[...members]})`;
  return rows.map(({ project }) => project);
}

/** Which stops hold for a session, by the ids that they were set on: its plain one, or that in one of these projects? */
export async function stopsOf(sql: Sql, id: string, projects: readonly string[]): Promise<string[]> {
  const ids = [id, ...projects.map((project) => project + PROJECT_SEPARATOR + id)];
  const rows = await sql<{ id: string }[]>`select id from session_controls where id = any(${ids}) and state <> 'active'`;
  return rows.map((row) => row.id);
}
