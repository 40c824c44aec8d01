"use client";
import { useVirtualizer } from "@tanstack/react-virtual";
import { useEffect, useRef } from "react";
import type { Replay } from "../../../model/replay.ts";
import type { Playhead } from "./playhead.ts";
import { STEP_HEIGHT, TranscriptRow } from "./transcript-row.tsx";
import { usePreviews } from "./use-previews.ts";

/** Every step with what it said, the playhead's in sight. Only the rows in sight are drawn, and only their words are read. */
export function Transcript({ id, replay, playhead }: { id: string; replay: Replay; playhead: Playhead }) {
  const scroller = useRef<HTMLElement>(null);
  const mark = useRef<HTMLDivElement>(null);
  /** A reader who scrolls away is not pulled back before they ask for another moment. */
  const isFollowing = useRef(true);
  const virtual = useVirtualizer({
    count: replay.steps.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => STEP_HEIGHT,
    overscan: 6,
  });
  const items = virtual.getVirtualItems();
  const previews = usePreviews(id, replay, items[0]?.index ?? 0, items.at(-1)?.index ?? 0);

  useEffect(() => {
    let shown = -1;
    const write = () => {
      const { index } = playhead;
      if (!mark.current || !scroller.current || index === shown) return;
      shown = index;
      mark.current.style.transform = `translateY(${Math.max(0, index) * STEP_HEIGHT}px)`;
      if (!playhead.isPlaying) isFollowing.current = true;
      if (isFollowing.current) scroller.current.scrollTop = index * STEP_HEIGHT - scroller.current.clientHeight * 0.4;
    };
    write();
    const follow = () => {
      isFollowing.current = true;
    };
    const ends = [playhead.onMove(write), playhead.onPlaying(follow)];
    return () => {
      for (const end of ends) end();
    };
  }, [playhead]);

  const leave = () => {
    isFollowing.current = false;
  };
  return (
    <section
      ref={scroller}
      aria-label="transcript"
      tabIndex={0}
      onWheel={leave}
      onTouchMove={leave}
      className="relative h-[360px] overflow-y-auto outline-offset-[-2px] lg:h-[max(420px,calc(100dvh-460px))]"
    >
      <ol className="relative" style={{ height: virtual.getTotalSize() }} aria-label="steps">
        <div
          ref={mark}
          aria-hidden
          className="absolute inset-x-0 top-0 border-focus border-l-2 bg-selected"
          style={{ height: STEP_HEIGHT }}
        />
        {items.map((item) => {
          const step = replay.steps[item.index];
          return (
            step && (
              <TranscriptRow
                key={step.step.span_id}
                step={step}
                index={item.index}
                total={replay.steps.length}
                top={item.start}
                preview={previews.get(step.step.span_id)}
                onSelect={playhead.seek}
              />
            )
          );
        })}
      </ol>
    </section>
  );
}
