"use client";
import { useQueryClient } from "@tanstack/react-query";
import { useEffect, useSyncExternalStore } from "react";
import { changedKeys, mergeIngest } from "../api/changed-keys.ts";
import { LiveEvent, LiveIngest, LiveState, PING_INTERVAL_MS } from "../api/live.ts";
import { paths } from "../paths.ts";

export type LiveStatus = "connecting" | "live" | "paused" | "database-down";

/** Changes are shown at most this often: a thousand spans a second must not redraw a page a thousand times. */
const FLUSH_MS = 1_000;
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
    let hasBeenAway = false;

    const flush = () => {
      flushTimer = undefined;
      // what is being read right now is read first, else a long read would be cancelled for ever
      if (client.isFetching() > 0) return schedule(250);
      const changes = pending;
      pending = undefined;
      if (changes) for (const queryKey of changedKeys(changes)) void client.invalidateQueries({ queryKey });
    };
    const schedule = (after: number) => {
      flushTimer ??= setTimeout(flush, after);
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
