import type { Sql } from "../server/database.ts";

export interface ProjectRow {
  project: string;
  sessions: number;
  last_time: string | null;
  members: { account: string; role: "owner" | "member" | "viewer" }[];
}

/** Which projects have sent anything, or have members? The one heard last first. */
export const listProjects = (sql: Sql, { limit, offset }: { limit: number; offset: number }) => sql<ProjectRow[]>`
  with seen as (select project, count(*)::int as sessions, max(last_time) as last_time from sessions group by project),
    belonging as (
      select project, jsonb_agg(jsonb_build_object('account', account, 'role', role) order by account) as members from project_members group by project
    )
  select project, coalesce(s.sessions, 0) as sessions, s.last_time, coalesce(b.members, '[]') as members
  from seen s full join belonging b using (project) order by s.last_time desc nulls last, project limit ${limit + 1} offset ${offset}`;
