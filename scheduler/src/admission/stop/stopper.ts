/** Kill, pause and resume, with a receipt that says what was seen to happen and names what was not. */

import type { ControlEvents } from "../../control/events.ts";
import type { Log } from "../../log.ts";
import type { Database } from "../postgres/database.ts";
import { stopRefusal } from "../refusals.ts";
import { plainId, projectOf, scopedId, withProject } from "../scoped-id.ts";
import type { AgentTree } from "./agent-tree.ts";
import type { Control, ControlState, Controls } from "./controls.ts";
import type { InFlight, StopCount } from "./in-flight.ts";
import { readStoredAgents, type StoredAgents } from "./stored-agents.ts";

export interface Receipt {
  session: string;
  /** Where the stop is of one project's session alone. */
  project?: string;
  /** What holds now: after a resume of one project's session, a stop of its id in every project still may. */
  state: ControlState;
  /** Ids of the agents below it that are known. */
  descendants: string[];
  /** Connections to engines whose close was seen. */
  upstream_closed: number;
  slots_freed: number;
  /** Calls taken out of the line before a pool. */
  dequeued: number;
  /** Followers of the control stream that said they had stopped their part of it. */
  agents_acknowledged: string[];
  /** What could not be confirmed, in words. */
  unknown: string[];
  elapsed_ms: number;
}

export interface Stopper {
  /** @param id of one project, or a plain one for all of them. Holds as soon as this is called. Resolves with the receipt, within the waits below. */
  set(id: string, state: ControlState, why: Pick<Control, "reason" | "source">): Promise<Receipt>;
}

export interface StopperParts {
  tree: AgentTree;
  inFlight: InFlight;
  /** Did a call of this id end here a moment ago, whether or not it is stored yet? */
  decidedOn: (id: string) => boolean;
  controls: Controls;
  events: ControlEvents;
  database: Database | undefined;
  log: Log;
  waits?: { closeMs: number; acknowledgeMs: number };
}

const EVENT: Record<ControlState, string> = { killed: "session.killed", paused: "session.paused", active: "session.resumed" };
const NOTHING_STOPPED: StopCount = { calls: 0, upstreamClosed: 0, slotsFreed: 0, dequeued: 0, callsLeft: 0, socketsLeft: 0 };
const NOT_STORED: StoredAgents = { known: false, isSession: false, descendants: [] };
const COUNT_OTHERS = `select count(*)::int as others from pg_stat_activity
  where application_name = 'signalbox-scheduler' and datname = current_database() and pid <> pg_backend_pid()`;

