"use client";
import { type DehydratedState, HydrationBoundary } from "@tanstack/react-query";
import { type ReactNode, useEffect, useMemo } from "react";

/**
 * Shows what the server has read. What it still read when it sent the page is shown as not there yet, until the page has come to life: the browser's
 * first drawing must be the one that it was sent, also where the rest has come by now.
 */
export function Hydrated({ state, children }: { state: DehydratedState; children: ReactNode }) {
  const [own, showTheRest] = useMemo(() => {
    const { promise: drawn, resolve } = Promise.withResolvers<void>();
    const queries = state.queries.map((query) => (query.promise ? { ...query, promise: drawn.then(() => readOf(query.promise)) } : query));
    return [{ ...state, queries }, resolve];
  }, [state]);
  useEffect(() => showTheRest(), [showTheRest]);
  return <HydrationBoundary state={own}>{children}</HydrationBoundary>;
}

async function readOf(late: Promise<unknown> | undefined): Promise<unknown> {
  const data = await late;
  if (data === undefined) throw new Error("the server could not read it");
  return data;
}
