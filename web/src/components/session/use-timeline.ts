"use client";
import { useInfiniteQuery } from "@tanstack/react-query";
import { useEffect, useMemo } from "react";
import { timelinePagesQuery } from "../../api/timeline.ts";

/** All spans of a session while the timeline is looked at, page after page: the first is shown while the others come. */
export function useTimeline(id: string, enabled: boolean) {
  const query = useInfiniteQuery({ ...timelinePagesQuery(id), enabled });
  const { data, hasNextPage, isFetching, isError, fetchNextPage } = query;
  useEffect(() => {
    if (enabled && hasNextPage && !isFetching && !isError) void fetchNextPage();
  }, [enabled, hasNextPage, isFetching, isError, fetchNextPage]);
  const spans = useMemo(() => data?.pages.flatMap((page) => page.data), [data]);
  return { spans, isCut: data?.pages.at(-1)?.next != null && !hasNextPage, error: query.error };
}
