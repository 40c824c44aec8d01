"use client";
import type { UseQueryResult } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { Unread } from "./unread.tsx";

/** What a part of a page shows of one read: its data; else what went wrong; else the shape of what comes. Old data outlives an error. */
export function Resource<T>({
  query,
  skeleton,
  children,
}: {
  query: UseQueryResult<T>;
  skeleton: ReactNode;
  children: (data: T) => ReactNode;
}) {
  if (query.data !== undefined) return children(query.data);
  return <Unread query={query} skeleton={skeleton} />;
}
