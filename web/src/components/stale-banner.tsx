"use client";
import { useQueryClient } from "@tanstack/react-query";
import { CircleAlert } from "lucide-react";
import { useRef, useSyncExternalStore } from "react";
import { describeError } from "../api/error.ts";
import { mayRecover } from "../api/query-client.ts";

/** One line above a page while its reads fail, so that old numbers are not taken for new ones. */
export function StaleBanner() {
  const cache = useQueryClient().getQueryCache();
  const said = useRef("");
  const problem = useSyncExternalStore(
    (changed) => cache.subscribe(changed),
    () => {
      const failed = cache.findAll({ type: "active" }).find((query) => query.state.status === "error" && mayRecover(query.state.error));
      if (!failed) {
        // while it tries again, a query that has nothing yet forgets its error
        const isTrying = cache
          .findAll({ type: "active" })
          .some(({ state }) => state.fetchStatus === "fetching" && state.errorUpdateCount > 0);
        if (!isTrying) said.current = "";
        return said.current;
      }
      const { title, detail } = describeError(failed.state.error);
      said.current = `${title}. ${failed.state.data === undefined ? detail : "The numbers below are from before; they go on by themselves as soon as it answers."}`;
      return said.current;
    },
    () => "",
  );
  if (problem === "") return null;
  return (
    <p role="alert" className="flex items-center gap-2 border-line border-b bg-bad-soft px-4 py-2 text-bad text-sm md:px-8">
      <CircleAlert size={14} className="shrink-0" aria-hidden />
      {problem}
    </p>
  );
}
