"use client";
import { useInfiniteQuery } from "@tanstack/react-query";
import { BookOpen, PenLine } from "lucide-react";
import Link from "next/link";
import { type MemoryAccess, sessionMemoryQuery } from "../../api/memory.ts";
import { paths } from "../../paths.ts";
import { Diff } from "../../ui/diff.tsx";
import { HostileText } from "../../ui/hostile-text.tsx";
import { EmptyState } from "../../ui/notice.tsx";
import { SkeletonRows } from "../../ui/skeleton.tsx";
import { ClockTime } from "../../ui/time.tsx";
import { WrittenBy } from "../memory/written-by.tsx";
import { Unread } from "../unread.tsx";

/** What the agents of a session read and wrote, newest first; of what they read, where it came from. */
export function SessionMemory({ id, onSelect }: { id: string; onSelect: (spanId: string) => void }) {
  const query = useInfiniteQuery(sessionMemoryQuery(id));
  const accesses = query.data?.pages.flatMap((page) => page.data);
  if (accesses === undefined) return <Unread query={query} skeleton={<SkeletonRows rows={6} height={48} />} />;
  if (accesses.length === 0)
    return (
      <EmptyState title="No memory file was read or written">
        What its agents put into CLAUDE.md, MEMORY.md and the like, and what they read there.
      </EmptyState>
    );
  return (
    <>
      <ul aria-label="memory of the session">
        {accesses.map((access) => (
          <Row key={access.span_id} access={access} onSelect={onSelect} />
        ))}
      </ul>
      {query.hasNextPage && (
        <button
          type="button"
          onClick={() => query.fetchNextPage()}
          className="h-10 w-full border-line border-t text-ink-2 hover:bg-hover hover:text-ink"
        >
          Show older
        </button>
      )}
    </>
  );
}

function Row({ access, onSelect }: { access: MemoryAccess; onSelect: (spanId: string) => void }) {
  const isWrite = access.operation === "write";
  const Icon = isWrite ? PenLine : BookOpen;
  return (
    <li className="flex gap-3 border-line border-b px-4 py-2.5 last:border-b-0">
      <Icon size={14} className="mt-1 shrink-0 text-ink-2" aria-hidden />
      <div className="min-w-0 flex-1">
        <p className="flex min-w-0 flex-wrap items-baseline gap-x-2">
          <span className="text-ink-2">{isWrite ? "wrote" : "read"}</span>
          <Link
            href={paths.memory({ file: access, at: access.span_id })}
            prefetch={false}
            className="min-w-0 break-all font-mono text-sm underline-offset-2 hover:underline"
          >
            <HostileText text={access.path} />
          </Link>
          {access.lines && (
            <span className="tabular min-w-0 break-words text-ink-3 text-sm">
              lines <HostileText text={access.lines} />
            </span>
          )}
        </p>
        <p className="flex flex-wrap gap-x-2 text-ink-2 text-sm">
          <button type="button" className="underline-offset-2 hover:underline" onClick={() => onSelect(access.span_id)}>
            <HostileText text={access.agent_name ?? access.session_agent_name ?? "unnamed"} />
          </button>
          {!isWrite && <WrittenBy access={access} />}
        </p>
        {access.diff !== null && (
          <div className="mt-2">
            <Diff diff={access.diff} />
          </div>
        )}
      </div>
      <ClockTime time={access.time} className="shrink-0 text-ink-2 text-sm" />
    </li>
  );
}
