import { hostname } from "node:os";
import { type ControlOutcome, followControl } from "../control-client.ts";
import { StopList, stopKey } from "../stop-list.ts";

/** What was asked of a session that is stopped; thrown by its next call, and by those under way when it is killed. */
export class SessionStoppedError extends Error {
  override readonly name = "SessionStoppedError";
  readonly session: string;
  readonly state: "killed" | "paused";

  constructor(session: string, state: "killed" | "paused", reason: string) {
    super(`session ${session} is ${state}${reason === "" ? "" : `: ${reason}`} (npx signalbox resume ${session} lifts it)`);
    this.session = session;
    this.state = state;
  }
}

export interface ControlOptions {
  /** The scheduler's origin, e.g. `http://127.0.0.1:4320`. */
  schedulerUrl: string;
  /** The admin token. */
  token: string;
}

/** Work of one agent that a kill of it must end. */
export interface StoppableWork {
  /** Aborts with a SessionStoppedError. */
  readonly signal: AbortSignal;
  /** It has come to its end, well or not. */
  settled(): void;
}

export interface Stops {
  /**
   * @param ids of an agent, its ancestors and its session
   * @param project the session's, if it named one
   * @throws SessionStoppedError where one of them is stopped
   */
  begin(ids: readonly string[], project: string | undefined): StoppableWork;
  close(): Promise<void>;
}

/** Without a control client nothing is ever stopped from outside. */
export const unstoppable: Stops = { begin: () => ({ signal: new AbortController().signal, settled() {} }), close: async () => {} };

interface UnderWay {
  ids: readonly string[];
  project: string | undefined;
  controller: AbortController;
  ended: Promise<void>;
}

/** Sessions and agents that worked here, the latest of them: a kill of one is acknowledged although its calls have just ended. */
const MAX_KNOWN = 4_096;
/** The receipt of a kill is waited for two seconds. */
const ENDED_WITHIN_MS = 1_500;

/** Follows what the scheduler stops. A pause lets work end what it is at; a kill aborts it, and the receipt says whether it ended. */
export function followStops({ schedulerUrl, token }: ControlOptions, agentName: string): Stops {
  const stops = new StopList();
  const underWay = new Map<StoppableWork, UnderWay>();

  const known = new Set<string>();
  const remember = (key: string) => {
    known.delete(key);
    known.add(key);
    const [oldest] = known;
    if (known.size > MAX_KNOWN && oldest !== undefined) known.delete(oldest);
  };

  const abortKilled = () => {
    const killed = [...underWay.values()].flatMap((work) => {
      const stop = stops.of(work.ids, work.project);
      return stop?.state === "killed" ? [{ ...work, stop }] : [];
    });
    for (const { controller, stop } of killed) controller.abort(new SessionStoppedError(stop.session, stop.state, stop.reason));
    return killed;
  };

  async function ended(works: readonly { ended: Promise<void> }[]): Promise<ControlOutcome> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<ControlOutcome>((resolve) => {
      const detail = `work of it has not ended after ${ENDED_WITHIN_MS} ms`;
      timer = setTimeout(() => resolve({ outcome: "failed", detail }), ENDED_WITHIN_MS);
    });
    const all = Promise.all(works.map((work) => work.ended)).then((): ControlOutcome => ({ outcome: "stopped" }));
    const outcome = await Promise.race([all, late]);
    clearTimeout(timer);
    return outcome;
  }

  const follower = followControl({
    schedulerUrl,
    token,
    subscriber: `${agentName} on ${hostname()} (${process.pid})`,
    async onEvent(event) {
      const concerned = stops.take(event);
      if (concerned === undefined) return undefined;
      const { ids, project } = concerned;
      return ids.some((id) => known.has(stopKey(id, project))) ? ended(abortKilled()) : { outcome: "absent" };
    },
    onSnapshot(stopped) {
      stops.replace(stopped);
      abortKilled();
    },
  });

  return {
    begin(ids, project) {
      const stop = stops.of(ids, project);
      if (stop !== undefined) throw new SessionStoppedError(stop.session, stop.state, stop.reason);
      for (const id of ids) for (const key of new Set([id, stopKey(id, project)])) remember(key);
      const controller = new AbortController();
      const { promise, resolve } = Promise.withResolvers<void>();
      const work: StoppableWork = {
        signal: controller.signal,
        settled() {
          underWay.delete(work);
          resolve();
        },
      };
      underWay.set(work, { ids, project, controller, ended: promise });
      return work;
    },
    close: () => follower.close(),
  };
}
