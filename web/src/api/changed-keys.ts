import { plainId } from "@signalbox/otel/conventions";
import type { QueryKey } from "@tanstack/react-query";
import type { LiveIngest, LivePools } from "./live.ts";
import type { PoolPage } from "./pool.ts";

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
  const lists = [
    ["sessions"],
    ["cost"],
    ["attention"],
    ["events", "newest"],
    ["decisions"],
    ["trees"],
    ["explain"],
    ["pools"],
    ["alerts"],
    ["memory"],
  ];
  // a trace that names no session ('t:…') may belong to any that is open
  if (all || sessions.some((id) => plainId(id).startsWith("t:"))) return [...lists, ["session"]];
  return [...lists, ...sessions.map((id) => ["session", id])];
}

/** A page of pools with what they are now; undefined where it has not all of them, and must be read anew. */
export function withPoolsNow(page: PoolPage, { now, scheduler }: LivePools): PoolPage | undefined {
  const shown = new Set(page.data.map((pool) => pool.pool));
  if (Object.keys(now).some((name) => !shown.has(name))) return undefined;
  return { ...page, scheduler, data: page.data.map((pool) => ({ ...pool, now: now[pool.pool] ?? null })) };
}
