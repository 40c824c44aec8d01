"use client";
import { type RefObject, useEffect, useRef } from "react";

/** The width that `scroll-x` fades, in pixels. */
const FADE = 28;

/** For a row of choices that scrolls sideways where it is narrow: the chosen one is brought into sight. The page itself stays where it is. */
export function useChosenInSight(chosen: string): RefObject<HTMLDivElement | null> {
  const row = useRef<HTMLDivElement>(null);
  // biome-ignore lint/correctness/useExhaustiveDependencies: which one it is, the row's own marks say
  useEffect(() => {
    const item = row.current?.querySelector<HTMLElement>("[data-state=on], [data-state=active]");
    if (!row.current || !item) return;
    const { left, right } = row.current.getBoundingClientRect();
    const place = item.getBoundingClientRect();
    if (place.left < left) row.current.scrollLeft -= left - place.left;
    // out of the edge that fades while there is more to the right
    else if (place.right > right - FADE) row.current.scrollLeft += place.right - right + FADE;
  }, [chosen]);
  return row;
}
