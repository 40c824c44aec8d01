"use client";
import { type DehydratedState, HydrationBoundary, type QueryClient, useQueryClient } from "@tanstack/react-query";
import { type ReactNode, useEffect } from "react";
import { Ready } from "./ready.tsx";

/**
 * Shows what the server has read. What it still read when it sent the page is shown as not there yet, until the page has come to life: the browser's
 * first drawing must be the one that it was sent, also where the rest has come by now.
 */
export function Hydrated({ state, children }: { state: DehydratedState; children: ReactNode }) {
  const client = useQueryClient();
  const { own, showTheRest } = heldBack(state, client);
  useEffect(() => showTheRest(), [showTheRest]);
  return (
    <HydrationBoundary state={own}>
      {children}
      <Ready />
    </HydrationBoundary>
  );
}

interface HeldBack {
  own: DehydratedState;
  showTheRest: () => void;
}
/** Not in a memo: React may begin a first drawing anew, and forgets what it had of it then, but the client has the queries of the first. */
const known = new WeakMap<DehydratedState, HeldBack>();

function heldBack(state: DehydratedState, client: QueryClient): HeldBack {
  const before = known.get(state);
  if (before) return before;
  const { promise: drawn, resolve } = Promise.withResolvers<void>();
  const queries = state.queries.map(({ promise, ...query }) => {
    // what the server could not read after all is asked for as if it had never begun: that answer says what is wrong
    const askAgain = () => client.resetQueries({ queryKey: query.queryKey, exact: true });
    return promise ? { ...query, promise: drawn.then(() => readOf(promise, askAgain)) } : query;
  });
  const held = { own: { ...state, queries }, showTheRest: resolve };
  known.set(state, held);
  return held;
}

async function readOf(late: Promise<unknown>, askAgain: () => Promise<void>): Promise<unknown> {
  const data = await late;
  if (data !== undefined) return data;
  void askAgain();
  return new Promise(() => {});
}
