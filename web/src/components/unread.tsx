"use client";
import { type ReactNode, useState } from "react";
import { describeError } from "../api/error.ts";
import { mayRecover } from "../api/query-client.ts";
import { ErrorState } from "../ui/notice.tsx";

interface Read {
  data: unknown;
  error: unknown;
}

/** Why there is no data. A query forgets its error whenever it tries again: what stands on the page must not go and come with that. */
export function useReadError({ data, error }: Read): unknown {
  const [last, setLast] = useState<unknown>(null);
  const current = data === undefined ? (error ?? last) : null;
  if (current !== last) setLast(current);
  return current;
}

/** In place of data that is not there: the shape of what comes, or what went wrong. What passes by itself is explained once, above the page. */
export function Unread({ query, skeleton }: { query: Read; skeleton: ReactNode }) {
  const error = useReadError(query);
  if (error === null) return skeleton;
  const { title, detail } = describeError(error);
  if (!mayRecover(error)) return <ErrorState title={title} detail={detail} />;
  return (
    <p data-notice className="px-4 py-4 text-ink-3">
      {title}.
    </p>
  );
}
