"use client";
import { useQueryClient } from "@tanstack/react-query";
import { useEffect, useSyncExternalStore } from "react";
import { changedKeys, mergeIngest, withPoolsNow } from "../api/changed-keys.ts";
import { LiveEvent, LiveIngest, LivePools, LiveState, PING_INTERVAL_MS } from "../api/live.ts";
import type { PoolPage } from "../api/pool.ts";
import { paths } from "../paths.ts";

export type LiveStatus = "connecting" | "live" | "paused" | "database-down";

/** Changes are shown at most this often: a thousand spans a second must not redraw a page a thousand times. */
const FLUSH_MS = 1_000;
/** Reading takes at most this share of the time: what is slow to read is read less often. */
const READING_SHARE = 0.25;
const RECONNECT_MS = 2_000;

let status: LiveStatus = "connecting";
const watchers = new Set<() => void>();
function setStatus(next: LiveStatus): void {
  if (next === status) return;
  status = next;
  for (const watcher of watchers) watcher();
}
const watch = (watcher: () => void) => {
  watchers.add(watcher);
  return () => watchers.delete(watcher);
};
export const useLiveStatus = () =>
  useSyncExternalStore(
    watch,
    () => status,
    (): LiveStatus => "connecting",
  );

/** Holds this tab's one live connection while the tab is visible, and marks as stale what the server says has changed. */
export function Live() {
  const client = useQueryClient();
  useEffect(() => {
    let source: EventSource | undefined;
    let lastHeard = 0;
    let pending: LiveIngest | undefined;
    let flushTimer: ReturnType<typeof setTimeout> | undefined;
    let reconnectTimer: ReturnType<typeof setTimeout> | undefined;
    let notBefore = 0;
    let hasBeenAway = false;

    const flush = async () => {
      flushTimer = undefined;
      // what is being read right now is read first, else a long read would be cancelled for ever
      if (client.isFetching() > 0) return schedule(250);
      const changes = pending;
      pending = undefined;
      if (!changes) return;
      const began = performance.now();
      await Promise.all(changedKeys(changes).map((queryKey) => client.invalidateQueries({ queryKey })));
      notBefore = performance.now() + (performance.now() - began) * (1 / READING_SHARE - 1);
    };
    const schedule = (after: number) => {
      flushTimer ??= setTimeout(flush, Math.max(after, notBefore - performance.now()));
    };
    const add = (ingest: LiveIngest) => {
      pending = mergeIngest(pending, ingest);
      schedule(FLUSH_MS);
    };
    const everything = () => add({ sessions: [], spans: 0, all: true });

    const close = () => {
      source?.close();
      source = undefined;
      clearTimeout(reconnectTimer);
    };
    const open = () => {
      close();
      lastHeard = Date.now();
      source = new EventSource(paths.api.live());
      source.addEventListener(LiveEvent.state, (event) => {
        lastHeard = Date.now();
        const isUp = LiveState.parse(JSON.parse(event.data)).database === "up";
        setStatus(isUp ? "live" : "database-down");
        if (isUp && hasBeenAway) everything();
        hasBeenAway = !isUp;
      });
      source.addEventListener(LiveEvent.ingest, (event) => {
        lastHeard = Date.now();
        add(LiveIngest.parse(JSON.parse(event.data)));
      });
      source.addEventListener(LiveEvent.pools, (event) => {
        lastHeard = Date.now();
        const pools = LivePools.parse(JSON.parse(event.data));
        for (const [queryKey, page] of client.getQueriesData<PoolPage>({ queryKey: ["pools"] })) {
          const now = page && withPoolsNow(page, pools);
          if (now) client.setQueryData(queryKey, now);
          else void client.invalidateQueries({ queryKey });
        }
      });
      source.addEventListener(LiveEvent.ping, () => {
        lastHeard = Date.now();
      });
      source.onerror = () => {
        // the browser's own retry gives up on an error status: ours does not
        close();
        hasBeenAway = true;
        setStatus("connecting");
        reconnectTimer = setTimeout(open, RECONNECT_MS);
      };
    };
    const followVisibility = () => {
      if (document.visibilityState === "hidden") {
        close();
        hasBeenAway = true;
        setStatus("paused");
      } else if (!source) open();
    };
    // after sleep a connection may look open and be dead
    const watchdog = setInterval(() => {
      if (source && Date.now() - lastHeard > 2.5 * PING_INTERVAL_MS) {
        hasBeenAway = true;
        open();
      }
    }, 5_000);

    followVisibility();
    document.addEventListener("visibilitychange", followVisibility);
    return () => {
      close();
      clearInterval(watchdog);
      clearTimeout(flushTimer);
      document.removeEventListener("visibilitychange", followVisibility);
    };
  }, [client]);
  return null;
}
