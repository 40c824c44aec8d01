import type { ControlEvent, StoppedSession } from "./control-client.ts";
import { PROJECT_SEPARATOR } from "./conventions.ts";

export interface Stop {
  /** What was stopped: a session, or an agent above. */
  session: string;
  state: "killed" | "paused";
  reason: string;
}

/** What is stopped, as a follower of the control stream knows it: sessions and agents of one project, or, where no project is named, of all. */
export class StopList {
  #stops = new Map<string, Stop>();

  get size(): number {
    return this.#stops.size;
  }

  /** Takes in what an event stops or lifts. Returns whom it concerns; undefined where it does neither. */
  take({ type, data }: ControlEvent): { ids: string[]; project: string | undefined } | undefined {
    const { session, descendants } = data;
    if (typeof session !== "string") return undefined;
    const ids = [session, ...(Array.isArray(descendants) ? descendants.filter((id) => typeof id === "string") : [])];
    const project = typeof data.project === "string" ? data.project : undefined;
    if (type === "session.resumed") this.#lift(ids, project);
    else if (type === "session.killed" || type === "session.paused") {
      const state = type === "session.killed" ? "killed" : "paused";
      const reason = typeof data.reason === "string" ? data.reason : "";
      for (const id of ids) this.#stops.set(stopKey(id, project), { session, state, reason });
    } else return undefined;
    return { ids, project };
  }

  /** All that is stopped now; what is not named goes on. */
  replace(stopped: readonly StoppedSession[]): void {
    this.#stops = new Map(
      stopped.map(({ session, project, state, reason }) => [
        stopKey(session, project),
        { session, state: state === "killed" ? "killed" : "paused", reason },
      ]),
    );
  }

  /** What holds for the work of an agent of this project: `ids` are its own, its ancestors' and its session's. A kill before a pause. */
  of(ids: readonly string[], project: string | undefined): Stop | undefined {
    const keys = project === undefined ? ids : [...ids, ...ids.map((id) => stopKey(id, project))];
    const found = keys.flatMap((key) => this.#stops.get(key) ?? []);
    return found.find(({ state }) => state === "killed") ?? found[0];
  }

  /** Without a project it lifts what holds in single ones, too: so does the scheduler. */
  #lift(ids: readonly string[], project: string | undefined): void {
    for (const id of ids) this.#stops.delete(stopKey(id, project));
    if (project !== undefined) return;
    for (const key of this.#stops.keys()) if (ids.some((id) => key.endsWith(`${PROJECT_SEPARATOR}${id}`))) this.#stops.delete(key);
  }
}

/** An id of one project, or of all where none is named. */
export const stopKey = (id: string, project: string | undefined): string =>
  project === undefined ? id : `${project}${PROJECT_SEPARATOR}${id}`;
