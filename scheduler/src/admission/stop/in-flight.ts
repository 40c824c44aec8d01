/** The calls that are under way, and how to stop them. */

import type { Socket } from "node:net";
import { Crowd, type Member } from "../../crowd.ts";
import type { HttpError } from "../../http/errors.ts";
import type { Call } from "../../relay/call.ts";
import { cancel } from "../../relay/call.ts";

export interface InFlight {
  /** Enters a call; the result is to be called once it has ended and given back its slot. */
  enter(call: Call, lineage: readonly string[]): () => void;
  /** Stops every call of these ids and waits, at most `timeoutMs`, until that is done. */
  stop(ids: ReadonlySet<string>, reason: (call: Call) => HttpError, timeoutMs: number): Promise<StopCount>;
  /** The calls of an id: of a session all, of an agent its own and those below it. */
  of(id: string): Call[];
  readonly size: number;
}

/** What was seen to happen, nothing assumed. */
export interface StopCount {
  calls: number;
  /** Sockets to engines whose close was seen. */
  upstreamClosed: number;
  slotsFreed: number;
  /** Calls that left the line before a pool. */
  dequeued: number;
  /** Calls that had not ended, and sockets that had not closed, when the time was up. */
  callsLeft: number;
  socketsLeft: number;
}

interface Entry extends Member {
  call: Call;
  lineage: readonly string[];
  /** Made when somebody waits for the end. */
  ended: PromiseWithResolvers<void> | undefined;
}

export function createInFlight(): InFlight {
  const entries = new Crowd<Entry>();

  return {
    get size() {
      return entries.size;
    },
    of: (id) => [...entries].filter(({ lineage }) => lineage.includes(id)).map(({ call }) => call),
    enter(call, lineage) {
      const entry: Entry = { call, lineage, ended: undefined, place: -1 };
      entries.add(entry);
      return () => {
        entries.delete(entry);
        entry.ended?.resolve();
      };
    },
    async stop(ids, reason, timeoutMs) {
      const count: StopCount = { calls: 0, upstreamClosed: 0, slotsFreed: 0, dequeued: 0, callsLeft: 0, socketsLeft: 0 };
      const deadline = new Promise<"late">((resolve) => setTimeout(() => resolve("late"), timeoutMs).unref());
      const stopped = [...entries].filter(({ call, lineage }) => !call.gone && lineage.some((id) => ids.has(id)));
      // All of them are cancelled before any is waited for.
      const ends = stopped.map((entry) => stopOne(entry, reason(entry.call), deadline, count));
      await Promise.all(ends);
      return count;
    },
  };
}

async function stopOne(entry: Entry, reason: HttpError, deadline: Promise<"late">, count: StopCount): Promise<void> {
  const { call } = entry;
  entry.ended ??= Promise.withResolvers();
  const { promise: ended } = entry.ended;
  count.calls++;
  const { place } = call;
  const running = [...call.running];
  const closes = running.flatMap(({ socket }) => (socket ? [closeOf(socket)] : []));
  cancel(call, reason);
  if ((await Promise.race([ended, deadline])) === "late") count.callsLeft++;
  else {
    if (place === "slot") count.slotsFreed += Math.max(1, running.length);
    if (place === "line") count.dequeued++;
  }
  for (const closed of closes) {
    if ((await Promise.race([closed, deadline])) === "late") count.socketsLeft++;
    else count.upstreamClosed++;
  }
}

function closeOf(socket: Socket): Promise<void> {
  if (socket.closed) return Promise.resolve();
  return new Promise((resolve) => socket.once("close", () => resolve()));
}
