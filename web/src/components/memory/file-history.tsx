"use client";
import { useInfiniteQuery } from "@tanstack/react-query";
import { ArrowLeft, BookOpen, PenLine } from "lucide-react";
import Link from "next/link";
import { useEffect, useRef } from "react";
import { type MemoryAccess, type MemoryFileKey, memoryFileQuery } from "../../api/memory.ts";
import { type MemoryVersion, memoryVersions } from "../../model/memory.ts";
import { classNames } from "../../ui/class-names.ts";
import { CopyText } from "../../ui/copy-text.tsx";
import { Diff } from "../../ui/diff.tsx";
import { HostileText } from "../../ui/hostile-text.tsx";
import { SkeletonRows } from "../../ui/skeleton.tsx";
import { Ago, ClockTime } from "../../ui/time.tsx";
import { Unread } from "../unread.tsx";
import { AccessWho } from "./access-who.tsx";
import { FileName } from "./file-name.tsx";

/** One file: each write with what it changed, and below it who read it as it was then. */
export function FileHistory({ file, at, back }: { file: MemoryFileKey; at: string | null; back: string }) {
  const query = useInfiniteQuery(memoryFileQuery(file));
  const accesses = query.data?.pages.flatMap((page) => page.data);
  const versions = accesses && memoryVersions(accesses);
  return (
    <section aria-label="history of the file" className="min-w-0 rounded-lg border border-line bg-surface">
      <header className="flex flex-col gap-1.5 px-4 py-3">
        <Link href={back} prefetch={false} className="flex items-center gap-1 text-ink-2 text-sm hover:text-ink lg:hidden">
          <ArrowLeft size={13} aria-hidden /> All files
        </Link>
        <h2 className="text-lg">
          <FileName path={file.path} owner={file.owner} />
        </h2>
        <CopyText text={file.path} label="path" className="self-start text-xs" />
      </header>
      {versions === undefined ? (
        <Unread query={query} skeleton={<SkeletonRows rows={6} height={56} />} />
      ) : versions.length === 0 ? (
        <p className="border-line border-t px-4 py-4 text-ink-2">No read and no write of this file is stored.</p>
      ) : (
        <ol aria-label="versions" className="border-line border-t">
          {versions.map((version, index) => (
            <Version
              key={version.write?.span_id ?? "before"}
              version={version}
              at={at}
              isNewest={index === 0}
              isOldest={!query.hasNextPage}
            />
          ))}
        </ol>
      )}
      {query.hasNextPage && (
        <button
          type="button"
          onClick={() => query.fetchNextPage()}
          className="h-10 w-full border-line border-t text-ink-2 hover:bg-hover hover:text-ink"
        >
          {query.isFetchingNextPage ? "Loading…" : "Show older"}
        </button>
      )}
    </section>
  );
}

interface VersionProps {
  version: MemoryVersion;
  at: string | null;
  isNewest: boolean;
  isOldest: boolean;
}

function Version({ version: { write, reads }, at, isNewest, isOldest }: VersionProps) {
  return (
    <li className="border-line border-b px-4 py-3.5 last:border-b-0">
      {write ? (
        <Write access={write} isPointedOut={write.span_id === at} />
      ) : (
        <p className="text-ink-2">{isOldest ? "As it was before the first write that was seen" : "As an older write left it"}</p>
      )}
      {reads.length > 0 ? (
        <ul aria-label="read by" className="mt-2.5 flex flex-col gap-0.5">
          {reads.map((read) => (
            <Read key={read.span_id} access={read} isPointedOut={read.span_id === at} />
          ))}
        </ul>
      ) : (
        <p className="mt-2 text-ink-3 text-sm">{isNewest ? "Nobody has read it since." : "Nobody read it before the next write."}</p>
      )}
    </li>
  );
}

function Write({ access, isPointedOut }: { access: MemoryAccess; isPointedOut: boolean }) {
  return (
    <div data-access={access.span_id}>
      <p className={classNames("-mx-1.5 flex min-w-0 items-center gap-2 rounded-sm px-1.5 py-0.5", isPointedOut && "bg-selected")}>
        <PenLine size={14} className="shrink-0 text-ink-2" aria-hidden />
        <span className="shrink-0 text-ink-2">written by</span>
        <AccessWho access={access} />
        <Moment access={access} isPointedOut={isPointedOut} />
      </p>
      <div className="mt-2">
        {access.diff === null ? (
          <p className="text-ink-3 text-sm">What it changed was not told, or content is not kept.</p>
        ) : (
          <Diff diff={access.diff} />
        )}
      </div>
    </div>
  );
}

const Read = ({ access, isPointedOut }: { access: MemoryAccess; isPointedOut: boolean }) => (
  <li
    data-access={access.span_id}
    className={classNames("-mx-1.5 flex min-w-0 items-center gap-2 rounded-sm px-1.5 py-0.5", isPointedOut && "bg-selected")}
  >
    <BookOpen size={14} className="shrink-0 text-ink-3" aria-hidden />
    <span className="shrink-0 text-ink-2">read by</span>
    <AccessWho access={access} />
    {access.lines && (
      <span className="tabular min-w-0 truncate text-ink-3 text-sm">
        lines <HostileText text={access.lines} />
      </span>
    )}
    <Moment access={access} isPointedOut={isPointedOut} />
  </li>
);

function Moment({ access, isPointedOut }: { access: MemoryAccess; isPointedOut: boolean }) {
  const mark = useRef<HTMLSpanElement>(null);
  useEffect(() => {
    if (isPointedOut) mark.current?.scrollIntoView({ block: "center" });
  }, [isPointedOut]);
  return (
    <span ref={mark} className="ml-auto flex shrink-0 gap-2 text-ink-2 text-sm">
      <ClockTime time={access.time} className="hidden sm:inline" />
      <span className="sm:hidden">
        <Ago time={access.time} />
      </span>
    </span>
  );
}
