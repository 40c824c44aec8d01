import type { QueryKey } from "@tanstack/react-query";
import type { LiveIngest } from "./live.ts";

/** Two batches as one. */
export function mergeIngest(earlier: LiveIngest | undefined, later: LiveIngest): LiveIngest {
  if (!earlier) return later;
  return {
    sessions: [...new Set([...earlier.sessions, ...later.sessions])],
    spans: earlier.spans + later.spans,
    all: earlier.all || later.all,
  };
}

/** Which queries may answer differently after these sessions got new spans. */
export function changedKeys({ sessions, all }: LiveIngest): QueryKey[] {
  const lists = [["sessions"], ["cost"], ["attention"], ["events", "newest"], ["decisions"], ["trees"], ["explain"], ["alerts"]];
  // a trace that names no session ('t:…') may belong to any that is open
  if (all || sessions.some((id) => id.startsWith("t:"))) return [...lists, ["session"]];
  return [...lists, ...sessions.map((id) => ["session", id])];
}
