"use client";
import { useSyncExternalStore } from "react";

const QUERY = "(max-width: 767px)";
const watch = (changed: () => void) => {
  const media = window.matchMedia(QUERY);
  media.addEventListener("change", changed);
  return () => media.removeEventListener("change", changed);
};

/** True on a phone: for what CSS cannot say, such as the height of a virtual row. False while the server draws. */
export const useNarrow = () =>
  useSyncExternalStore(
    watch,
    () => window.matchMedia(QUERY).matches,
    () => false,
  );
