import { setTimeout as sleep } from "node:timers/promises";
import type { ControlEvent, ControlOutcome, StoppedSession } from "@signalbox/otel/control-client";
import { type HostObject, object, text } from "./host-values.ts";
import type { Mapper } from "./map.ts";

/**
 * Ends the runs of sessions that are stopped, and refuses new ones until they are resumed. The scheduler refuses their calls too;
 * this ends tools, and keeps OpenClaw's fallback models from going on past the scheduler.
 */
export interface StopSwitch {
  /**
   * What a hook must answer; undefined where nothing is stopped. From memory: OpenClaw waits for it, and takes no answer for a no.
   * A call that begins all the same ends its run.
   */
  answer(hook: string, context: unknown): object | undefined;
  /** Carries out an event of the control stream. Never throws. */
  onEvent(event: ControlEvent): Promise<ControlOutcome | undefined>;
  /** All that is stopped now; what is not named goes on. */
  onSnapshot(stopped: readonly StoppedSession[]): void;
}

/** Ends the run of one session, by OpenClaw's own id of it, and none of its sub-agents'. Returns whether there was one to end. */
export type Abort = (hostSessionId: string) => boolean;

interface Stop {
  killed: boolean;
  reason: string;
}

/** The receipt of a kill is waited for two seconds. */
const ENDED_WITHIN_MS = 1_500;
const POLL_MS = 20;

export function createStopSwitch(mapper: Pick<Mapper, "lineage" | "knows" | "running" | "refusedElsewhere">, abort: Abort): StopSwitch {
  let stops = new Map<string, Stop>();
  /** Runs that were told to end, by their spans: telling them again would be work for a process that has enough of it. */
  let told = new Set<string>();

  const stopOf = (sessionKey: string | undefined): Stop | undefined => {
    if (stops.size === 0 || sessionKey === undefined) return undefined;
    const found = mapper.lineage(sessionKey).flatMap((id) => stops.get(id) ?? []);
    return found.find(({ killed }) => killed) ?? found[0];
  };
  const killedRuns = () => (stops.size === 0 ? [] : mapper.running().filter(({ sessionKey }) => stopOf(sessionKey)?.killed));
  /** Returns how many runs of killed sessions there were. */
  const abortAll = (): number => {
    const runs = killedRuns();
    told = new Set(
      runs.flatMap(({ spanId, hostSessionId }) =>
        told.has(spanId) || (hostSessionId !== undefined && abort(hostSessionId)) ? spanId : [],
      ),
    );
    return runs.length;
  };

  return {
    answer(hook, context) {
      const stop = stopOf(text(object(context).sessionKey));
      if (stop === undefined) return hook === "before_agent_run" ? pastScheduler(object(context)) : undefined;
      const message = `This session is ${stop.killed ? "stopped" : "paused"} by Signalbox${stop.reason === "" ? "" : `: ${stop.reason}`}`;
      if (hook === "before_agent_run") return { outcome: "block", reason: "stopped by Signalbox", message };
      // A pause lets a run end what it is at.
      if (!stop.killed) return undefined;
      if (hook === "before_tool_call") return { block: true, blockReason: message };
      if (hook === "model_call_started") {
        told.clear();
        abortAll();
      }
      return undefined;
    },

    async onEvent({ type, data }) {
      const { session } = data;
      if (typeof session !== "string") return undefined;
      const ids = [session, ...(Array.isArray(data.descendants) ? data.descendants.filter((id) => typeof id === "string") : [])];
      if (type === "session.resumed") for (const id of ids) stops.delete(id);
      else if (type === "session.killed" || type === "session.paused") {
        for (const id of ids) stops.set(id, { killed: type === "session.killed", reason: text(data.reason) ?? "" });
      } else return undefined;
      if (!ids.some((id) => mapper.knows(id))) return { outcome: "absent" };
      return type === "session.killed" ? ended() : { outcome: "stopped" };
    },

    onSnapshot(stopped) {
      stops = new Map(stopped.map(({ session, state, reason }) => [session, { killed: state === "killed", reason }]));
      abortAll();
    },
  };

  /** OpenClaw asks its fallback models where a call fails; where it was refused they would go on past budgets and stops. */
  function pastScheduler({ runId, modelProviderId }: HostObject): object | undefined {
    const why = mapper.refusedElsewhere(text(runId) ?? "", text(modelProviderId) ?? "");
    if (why === undefined) return undefined;
    const message = `Signalbox refused this run's call (${why}), so no other provider is asked`;
    return { outcome: "block", reason: "refused by Signalbox", message };
  }

  async function ended(): Promise<ControlOutcome> {
    const deadline = performance.now() + ENDED_WITHIN_MS;
    try {
      // Asked again each time: a run may have been about to begin.
      for (let left = abortAll(); left > 0; left = abortAll()) {
        if (performance.now() > deadline) return { outcome: "failed", detail: `${left} runs have not ended after ${ENDED_WITHIN_MS} ms` };
        await sleep(POLL_MS);
      }
      return { outcome: "stopped" };
    } catch (error) {
      return { outcome: "failed", detail: (error as Error).message };
    }
  }
}
