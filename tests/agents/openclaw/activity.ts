import { closeSync, existsSync, openSync, readSync } from "node:fs";

interface Told {
  /** Milliseconds since the epoch. */
  at?: number;
  source?: string;
  name?: string;
  event?: {
    type?: string;
    sessionKey?: string;
    childSessionKey?: string;
    targetSessionKey?: string;
    trace?: { spanId?: string };
  };
}

/** What the gateway is at, by what it tells the recorder beside our plugin. */
export interface Activity {
  /** Bytes told so far. */
  told(): number;
  /** No run is under way, and no sub-agent's end is about to be announced. */
  idle(): boolean;
}

/** The end of a sub-agent that was aborted is told minutes later, and to nobody. */
const ANNOUNCED_WITHIN_MS = 10_000;

export function followActivity(path: string): Activity {
  let read = 0;
  let rest = "";
  const runs = new Set<string>();
  /** Until when the end of each is waited for. */
  const subAgents = new Map<string, number>();

  const take = ({ at = 0, source, name, event = {} }: Told) => {
    const { type, sessionKey = "", trace } = event;
    const run = trace?.spanId ?? "";
    if (type === "harness.run.started") runs.add(run);
    else if (type === "harness.run.completed" || type === "harness.run.error") {
      runs.delete(run);
      if (subAgents.has(sessionKey)) subAgents.set(sessionKey, at + ANNOUNCED_WITHIN_MS);
    } else if (source === "hook" && name === "subagent_spawned") subAgents.set(event.childSessionKey ?? "", Number.POSITIVE_INFINITY);
    else if (source === "hook" && name === "subagent_ended") subAgents.delete(event.targetSessionKey ?? "");
    else if (source === "hook" && name === "gateway_start") {
      runs.clear();
      subAgents.clear();
    }
  };
  const catchUp = () => {
    if (!existsSync(path)) return;
    const file = openSync(path, "r");
    try {
      const buffer = Buffer.alloc(1 << 20);
      for (let bytes = readSync(file, buffer, 0, buffer.length, read); bytes > 0; bytes = readSync(file, buffer, 0, buffer.length, read)) {
        read += bytes;
        const lines = (rest + buffer.toString("latin1", 0, bytes)).split("\n");
        rest = lines.pop() ?? "";
        for (const line of lines) take(JSON.parse(line) as Told);
      }
    } finally {
      closeSync(file);
    }
  };

  return {
    told() {
      catchUp();
      return read;
    },
    idle() {
      catchUp();
      return runs.size === 0 && subAgents.values().every((until) => until < Date.now());
    },
  };
}
