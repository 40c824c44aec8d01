"use client";
import { useQuery } from "@tanstack/react-query";
import { CircleAlert } from "lucide-react";
import Link from "next/link";
import { useQueryStates } from "nuqs";
import { poolsQuery } from "../../api/pool.ts";
import { RANGE_NAMES, RANGES } from "../../model/cost-view.ts";
import { paths } from "../../paths.ts";
import { routesParams } from "../../search-params.ts";
import { buttonLook } from "../../ui/button.tsx";
import { EmptyState } from "../../ui/notice.tsx";
import { PageHeader } from "../../ui/page-header.tsx";
import { Panel } from "../../ui/panel.tsx";
import { Segmented } from "../../ui/segmented.tsx";
import { SkeletonRows } from "../../ui/skeleton.tsx";
import { Frame } from "../frame.tsx";
import { Resource } from "../resource.tsx";
import { SavedViews } from "../saved-views.tsx";
import { DecisionLog } from "./decision-log.tsx";
import { PoolTable } from "./pool-table.tsx";

/** Where calls can go, how those places are, and why each call went where it did. */
export function RoutesPage() {
  const [{ range, open, route, pool, show }, setParams] = useQueryStates(routesParams);
  const pools = useQuery(poolsQuery(RANGES[range].from));
  const problem = pools.data?.scheduler.problem;
  return (
    <Frame>
      <PageHeader title="Routes">
        <Link prefetch={false} href={paths.whatIf()} className={buttonLook()}>
          What if…
        </Link>
        <Segmented
          label="range"
          value={range}
          options={RANGE_NAMES.map((value) => ({ value, label: RANGES[value].label }))}
          onChange={(next) => setParams({ range: next })}
        />
        <SavedViews />
      </PageHeader>
      <Panel title="Pools" flush aside={`now, and over the last ${RANGES[range].label}`}>
        {problem && (
          <p role="status" className="flex items-start gap-2 border-line border-y bg-warn-soft px-4 py-2 text-sm text-warn">
            <CircleAlert size={14} className="mt-0.5 shrink-0" aria-hidden />
            The scheduler is not answering ({problem}): state, queue and slots are unknown. What pools did is from the record.
          </p>
        )}
        <Resource query={pools} skeleton={<SkeletonRows rows={4} height={48} />}>
          {(page) =>
            page.data.length === 0 ? (
              <EmptyState title="No pools yet" commands={["npx signalbox config check", "npx signalbox demo"]}>
                Pools are named in signalbox.config.yaml; the demo brings some of its own.
              </EmptyState>
            ) : (
              <PoolTable pools={page.data} open={open} onOpen={(next) => setParams({ open: next })} />
            )
          }
        </Resource>
      </Panel>
      <DecisionLog filter={{ route, pool, show }} onFilter={setParams} />
    </Frame>
  );
}
