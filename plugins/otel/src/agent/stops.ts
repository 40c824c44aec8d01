import { hostname } from "node:os";
import { type ControlOutcome, followControl } from "../control-client.ts";

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
  /** @param ids of an agent, its ancestors and its session. @throws SessionStoppedError where one of them is stopped */
  begin(ids: readonly string[]): StoppableWork;
  close(): Promise<void>;
}

/** Without a control client nothing is ever stopped from outside. */
export const unstoppable: Stops = { begin: () => ({ signal: new AbortController().signal, settled() {} }), close: async () => {} };

interface Stop {
  session: string;
  state: "killed" | "paused";
  reason: string;
}

/** Sessions and agents that worked here, the latest of them: a kill of one is acknowledged although its calls have just ended. */
const MAX_KNOWN = 4_096;
/** The receipt of a kill is waited for two seconds. */
const ENDED_WITHIN_MS = 1_500;

/** Follows what the scheduler stops. A pause lets work end what it is at; a kill aborts it, and the receipt says whether it ended. */
export function followStops({ schedulerUrl, token }: ControlOptions, agentName: string): Stops {
  let stops = new Map<string, Stop>();
  const underWay = new Map<StoppableWork, { ids: readonly string[]; controller: AbortController; ended: Promise<void> }>();

  const known = new Set<string>();
  const remember = (id: string) => {
    known.delete(id);
    known.add(id);
    const [oldest] = known;
    if (known.size > MAX_KNOWN && oldest !== undefined) known.delete(oldest);
  };

  const stopOf = (ids: readonly string[]): Stop | undefined => {
    const found = ids.flatMap((id) => stops.get(id) ?? []);
    return found.find(({ state }) => state === "killed") ?? found[0];
  };
  const abortKilled = () => {
    const killed = [...underWay.values()].flatMap((work) => {
      const stop = stopOf(work.ids);
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
    async onEvent({ type, data }) {
      const { session, descendants, reason } = data;
      if (typeof session !== "string") return undefined;
      const ids = [session, ...(Array.isArray(descendants) ? descendants.filter((id) => typeof id === "string") : [])];
      if (type === "session.resumed") for (const id of ids) stops.delete(id);
      else if (type === "session.killed" || type === "session.paused") {
        const state = type === "session.killed" ? "killed" : "paused";
        for (const id of ids) stops.set(id, { session, state, reason: typeof reason === "string" ? reason : "" });
      } else return undefined;
      return ids.some((id) => known.has(id)) ? ended(abortKilled()) : { outcome: "absent" };
    },
    onSnapshot(stopped) {
      stops = new Map(stopped.map((one) => [one.session, { ...one, state: one.state === "killed" ? "killed" : "paused" }]));
      abortKilled();
    },
  });

  return {
    begin(ids) {
      const stop = stopOf(ids);
      if (stop !== undefined) throw new SessionStoppedError(stop.session, stop.state, stop.reason);
      for (const id of ids) remember(id);
      const controller = new AbortController();
      const { promise, resolve } = Promise.withResolvers<void>();
      const work: StoppableWork = {
        signal: controller.signal,
        settled() {
          underWay.delete(work);
          resolve();
        },
      };
      underWay.set(work, { ids, controller, ended: promise });
      return work;
    },
    close: () => follower.close(),
  };
}
