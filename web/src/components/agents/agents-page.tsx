"use client";
import { keepPreviousData, useInfiniteQuery } from "@tanstack/react-query";
import { useQueryStates } from "nuqs";
import { treePagesQuery } from "../../api/tree.ts";
import { agentsParams } from "../../search-params.ts";
import { EmptyState } from "../../ui/notice.tsx";
import { PageHeader } from "../../ui/page-header.tsx";
import { Segmented } from "../../ui/segmented.tsx";
import { SkeletonRows } from "../../ui/skeleton.tsx";
import { Frame } from "../frame.tsx";
import { SavedViews } from "../saved-views.tsx";
import { START_COMMANDS } from "../start-commands.ts";
import { Unread } from "../unread.tsx";
import { TreeItem } from "./tree-item.tsx";

const SHOWN = [
  { value: "all", label: "All" },
  { value: "active", label: "Active" },
  { value: "runaway", label: "Runaway" },
] as const;
const SORTS = [
  { value: "recent", label: "Latest" },
  { value: "agents", label: "Largest" },
  { value: "cost", label: "Costliest" },
] as const;

/** In the address: all of them closed, whatever the page would open by itself. */
const NONE = "none";

/** Who spawned whom across all sessions: how wide, how deep, how fast, and what it cost. */
export function AgentsPage() {
  const [{ show, sort, open }, setParams] = useQueryStates(agentsParams);
  const query = useInfiniteQuery({ ...treePagesQuery({ show, sort }), placeholderData: keepPreviousData });
  const trees = query.data?.pages.flatMap((page) => page.data);
  // alone on the page, a tree is what one came for
  const shown = open ?? (trees?.length === 1 ? trees[0]?.session_id : undefined);
  return (
    <Frame>
      <PageHeader title="Agents">
        <Segmented label="show" value={show} options={SHOWN} onChange={(next) => setParams({ show: next })} />
        <Segmented label="order" value={sort} options={SORTS} onChange={(next) => setParams({ sort: next })} />
        <SavedViews />
      </PageHeader>
      <section aria-label="agent trees" className="overflow-clip rounded-lg border border-line bg-surface">
        {trees === undefined ? (
          <Unread query={query} skeleton={<SkeletonRows rows={6} height={64} />} />
        ) : trees.length > 0 ? (
          <ul>
            {trees.map((tree) => (
              <TreeItem
                key={tree.session_id}
                tree={tree}
                isOpen={shown === tree.session_id}
                onToggle={() => setParams({ open: shown === tree.session_id ? NONE : tree.session_id })}
              />
            ))}
          </ul>
        ) : show === "all" ? (
          <EmptyState title="No agent has spawned a sub-agent yet" commands={START_COMMANDS}>
            Every session that does appears here with its tree; agents that work alone are under Sessions.
          </EmptyState>
        ) : (
          <EmptyState title={show === "runaway" ? "No agent has run away" : "No sub-agent is at work now"}>
            <button type="button" className="underline underline-offset-2" onClick={() => setParams({ show: null })}>
              Show all trees
            </button>
          </EmptyState>
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
    </Frame>
  );
}
