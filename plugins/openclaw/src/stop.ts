import { setTimeout as sleep } from "node:timers/promises";
import type { ControlEvent, ControlOutcome, StoppedSession } from "@signalbox/otel/control-client";
import { type Stop, StopList } from "@signalbox/otel/stop-list";
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
  /** Whose this gateway's sessions are: a stop of another project's is none of theirs. Undefined until it is told: of no project. */
  onProject(project: string | undefined): void;
  /** Carries out an event of the control stream. Never throws. */
  onEvent(event: ControlEvent): Promise<ControlOutcome | undefined>;
  /** All that is stopped now; what is not named goes on. */
  onSnapshot(stopped: readonly StoppedSession[]): void;
}

/** Ends the run of one session, by OpenClaw's own id of it, and none of its sub-agents'. Returns whether there was one to end. */
export type Abort = (hostSessionId: string) => boolean;

/** The receipt of a kill is waited for two seconds. */
const ENDED_WITHIN_MS = 1_500;
const POLL_MS = 20;

export function createStopSwitch(mapper: Pick<Mapper, "lineage" | "knows" | "running" | "refusedElsewhere">, abort: Abort): StopSwitch {
  const stops = new StopList();
  let ownProject: string | undefined;
  /** Runs that were told to end, by their spans: telling them again would be work for a process that has enough of it. */
  let told = new Set<string>();

  const stopOf = (sessionKey: string | undefined): Stop | undefined => {
    return stops.size === 0 || sessionKey === undefined ? undefined : stops.of(mapper.lineage(sessionKey), ownProject);
  };
  const killedRuns = () => (stops.size === 0 ? [] : mapper.running().filter(({ sessionKey }) => stopOf(sessionKey)?.state === "killed"));
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
      const message = `This session is ${stop.state === "killed" ? "stopped" : "paused"} by Signalbox${stop.reason === "" ? "" : `: ${stop.reason}`}`;
      if (hook === "before_agent_run") return { outcome: "block", reason: "stopped by Signalbox", message };
      // A pause lets a run end what it is at.
      if (stop.state === "paused") return undefined;
      if (hook === "before_tool_call") return { block: true, blockReason: message };
      if (hook === "model_call_started") {
        told.clear();
        abortAll();
      }
      return undefined;
    },

    onProject(project) {
      ownProject = project;
    },

    async onEvent(event) {
      const concerned = stops.take(event);
      if (concerned === undefined) return undefined;
      const { ids, project } = concerned;
      const isOurs = project === undefined || project === ownProject;
      if (!isOurs || !ids.some((id) => mapper.knows(id))) return { outcome: "absent" };
      return event.type === "session.killed" ? ended() : { outcome: "stopped" };
    },

    onSnapshot(stopped) {
      stops.replace(stopped);
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
