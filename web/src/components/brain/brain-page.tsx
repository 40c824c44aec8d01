"use client";
import { useInfiniteQuery, useQuery, useQueryClient } from "@tanstack/react-query";
import { ArrowUp, CircleAlert } from "lucide-react";
import { useQueryStates } from "nuqs";
import { EVENT_KINDS, EVENT_PAGE_SIZE, eventPagesQuery, newestEventsQuery } from "../../api/event.ts";
import { facetsQuery } from "../../api/facets.ts";
import { countUnseen } from "../../model/events.ts";
import { formatCount } from "../../model/numbers.ts";
import { brainParams } from "../../search-params.ts";
import { EmptyState } from "../../ui/notice.tsx";
import { PageHeader } from "../../ui/page-header.tsx";
import { Segmented } from "../../ui/segmented.tsx";
import { Select } from "../../ui/select.tsx";
import { siliconLook } from "../../ui/silicon.ts";
import { SkeletonRows } from "../../ui/skeleton.tsx";
import { Toggle } from "../../ui/toggle.tsx";
import { Frame } from "../frame.tsx";
import { SavedViews } from "../saved-views.tsx";
import { START_COMMANDS } from "../start-commands.ts";
import { Unread } from "../unread.tsx";
import { EventList } from "./event-list.tsx";

const KINDS = [
  { value: "all", label: "All" },
  { value: "turn", label: "Turns" },
  { value: "call", label: "Calls" },
  { value: "tool", label: "Tools" },
  { value: "decision", label: "Decisions" },
] as const;
const NOTHING = { kind: null, agent: null, channel: null, silicon: null, route: null, errors: null } as const;

/** Every turn, call and decision as it happens. What one reads stays where it is: what is new waits behind a button. */
export function BrainPage() {
  const [filter, setFilter] = useQueryStates(brainParams);
  const client = useQueryClient();
  const pages = useInfiniteQuery(eventPagesQuery(filter));
  const newest = useQuery(newestEventsQuery(filter));
  const facets = useQuery(facetsQuery()).data;
  const events = pages.data?.pages.flatMap((page) => page.data);
  const unseen = events && newest.data ? countUnseen(newest.data.data, events) : 0;
  const isFiltered = Object.values(filter).some((value) => value !== null && value !== false);
  const showNew = () => {
    if (newest.data) client.setQueryData(eventPagesQuery(filter).queryKey, { pages: [newest.data], pageParams: [""] });
    window.scrollTo({ top: 0 });
  };
  return (
    <Frame>
      <PageHeader title="Brain">
        <Segmented
          label="kind"
          value={filter.kind ?? "all"}
          options={KINDS}
          onChange={(kind) => setFilter({ kind: EVENT_KINDS.find((one) => one === kind) ?? null })}
        />
        <Select label="Agent" value={filter.agent} options={facets?.agents ?? []} onChange={(agent) => setFilter({ agent })} />
        <Select label="Channel" value={filter.channel} options={facets?.channels ?? []} onChange={(channel) => setFilter({ channel })} />
        <Select
          label="Silicon"
          value={filter.silicon}
          options={facets?.silicons ?? []}
          format={(silicon) => siliconLook(silicon).label}
          onChange={(silicon) => setFilter({ silicon })}
        />
        <Select label="Route" value={filter.route} options={facets?.routes ?? []} onChange={(route) => setFilter({ route })} />
        <Toggle on={filter.errors} onChange={(errors) => setFilter({ errors: errors || null })}>
          <CircleAlert size={13} aria-hidden /> Errors
        </Toggle>
        <SavedViews />
      </PageHeader>
      {/* always in the page, so that its words are heard when it fills */}
      <div aria-live="polite" className="pointer-events-none sticky top-3 z-20 -mb-5 flex h-0 justify-center overflow-visible">
        {unseen > 0 && (
          <button
            type="button"
            onClick={showNew}
            className="tabular pointer-events-auto inline-flex h-8 items-center gap-1.5 rounded-full bg-ink px-3.5 font-medium text-inverse text-sm shadow-pop"
          >
            <ArrowUp size={13} aria-hidden />
            {unseen >= EVENT_PAGE_SIZE ? `${formatCount(EVENT_PAGE_SIZE)}+` : formatCount(unseen)} new
          </button>
        )}
      </div>
      <section aria-label="stream" className="overflow-clip rounded-lg border border-line bg-surface">
        {events === undefined ? (
          <Unread query={pages} skeleton={<SkeletonRows rows={18} height={34} />} />
        ) : events.length > 0 ? (
          <EventList events={events} hasMore={pages.hasNextPage} loadMore={() => !pages.isFetchingNextPage && pages.fetchNextPage()} />
        ) : isFiltered ? (
          <EmptyState title="Nothing matches">
            <button type="button" className="underline underline-offset-2" onClick={() => setFilter(NOTHING)}>
              Show everything
            </button>
          </EmptyState>
        ) : (
          <EmptyState title="Nothing has happened yet" commands={START_COMMANDS}>
            Turns, model calls, tool calls and routing decisions appear here when they end.
          </EmptyState>
        )}
      </section>
    </Frame>
  );
}
