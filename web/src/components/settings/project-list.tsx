"use client";
import { useQuery } from "@tanstack/react-query";
import { projectsQuery } from "../../api/settings.ts";
import { plural } from "../../model/numbers.ts";
import { HostileText } from "../../ui/hostile-text.tsx";
import { SkeletonRows } from "../../ui/skeleton.tsx";
import { Ago } from "../../ui/time.tsx";
import { Resource } from "../resource.tsx";

/** What has sent under which project, and who belongs to it. */
export function ProjectList({ defaultProject }: { defaultProject: string | undefined }) {
  const projects = useQuery(projectsQuery());
  return (
    <>
      <Resource query={projects} skeleton={<SkeletonRows rows={2} height={52} />}>
        {({ data }) =>
          data.length === 0 ? (
            <p className="border-line border-t px-4 py-4 text-ink-2">No project has sent anything yet.</p>
          ) : (
            <ul aria-label="projects" className="border-line border-t">
              {data.map(({ project, sessions, last_time, members }) => (
                <li key={project} className="flex flex-wrap items-baseline gap-x-4 border-line border-b px-4 py-2.5 last:border-b-0">
                  <span className="min-w-0 flex-1 basis-48 break-words font-medium">
                    <HostileText text={project} />
                    {project === defaultProject && <span className="ml-2 font-normal text-ink-3 text-sm">where nothing names one</span>}
                  </span>
                  <span className="tabular text-ink-2 text-sm">
                    {plural(sessions, "session")}
                    {last_time && (
                      <>
                        , last heard <Ago time={last_time} />
                      </>
                    )}
                  </span>
                  {members.map(({ account, role }) => (
                    <span key={account} className="text-ink-2 text-sm">
                      {account} ({role})
                    </span>
                  ))}
                </li>
              ))}
            </ul>
          )
        }
      </Resource>
      <p className="border-line border-t px-4 py-2.5 text-ink-2 text-sm">
        This install has one login, the admin token, which sees every project. Accounts with roles (owner, member, viewer) come with the
        hosted form; until then a key limits who sends to a project or reads it.
      </p>
    </>
  );
}
