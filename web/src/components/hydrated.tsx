"use client";
import { type DehydratedState, HydrationBoundary, useQueryClient } from "@tanstack/react-query";
import { type ReactNode, useEffect, useMemo } from "react";

/**
 * Shows what the server has read. What it still read when it sent the page is shown as not there yet, until the page has come to life: the browser's
 * first drawing must be the one that it was sent, also where the rest has come by now.
 */
export function Hydrated({ state, children }: { state: DehydratedState; children: ReactNode }) {
  const client = useQueryClient();
  const [own, showTheRest] = useMemo(() => {
    const { promise: drawn, resolve } = Promise.withResolvers<void>();
    const queries = state.queries.map(({ promise, ...query }) => {
      // what the server could not read after all is asked for as if it had never begun: that answer says what is wrong
      const askAgain = () => client.resetQueries({ queryKey: query.queryKey, exact: true });
      return promise ? { ...query, promise: drawn.then(() => readOf(promise, askAgain)) } : query;
    });
    return [{ ...state, queries }, resolve];
  }, [state, client]);
  useEffect(() => showTheRest(), [showTheRest]);
  return <HydrationBoundary state={own}>{children}</HydrationBoundary>;
}

async function readOf(late: Promise<unknown>, askAgain: () => Promise<void>): Promise<unknown> {
  const data = await late;
  if (data !== undefined) return data;
  void askAgain();
  return new Promise(() => {});
}
