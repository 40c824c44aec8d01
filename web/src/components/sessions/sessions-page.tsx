"use client";
import { keepPreviousData, useInfiniteQuery } from "@tanstack/react-query";
import { Search } from "lucide-react";
import { debounce, useQueryStates } from "nuqs";
import { sessionPagesQuery } from "../../api/session.ts";
import { formatCount } from "../../model/numbers.ts";
import { paths } from "../../paths.ts";
import { sessionsParams } from "../../search-params.ts";
import { EmptyState } from "../../ui/notice.tsx";
import { PageHeader } from "../../ui/page-header.tsx";
import { Segmented } from "../../ui/segmented.tsx";
import { SkeletonRows } from "../../ui/skeleton.tsx";
import { ExportLinks } from "../export-links.tsx";
import { Frame } from "../frame.tsx";
import { SavedViews } from "../saved-views.tsx";
import { START_COMMANDS } from "../start-commands.ts";
import { Unread } from "../unread.tsx";
import { SessionList } from "./session-list.tsx";

const SHOWN = [
  { value: "all", label: "All" },
  { value: "active", label: "Active" },
  { value: "errors", label: "With errors" },
  { value: "unknown_cost", label: "Unknown cost" },
] as const;
const SORTS = [
  { value: "recent", label: "Latest" },
  { value: "cost", label: "Costliest" },
] as const;

/** Every session, found by search, with what each cost and what served it. */
export function SessionsPage() {
  const [filter, setFilter] = useQueryStates(sessionsParams);
  const query = useInfiniteQuery({ ...sessionPagesQuery(filter), placeholderData: keepPreviousData });
  const sessions = query.data?.pages.flatMap((page) => page.data);
  const isFiltered = filter.q !== "" || filter.show !== "all";
  return (
    <Frame>
      <PageHeader title="Sessions">
        <label className="relative flex w-full items-center sm:w-64">
          <Search size={14} className="pointer-events-none absolute left-2.5 text-ink-3" aria-hidden />
          <input
            type="search"
            aria-label="search sessions"
            placeholder="Agent, id, user or error"
            value={filter.q}
            maxLength={200}
            onChange={(event) => setFilter({ q: event.target.value || null }, { limitUrlUpdates: debounce(200) })}
            className="h-8 w-full rounded-md border border-line bg-surface pr-2 pl-8 placeholder:text-ink-3"
          />
        </label>
        <Segmented label="show" value={filter.show} options={SHOWN} onChange={(show) => setFilter({ show })} />
        <Segmented label="order" value={filter.sort} options={SORTS} onChange={(sort) => setFilter({ sort })} />
        <SavedViews />
      </PageHeader>
      <section aria-label="sessions" className="overflow-hidden rounded-lg border border-line bg-surface">
        {sessions === undefined ? (
          <Unread query={query} skeleton={<SkeletonRows rows={12} height={52} />} />
        ) : sessions.length > 0 ? (
          <SessionList
            sessions={sessions}
            hasMore={query.hasNextPage}
            loadMore={() => !query.isFetchingNextPage && query.fetchNextPage()}
          />
        ) : isFiltered ? (
          <EmptyState title="No session matches">
            <button type="button" className="underline underline-offset-2" onClick={() => setFilter({ q: null, show: null })}>
              Show all sessions
            </button>
          </EmptyState>
        ) : (
          <EmptyState title="No sessions yet" commands={START_COMMANDS}>
            A session appears with its first span.
          </EmptyState>
        )}
      </section>
      {sessions && sessions.length > 0 && (
        <p className="-mt-2 text-ink-3 text-sm">
          {formatCount(sessions.length)} shown{query.hasNextPage ? ", more below" : ""}.{" "}
          <ExportLinks address={(format) => paths.api.sessions({ ...filter, format })} />
        </p>
      )}
    </Frame>
  );
}
