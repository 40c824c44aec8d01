"use client";
import { useQuery } from "@tanstack/react-query";
import { useQueryStates } from "nuqs";
import { useEffect, useState } from "react";
import { agentsQuery } from "../../../api/agent.ts";
import type { Replay as ReplayModel } from "../../../model/replay.ts";
import { sessionParams } from "../../../search-params.ts";
import { EmptyState } from "../../../ui/notice.tsx";
import { SkeletonRows } from "../../../ui/skeleton.tsx";
import { Unread } from "../../unread.tsx";
import { createPlayhead, type Playhead } from "./playhead.ts";
import { StepDetail } from "./step-detail.tsx";
import { Timeline } from "./timeline.tsx";
import { Transcript } from "./transcript.tsx";
import { Transport } from "./transport.tsx";
import { useSteps } from "./use-steps.ts";

const WRITE_ADDRESS_MS = 400;

/** A session as it went: the steps on a time axis, one moment of it in sight, and what was said then. */
export function Replay({ id }: { id: string }) {
  const { replay, error, isWhole } = useSteps(id);
  if (!replay) return <Unread query={{ data: replay, error }} skeleton={<SkeletonRows rows={10} height={40} />} />;
  if (replay.steps.length === 0) return <EmptyState title="No steps yet">Turns, model calls and tool calls appear here.</EmptyState>;
  return <Stage id={id} replay={replay} isWhole={isWhole} />;
}

function Stage({ id, replay, isWhole }: { id: string; replay: ReplayModel; isWhole: boolean }) {
  const agents = useQuery(agentsQuery(id));
  const playhead = useAddressedPlayhead(replay);
  return (
    <section aria-label="replay" className="flex flex-col">
      <Transport replay={replay} playhead={playhead} isWhole={isWhole} />
      <Timeline replay={replay} playhead={playhead} agents={agents.data?.data ?? []} />
      <div className="grid border-line border-t lg:grid-cols-[minmax(0,3fr)_minmax(0,2fr)]">
        <Transcript id={id} replay={replay} playhead={playhead} />
        <StepDetail id={id} replay={replay} playhead={playhead} />
      </div>
    </section>
  );
}

/** The playhead begins at the moment that the address names, and leaves where it rests in the address. */
function useAddressedPlayhead(replay: ReplayModel): Playhead {
  const [{ at }, setParams] = useQueryStates(sessionParams);
  const [playhead] = useState(() => {
    const made = createPlayhead();
    if (at !== null) made.seek(at);
    made.setReplay(replay);
    return made;
  });
  useEffect(() => playhead.setReplay(replay), [playhead, replay]);
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const write = () => {
      clearTimeout(timer);
      if (!playhead.isPlaying) timer = setTimeout(() => void setParams({ at: Math.round(playhead.ms) }), WRITE_ADDRESS_MS);
    };
    const ends = [playhead.onMove(write), playhead.onPlaying(write)];
    return () => {
      clearTimeout(timer);
      for (const end of ends) end();
    };
  }, [playhead, setParams]);
  useEffect(() => () => playhead.pause(), [playhead]);
  return playhead;
}
