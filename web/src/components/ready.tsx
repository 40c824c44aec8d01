"use client";
import { useEffect } from "react";

/** Marks the document once what stands beside this has come to life. Before, a page only looks ready: its keys and fields do nothing yet. */
export function Ready() {
  useEffect(() => {
    document.documentElement.dataset.hydrated = "";
  }, []);
  return null;
}
