/**
 * Ids of sessions and agents within their project: two projects may have one and the same (every OpenClaw has `agent:main:main`), and what
 * is kept, counted or stopped for one is none of the other's. Without a project it is the plain id. A stop of a plain id holds in
 * every project.
 */

import { PROJECT_SEPARATOR as BETWEEN, plainId, projectOfId as projectOf } from "@signalbox/otel/conventions";

export { BETWEEN, plainId, projectOf };

export const scopedId = (project: string | undefined, id: string): string => (project === undefined ? id : `${project}${BETWEEN}${id}`);

/** The fields of an answer that tell whose id it is. */
export const withProject = (id: string): { project?: string } => {
  const project = projectOf(id);
  return project === undefined ? {} : { project };
};
