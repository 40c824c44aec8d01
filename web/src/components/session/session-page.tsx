"use client";
import { plainId } from "@signalbox/otel/conventions";
import { useQuery } from "@tanstack/react-query";
import { useQueryStates } from "nuqs";
import { Tabs } from "radix-ui";
import { useCallback, useState } from "react";
import { agentsQuery } from "../../api/agent.ts";
import type { ControlAction } from "../../api/control.ts";
import { sessionQuery } from "../../api/session.ts";
import { formatCompact } from "../../model/numbers.ts";
import { SESSION_VIEWS, sessionParams } from "../../search-params.ts";
import { SkeletonRows } from "../../ui/skeleton.tsx";
import { useChosenInSight } from "../../ui/use-chosen-in-sight.ts";
import { Frame } from "../frame.tsx";
import { Resource } from "../resource.tsx";
import { Unread } from "../unread.tsx";
import { AgentTree } from "./agent-tree.tsx";
import { Decisions } from "./decisions.tsx";
import { Replay } from "./replay/replay.tsx";
import { SessionControls } from "./session-controls.tsx";
import { SessionCrumbs } from "./session-crumbs.tsx";
import { SessionHeader } from "./session-header.tsx";
import { SessionMemory } from "./session-memory.tsx";
import { SpanDrawer } from "./span-drawer.tsx";
import { StopDialog } from "./stop-dialog.tsx";
import { useTimeline } from "./use-timeline.ts";
import { Waterfall } from "./waterfall.tsx";

/** One session: what it cost and why, over time, by agent, by decision. */
export function SessionPage({ id }: { id: string }) {
  const [asked, setAsked] = useState<ControlAction | null>(null);
  const session = useQuery(sessionQuery(id));
  return (
    <>
      <SessionViews id={id} onStop={setAsked} />
      {/* out here it stays when the session's data arrives */}
      {asked && <StopDialog id={id} session={session.data} action={asked} onClose={() => setAsked(null)} />}
    </>
  );
}

function SessionViews({ id, onStop }: { id: string; onStop: (action: ControlAction) => void }) {
  const [{ view, span }, setParams] = useQueryStates(sessionParams);
  const session = useQuery(sessionQuery(id));
  const agents = useQuery(agentsQuery(id));
  const timeline = useTimeline(id, view === "timeline");
  const selectSpan = useCallback((next: string | null) => void setParams({ span: next }), [setParams]);
  const tabs = useChosenInSight(session.data ? view : "");
  if (!session.data)
    return (
      <Frame>
        {/* its stop goes to the scheduler, and works without the database */}
        <div className="flex flex-wrap items-center justify-between gap-3">
          <SessionCrumbs name={plainId(id)} />
          <SessionControls onChoose={onStop} />
        </div>
        <section aria-label="session" className="rounded-lg border border-line bg-surface">
          <Unread query={session} skeleton={<SkeletonRows rows={3} height={44} />} />
        </section>
      </Frame>
    );

  const counts = {
    timeline: session.data.spans,
    replay: undefined,
    agents: session.data.sub_agents + 1,
    decisions: undefined,
    memory: undefined,
  };
  const labels = { timeline: "Timeline", replay: "Replay", agents: "Agents", decisions: "Decisions", memory: "Memory" };
  return (
    <Frame>
      <SessionHeader session={session.data} onStop={onStop} />
      <Tabs.Root
        value={view}
        onValueChange={(next) => setParams({ view: next as typeof view })}
        className="overflow-clip rounded-lg border border-line bg-surface"
      >
        <Tabs.List ref={tabs} aria-label="session views" className="scroll-x flex gap-1 overflow-y-hidden border-line border-b px-2">
          {SESSION_VIEWS.map((name) => (
            <Tabs.Trigger
              key={name}
              value={name}
              className="-mb-px flex h-10 items-center gap-2 border-transparent border-b-2 px-3 text-ink-2 outline-offset-[-2px] hover:text-ink data-[state=active]:border-ink data-[state=active]:font-medium data-[state=active]:text-ink"
            >
              {labels[name]}
              {counts[name] !== undefined && <span className="tabular text-ink-3 text-sm">{formatCompact(counts[name])}</span>}
            </Tabs.Trigger>
          ))}
        </Tabs.List>
        <Tabs.Content value="timeline" tabIndex={-1}>
          {timeline.spans ? (
            <Waterfall spans={timeline.spans} isCut={timeline.isCut} selected={span} onSelect={selectSpan} />
          ) : (
            <Unread query={{ data: timeline.spans, error: timeline.error }} skeleton={<SkeletonRows rows={12} height={30} />} />
          )}
        </Tabs.Content>
        <Tabs.Content value="replay" tabIndex={-1}>
          <Replay id={id} />
        </Tabs.Content>
        <Tabs.Content value="agents" tabIndex={-1}>
          <Resource query={agents} skeleton={<SkeletonRows rows={8} height={40} />}>
            {(page) => <AgentTree agents={page.data} session={session.data} />}
          </Resource>
        </Tabs.Content>
        <Tabs.Content value="decisions" tabIndex={-1}>
          <Decisions id={id} onSelect={(next) => setParams({ span: next })} />
        </Tabs.Content>
        <Tabs.Content value="memory" tabIndex={-1}>
          <SessionMemory id={id} onSelect={(next) => setParams({ span: next })} />
        </Tabs.Content>
      </Tabs.Root>
      {span && <SpanDrawer key={span} session={id} spanId={span} onClose={() => setParams({ span: null })} />}
    </Frame>
  );
}
