import { setTimeout as sleep } from "node:timers/promises";
import { dehydrate, type QueryKey } from "@tanstack/react-query";
import { makeQueryClient } from "../api/query-client.ts";

/** Milliseconds that a page waits for what it shows, its frame being there: sooner than that the browser does not listen to what comes late either. */
const PATIENCE_MS = 150;

interface Read {
  options: { queryKey: QueryKey };
  load: () => Promise<unknown>;
  infinite?: boolean;
  /** The first drawing does without it: read when the rest is there, while the page is drawn. */
  later?: boolean;
}

/**
 * Reads what a page shows first, on the server, under the same keys that the browser will use. What is not there `inTime` follows in the same
 * answer, and until then the page shows the shape of it. A read that fails is left out: the browser tries it again and says what is wrong.
 */
export async function prefetch(reads: readonly Read[], began = performance.now()) {
  const client = makeQueryClient();
  const begin = ({ options: { queryKey }, load, infinite }: Read) =>
    infinite
      ? client.prefetchInfiniteQuery({ queryKey, queryFn: load, initialPageParam: "", retry: false })
      : client.prefetchQuery({ queryKey, queryFn: load, retry: false });
  await inTime(Promise.all(reads.filter(({ later }) => !later).map(begin)), began);
  for (const read of reads) if (read.later) void begin(read);
  const state = dehydrate(client, { shouldDehydrateQuery: ({ state }) => state.status !== "error" });
  // undefined: it failed after all, see Hydrated
  const queries = state.queries.map((query) => (query.promise ? { ...query, promise: query.promise.catch(() => undefined) } : query));
  return { ...state, queries };
}

/** Undefined where it fails, or is not there soon after the page's work `began` (as performance.now() has it). */
export const inTime = <T>(work: Promise<T>, began: number) => within(work, began + PATIENCE_MS - performance.now());

/** Undefined where it fails, or takes longer than that. */
export async function within<T>(work: Promise<T>, milliseconds: number): Promise<T | undefined> {
  const done = new AbortController();
  const late = sleep(Math.max(0, milliseconds), undefined, { signal: done.signal }).catch(() => undefined);
  try {
    return await Promise.race([work.catch(() => undefined), late]);
  } finally {
    done.abort();
  }
}
