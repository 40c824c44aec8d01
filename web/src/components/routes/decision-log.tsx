"use client";
import { keepPreviousData, useInfiniteQuery, useQuery } from "@tanstack/react-query";
import Link from "next/link";
import { type DecisionFilter, decisionPagesQuery } from "../../api/decision.ts";
import { facetsQuery } from "../../api/facets.ts";
import { paths } from "../../paths.ts";
import type { DECISIONS_SHOWN } from "../../search-params.ts";
import { EmptyState } from "../../ui/notice.tsx";
import { Panel } from "../../ui/panel.tsx";
import { Segmented } from "../../ui/segmented.tsx";
import { Select } from "../../ui/select.tsx";
import { SkeletonRows } from "../../ui/skeleton.tsx";
import { DecisionRow } from "../decision-row.tsx";
import { ExportLinks } from "../export-links.tsx";
import { Unread } from "../unread.tsx";

const SHOWN = [
  { value: "all", label: "All" },
  { value: "missed", label: "SLA missed" },
  { value: "retried", label: "Retried" },
  { value: "errors", label: "Failed" },
] as const satisfies readonly { value: (typeof DECISIONS_SHOWN)[number]; label: string }[];

type Filter = { route: string | null; pool: string | null; show: (typeof DECISIONS_SHOWN)[number] };

/** Every routing decision, newest first, with the pools that it looked at. */
export function DecisionLog({
  filter,
  onFilter,
}: {
  filter: Filter;
  onFilter: (change: { [K in keyof Filter]?: Filter[K] | null }) => void;
}) {
  const query = useInfiniteQuery({ ...decisionPagesQuery(filter satisfies DecisionFilter), placeholderData: keepPreviousData });
  const facets = useQuery(facetsQuery()).data;
  const decisions = query.data?.pages.flatMap((page) => page.data);
  const isFiltered = filter.route !== null || filter.pool !== null || filter.show !== "all";
  return (
    <Panel
      title="Decisions"
      flush
      aside={
        <>
          <Segmented label="show" value={filter.show} options={SHOWN} onChange={(show) => onFilter({ show })} />
          <Select label="Route" value={filter.route} options={facets?.routes ?? []} onChange={(route) => onFilter({ route })} />
          <Select label="Pool" value={filter.pool} options={facets?.pools ?? []} onChange={(pool) => onFilter({ pool })} />
          <ExportLinks address={(format) => paths.api.decisions({ ...filter, format })} />
        </>
      }
    >
      {decisions === undefined ? (
        <Unread query={query} skeleton={<SkeletonRows rows={10} />} />
      ) : decisions.length === 0 ? (
        <EmptyState title={isFiltered ? "No decision matches" : "No call has gone through the scheduler yet"}>
          {isFiltered ? (
            <button
              type="button"
              className="underline underline-offset-2"
              onClick={() => onFilter({ route: null, pool: null, show: null })}
            >
              Show all decisions
            </button>
          ) : (
            "Each call that does leaves a decision here: the pools it looked at, and why one was taken."
          )}
        </EmptyState>
      ) : (
        <>
          <ul aria-label="decisions" className="border-line border-t">
            {decisions.map((decision) => (
              <DecisionRow
                key={decision.span_id}
                decision={decision}
                more={
                  <Link
                    href={paths.session(decision.session_id, { span: decision.span_id })}
                    prefetch={false}
                    className="underline underline-offset-2 hover:text-ink"
                  >
                    Show it in its session
                  </Link>
                }
              />
            ))}
          </ul>
          {query.hasNextPage && (
            <button
              type="button"
              onClick={() => query.fetchNextPage()}
              className="h-10 w-full border-line border-t text-ink-2 hover:bg-hover hover:text-ink"
            >
              {query.isFetchingNextPage ? "Loading…" : "Show older decisions"}
            </button>
          )}
        </>
      )}
    </Panel>
  );
}
