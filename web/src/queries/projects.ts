import type { Sql, SqlPart } from "../server/database.ts";

/** The names of all projects, from the first row of each in an index: spans are found by project and time. */
export const projects = (sql: Sql): SqlPart => sql`
  with recursive each (project) as (
    (select project from sessions order by project limit 1)
    union all
    select (select s.project from sessions s where s.project > each.project order by s.project limit 1) from each where each.project is not null
  )
  select project from each where project is not null`;
