"use client";
import { keepPreviousData, useInfiniteQuery } from "@tanstack/react-query";
import { Search } from "lucide-react";
import { createSerializer, debounce, useQueryStates } from "nuqs";
import { MEMORY_RANGES, memoryFilesQuery } from "../../api/memory.ts";
import { firstShown } from "../../model/memory.ts";
import { plural } from "../../model/numbers.ts";
import { paths } from "../../paths.ts";
import { memoryParams } from "../../search-params.ts";
import { classNames } from "../../ui/class-names.ts";
import { EmptyState } from "../../ui/notice.tsx";
import { PageHeader } from "../../ui/page-header.tsx";
import { Segmented } from "../../ui/segmented.tsx";
import { SkeletonRows } from "../../ui/skeleton.tsx";
import { ExportLinks } from "../export-links.tsx";
import { Frame } from "../frame.tsx";
import { SavedViews } from "../saved-views.tsx";
import { START_COMMANDS } from "../start-commands.ts";
import { Unread } from "../unread.tsx";
import { FileHistory } from "./file-history.tsx";
import { FileList } from "./file-list.tsx";

const LABELS = { "7d": "7 days", "30d": "30 days", "365d": "year" } as const;
const RANGES = MEMORY_RANGES.map((value) => ({ value, label: value === "365d" ? "1 year" : LABELS[value] }));
const serialize = createSerializer(memoryParams);

/** Which session and turn read or wrote each memory file: why an agent thinks what it thinks. */
export function MemoryPage() {
  const [{ q, range, path, of, project, at }, setParams] = useQueryStates(memoryParams);
  const query = useInfiniteQuery({ ...memoryFilesQuery({ q, range }), placeholderData: keepPreviousData });
  const files = query.data?.pages.flatMap((page) => page.data);
  const first = files && firstShown(files);
  const open = path === null ? null : { path, owner: of, project };
  // on a wide screen the right half is never empty
  const shown = open ?? (first ? { path: first.path, owner: first.owner, project: first.project } : null);
  const address = (file: { path: string; owner: string; project: string } | null) =>
    serialize(paths.memory(), { q, range, path: file?.path ?? null, of: file?.owner ?? null, project: file?.project ?? null, at: null });
  return (
    <Frame>
      <PageHeader title="Memory">
        <label className="relative flex w-full items-center sm:w-64">
          <Search size={14} className="pointer-events-none absolute left-2.5 text-ink-3" aria-hidden />
          <input
            type="search"
            aria-label="search memory files"
            placeholder="File or agent"
            value={q}
            maxLength={200}
            onChange={(event) => setParams({ q: event.target.value || null }, { limitUrlUpdates: debounce(200) })}
            className="h-8 w-full rounded-md border border-line bg-surface pr-2 pl-8 placeholder:text-ink-3"
          />
        </label>
        <Segmented label="range" value={range} options={RANGES} onChange={(next) => setParams({ range: next })} />
        <SavedViews />
      </PageHeader>
      {files?.length === 0 && open === null ? (
        <section aria-label="files" className="rounded-lg border border-line bg-surface">
          {q === "" ? (
            <EmptyState title={`No memory file was read or written in the last ${LABELS[range]}`} commands={START_COMMANDS}>
              CLAUDE.md, AGENTS.md, MEMORY.md and the folders that agents keep their notes in: who wrote what, and which turn read it.
            </EmptyState>
          ) : (
            <EmptyState title="No file matches">
              <button type="button" className="underline underline-offset-2" onClick={() => setParams({ q: null })}>
                Show all files
              </button>
            </EmptyState>
          )}
        </section>
      ) : (
        <div className="grid items-start gap-5 lg:grid-cols-[minmax(260px,340px)_minmax(0,1fr)]">
          <section
            aria-label="files"
            className={classNames(
              "overflow-hidden rounded-lg border border-line bg-surface lg:sticky lg:top-6 lg:max-h-[calc(100dvh-48px)] lg:overflow-y-auto",
              open !== null && "hidden lg:block",
            )}
          >
            {files === undefined ? (
              <Unread query={query} skeleton={<SkeletonRows rows={6} height={64} />} />
            ) : (
              <FileList files={files} open={shown} isAsked={open !== null} address={address} />
            )}
            {query.hasNextPage && (
              <button
                type="button"
                onClick={() => query.fetchNextPage()}
                className="h-10 w-full border-line border-t text-ink-2 hover:bg-hover hover:text-ink"
              >
                Show more
              </button>
            )}
          </section>
          {shown && (
            <div className={classNames("min-w-0", open === null && "hidden lg:block")}>
              <FileHistory key={JSON.stringify(shown)} file={shown} at={at} back={address(null)} />
            </div>
          )}
        </div>
      )}
      {files && files.length > 0 && (
        <p className="-mt-2 text-ink-3 text-sm">
          {plural(files.length, "file")}
          {query.hasNextPage ? ", more below" : ""}. Reads and writes: <ExportLinks address={(format) => paths.api.memory({ format })} />
        </p>
      )}
    </Frame>
  );
}
