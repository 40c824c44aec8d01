"use client";
import { useEffect, useEffectEvent, useSyncExternalStore } from "react";

/** Outside React, as buttons, keys and pages anywhere speak to the palette. */
function makeStore<T>(value: T) {
  const watchers = new Set<() => void>();
  return {
    get: () => value,
    set: (next: T) => {
      value = next;
      for (const watcher of watchers) watcher();
    },
    watch: (watcher: () => void) => {
      watchers.add(watcher);
      return () => watchers.delete(watcher);
    },
  };
}

/** Which of the two boxes over the page is open. */
export type PaletteBox = "search" | "keys" | null;
const box = makeStore<PaletteBox>(null);
export const openPalette = box.set;
export const usePaletteBox = () => useSyncExternalStore(box.watch, box.get, (): PaletteBox => null);

export interface PageAction {
  label: string;
  run: () => void;
}
const NONE: readonly PageAction[] = [];
const actions = makeStore(NONE);
export const usePageActions = () => useSyncExternalStore(actions.watch, actions.get, () => NONE);

/** While the caller is on the page, the palette offers this too; not while `isPossible` is false. */
export function usePageAction(label: string, isPossible: boolean, run: () => void): void {
  const act = useEffectEvent(run);
  useEffect(() => {
    if (!isPossible) return;
    const action = { label, run: () => act() };
    actions.set([...actions.get(), action]);
    return () => actions.set(actions.get().filter((one) => one !== action));
  }, [label, isPossible]);
}
