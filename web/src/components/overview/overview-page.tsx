"use client";
import { useQuery } from "@tanstack/react-query";
import Link from "next/link";
import { attentionQuery } from "../../api/attention.ts";
import { costQuery } from "../../api/cost.ts";
import { recentSessionsQuery } from "../../api/session.ts";
import { paths } from "../../paths.ts";
import { EmptyState } from "../../ui/notice.tsx";
import { PageHeader } from "../../ui/page-header.tsx";
import { Panel } from "../../ui/panel.tsx";
import { SkeletonRows } from "../../ui/skeleton.tsx";
import { Frame } from "../frame.tsx";
import { Resource } from "../resource.tsx";
import { START_COMMANDS } from "../start-commands.ts";
import { AttentionList } from "./attention-list.tsx";
import { costTodayFilter, RECENT, RUNNING } from "./overview-queries.ts";
import { RecentSessions } from "./recent-sessions.tsx";
import { RouteBars } from "./route-bars.tsx";
import { TodayStats } from "./today-stats.tsx";

/** What is running now, what today cost and by which route, what routing saved, and what needs a person. */
export function OverviewPage({ timeZone }: { timeZone: string }) {
  const cost = useQuery(costQuery(costTodayFilter(timeZone)));
  const recent = useQuery(recentSessionsQuery(RECENT));
  const running = useQuery(recentSessionsQuery(RUNNING));
  const needs = useQuery(attentionQuery());

  if (recent.data?.data.length === 0) {
    return (
      <Frame>
        <PageHeader title="Overview" />
        <Panel title="Nothing has arrived yet">
          <EmptyState title="Point an agent at Signalbox" commands={START_COMMANDS}>
            Its next turn appears here by itself, with what it cost and the silicon that served it. Or let a demo fleet of 24 agents play
            first: one of them runs away, and you can stop it.
          </EmptyState>
        </Panel>
      </Frame>
    );
  }
  return (
    <Frame>
      <PageHeader title="Overview" />
      <TodayStats cost={cost} running={running} />
      <div className="grid gap-5 lg:grid-cols-[minmax(0,3fr)_minmax(0,2fr)]">
        <Panel
          title="Cost today by route"
          aside={
            <Link prefetch={false} href={paths.tokens({ group: "route" })} className="hover:text-ink hover:underline">
              All tokens
            </Link>
          }
        >
          <Resource query={cost} skeleton={<SkeletonRows rows={5} height={40} />}>
            {(page) => <RouteBars rows={page.data} />}
          </Resource>
        </Panel>
        <Panel title="Needs you" flush>
          <Resource query={needs} skeleton={<SkeletonRows rows={5} height={52} />}>
            {(page) => <AttentionList items={page.data} />}
          </Resource>
        </Panel>
      </div>
      <Panel
        title="Recent sessions"
        flush
        aside={
          <Link prefetch={false} href={paths.sessions()} className="hover:text-ink hover:underline">
            All sessions
          </Link>
        }
      >
        <Resource query={recent} skeleton={<SkeletonRows rows={8} />}>
          {(page) => <RecentSessions sessions={page.data} />}
        </Resource>
      </Panel>
    </Frame>
  );
}
