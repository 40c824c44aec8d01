import { AsyncLocalStorage } from "node:async_hooks";

/** What a request asks for is out of the reach of its key. */
export class Forbidden extends Error {
  override name = "Forbidden";
}

const scope = new AsyncLocalStorage<string>();

/** While `work` runs, every read sees that project alone. */
export const inProject = <T>(project: string, work: () => T): T => scope.run(project, work);

/** The one project that the request under way may see; undefined: all. */
export const scopedProject = () => scope.getStore();

/** @throws Forbidden where the request is of one project: what follows tells of the whole install */
export function requireWholeInstall(): void {
  const project = scope.getStore();
  if (project !== undefined)
    throw new Forbidden(`this key reads the project ${JSON.stringify(project)} alone, which does not include this`);
}
