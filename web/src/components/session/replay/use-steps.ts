"use client";
import { useInfiniteQuery } from "@tanstack/react-query";
import { useEffect, useMemo } from "react";
import { stepPagesQuery } from "../../../api/step.ts";
import { toReplay } from "../../../model/replay.ts";

/** All steps of a session, page after page: the first is shown while the others come. */
export function useSteps(id: string) {
  const query = useInfiniteQuery(stepPagesQuery(id));
  const { data, hasNextPage, isFetching, isError, fetchNextPage } = query;
  useEffect(() => {
    if (hasNextPage && !isFetching && !isError) void fetchNextPage();
  }, [hasNextPage, isFetching, isError, fetchNextPage]);
  const replay = useMemo(() => (data ? toReplay(data.pages.flatMap((page) => page.data)) : undefined), [data]);
  return { replay, error: query.error, isWhole: data !== undefined && !hasNextPage, refetch: query.refetch };
}
