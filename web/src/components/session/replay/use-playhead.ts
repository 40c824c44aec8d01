"use client";
import { useEffect, useState, useSyncExternalStore } from "react";
import type { Playhead } from "./playhead.ts";

export const useIsPlaying = (playhead: Playhead): boolean =>
  useSyncExternalStore(
    playhead.onPlaying,
    () => playhead.isPlaying,
    () => false,
  );

/** What is read of a step while it plays: no oftener than a person can see. */
const SETTLE_MS = 150;

/** The step that the playhead is on, at most every 150 ms; -1 where there is none. */
export function useCurrentIndex(playhead: Playhead): number {
  const [index, setIndex] = useState(playhead.index);
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const moved = () => {
      timer ??= setTimeout(() => {
        timer = undefined;
        setIndex(playhead.index);
      }, SETTLE_MS);
    };
    moved();
    const end = playhead.onMove(moved);
    return () => {
      end();
      clearTimeout(timer);
    };
  }, [playhead]);
  return index;
}