export function createStopper(parts: StopperParts): Stopper {
  const { tree, inFlight, decidedOn, controls, events, database, log, waits = { closeMs: 2_000, acknowledgeMs: 2_000 } } = parts;

  const stopCalls = (ids: readonly string[], control: Control) => inFlight.stop(new Set(ids), () => stopRefusal(control), waits.closeMs);

  const isKnown = (id: string) => tree.kindOf(id) !== undefined || inFlight.of(id).length > 0 || decidedOn(id);
  /** Where it was seen in other projects alone: what runs by this id is none of its project's, and goes on. */
  const elsewhereOf = (id: string) => (isKnown(id) ? [] : tree.projectsOf(id));

  // Another scheduler or the dashboard stopped it: the calls here end too.
  controls.onChange((control) => {
    if (control.state === "killed") void stopCalls([control.id], control);
    events.publish(EVENT[control.state], {
      session: plainId(control.id),
      ...withProject(control.id),
      state: control.state,
      reason: control.reason,
      descendants: tree.descendants(control.id),
      elsewhere: elsewhereOf(control.id).length > 0,
    });
  });

  return {
    async set(id, state, { reason, source }) {
      const begun = performance.now();
      const control: Control = { id, state, reason, source, changedAt: Date.now() };
      const unknown: string[] = [];
      const seen = tree.descendants(id);
      const elsewhere = elsewhereOf(id);
      const known = elsewhere.length > 0 || isKnown(id);
      const inProject = (agents: readonly string[]) => agents.map((agent) => scopedId(projectOf(id), agent));
      // Every call names its session, but not all agents above it: below a sub-agent each is stopped by name.
      const isSession = tree.kindOf(id) === "session";
      const named = isSession ? [] : inProject(seen);
      // A plain resume lifts what holds in single projects too.
      if (state === "active")
        named.push(...controls.stopped().flatMap((stop) => (stop.id !== id && plainId(stop.id) === id ? stop.id : [])));
      const saved = controls.set([control, ...named.map((agent) => ({ ...control, id: agent }))]);
      const stopped = state === "killed" ? stopCalls([id, ...inProject(seen)], control) : Promise.resolve(NOTHING_STOPPED);
      const event = events.publish(EVENT[state], {
        session: plainId(id),
        ...withProject(id),
        state,
        reason,
        descendants: seen,
        elsewhere: elsewhere.length > 0,
      });
      const answers = events.acknowledged(event, waits.acknowledgeMs);

      const stored = await storedOf(id, known, unknown);
      const unseen = stored.descendants.filter((agent) => !seen.includes(agent));
      const unnamed = isSession || stored.isSession ? [] : inProject(unseen);
      if (unnamed.length > 0) await controls.set(unnamed.map((agent) => ({ ...control, id: agent })));
      const late = state === "killed" && unnamed.length > 0 ? await stopCalls(unnamed, control) : NOTHING_STOPPED;
      const count = add(await stopped, late);
      if (!(await saved) && database)
        unknown.push("the database does not have this yet: it holds in this scheduler, and is written when Postgres is back");
      if (count.callsLeft > 0) unknown.push(`${count.callsLeft} calls had not ended after ${waits.closeMs} ms`);
      if (count.socketsLeft > 0) unknown.push(`${count.socketsLeft} connections to engines had not closed after ${waits.closeMs} ms`);

      if (state !== "active" && elsewhere.length > 0) {
        const seenIn = elsewhere.map((project) => project ?? "calls without a project").join(" and in ");
        unknown.push(
          `no call of this id was seen in ${projectOf(id)}, but in ${seenIn}: those go on; a stop without a project reaches all of them`,
        );
      }
      const everywhere = state === "active" && projectOf(id) !== undefined ? controls.stopOf([plainId(id)]) : undefined;
      if (everywhere)
        unknown.push(
          `it is still ${everywhere.state}: a stop of this id in every project holds; this lifts it: npx signalbox resume ${plainId(id)}`,
        );

      const { received, silent } = await answers;
      for (const name of silent) unknown.push(`${name} did not acknowledge within ${waits.acknowledgeMs} ms`);
      for (const { subscriber, outcome, detail } of received) {
        if (outcome === "failed") unknown.push(`${subscriber} could not stop it${detail ? `: ${detail}` : ""}`);
      }
      const receipt: Receipt = {
        session: plainId(id),
        ...withProject(id),
        state: everywhere?.state ?? state,
        descendants: [...seen, ...unseen],
        upstream_closed: count.upstreamClosed,
        slots_freed: count.slotsFreed,
        dequeued: count.dequeued,
        agents_acknowledged: received.filter(({ outcome }) => outcome === "stopped").map(({ subscriber }) => subscriber),
        unknown,
        elapsed_ms: Math.round((performance.now() - begun) * 10) / 10,
      };
      log.info(EVENT[state], {
        session: plainId(id),
        ...withProject(id),
        source,
        descendants: receipt.descendants.length,
        closed: count.upstreamClosed,
        unknown: unknown.length,
      });
      return receipt;
    },
  };

  /** Agents that Postgres knows of. What it cannot tell goes into `unknown`. */
  async function storedOf(id: string, known: boolean, unknown: string[]): Promise<StoredAgents> {
    if (!database) return NOT_STORED;
    try {
      const [stored, [counted]] = await Promise.all([
        readStoredAgents(database, id),
        database.run((query) => query<{ others: number }>(COUNT_OTHERS)),
      ]);
      if (!stored.known && !known) unknown.push("no call or span of this session was seen so far; it is stopped should it appear");
      if (counted && counted.others > 0) unknown.push(`${counted.others} other schedulers were told; what they closed is not known here`);
      return stored;
    } catch (error) {
      unknown.push(`descendants that only the database knows of: ${(error as Error).message}`);
      return NOT_STORED;
    }
  }
}

const add = (a: StopCount, b: StopCount): StopCount => ({
  calls: a.calls + b.calls,
  upstreamClosed: a.upstreamClosed + b.upstreamClosed,
  slotsFreed: a.slotsFreed + b.slotsFreed,
  dequeued: a.dequeued + b.dequeued,
  callsLeft: a.callsLeft + b.callsLeft,
  socketsLeft: a.socketsLeft + b.socketsLeft,
});
