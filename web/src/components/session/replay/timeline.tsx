"use client";
import { useVirtualizer } from "@tanstack/react-virtual";
import { ChevronRight, Maximize2, ZoomIn, ZoomOut } from "lucide-react";
import { type PointerEvent, useEffect, useMemo, useRef, useState } from "react";
import type { Agent } from "../../../api/agent.ts";
import { type Lane, toAgentLanes, visibleLanes } from "../../../model/lanes.ts";
import type { Replay } from "../../../model/replay.ts";
import { Button } from "../../../ui/button.tsx";
import { classNames } from "../../../ui/class-names.ts";
import { HostileText } from "../../../ui/hostile-text.tsx";
import { Money } from "../../../ui/money.tsx";
import { LaneStrip } from "./lane-strip.tsx";
import type { Playhead } from "./playhead.ts";
import { useZoom } from "./use-zoom.ts";

const LANE_HEIGHT = 24;
const MOST_LANES_IN_SIGHT = 7;
const COLUMNS = "grid grid-cols-2 sm:grid-cols-[240px_minmax(0,1fr)]";

/** The whole session condensed, a line an agent: sub-agents fold into who spawned them, and cost is beside each. Click or drag to go there. */
export function Timeline({ replay, playhead, agents }: { replay: Replay; playhead: Playhead; agents: readonly Agent[] }) {
  // only what differs from how lanes begin is kept: the root is open, and who is below it is folded
  const [toggled, setToggled] = useState<ReadonlySet<string>>(new Set());
  const byAgent = useMemo(() => toAgentLanes(agents, replay.steps), [agents, replay]);
  const lanes = useMemo(() => visibleLanes(byAgent, ({ agent_id }, level) => level > 0 !== toggled.has(agent_id)), [byAgent, toggled]);
  const scroller = useRef<HTMLDivElement>(null);
  const track = useRef<HTMLDivElement>(null);
  const cursor = useRef<HTMLDivElement>(null);
  const { zoom, width, zoomBy, fit } = useZoom(track);
  const virtual = useVirtualizer({
    count: lanes.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => LANE_HEIGHT,
    overscan: 4,
  });
  const fractions = useMemo(
    () =>
      replay.steps.map(({ startMs, durationMs }) => ({
        from: replay.axis.toFraction(startMs),
        to: replay.axis.toFraction(startMs + durationMs),
      })),
    [replay],
  );

  useEffect(() => {
    const write = () => {
      if (!cursor.current) return;
      const place = (replay.axis.toFraction(playhead.ms) - zoom.from) / (zoom.to - zoom.from);
      cursor.current.style.transform = `translateX(${place * width}px)`;
      cursor.current.style.visibility = place < 0 || place > 1 ? "hidden" : "visible";
    };
    write();
    return playhead.onMove(write);
  }, [playhead, replay, zoom, width]);

  const seek = (event: PointerEvent) => {
    const box = track.current?.getBoundingClientRect();
    if (!box || box.width === 0) return;
    const place = Math.min(1, Math.max(0, (event.clientX - box.left) / box.width));
    playhead.seek(replay.axis.toTime(zoom.from + place * (zoom.to - zoom.from)));
  };
  const toggle = (id: string) => setToggled((now) => (now.has(id) ? new Set([...now].filter((one) => one !== id)) : new Set([...now, id])));

  return (
    <div className="border-line border-t">
      <div className="flex items-center gap-1 px-4 py-1.5">
        <h2 className="label mr-auto">Agents over time</h2>
        <Button aria-label="zoom out" onClick={() => zoomBy(2, replay.axis.toFraction(playhead.ms))}>
          <ZoomOut size={13} aria-hidden />
        </Button>
        <Button aria-label="zoom in" onClick={() => zoomBy(0.5, replay.axis.toFraction(playhead.ms))}>
          <ZoomIn size={13} aria-hidden />
        </Button>
        <Button aria-label="whole session" onClick={fit}>
          <Maximize2 size={12} aria-hidden />
        </Button>
      </div>
      <section
        ref={scroller}
        aria-label="agents over time"
        tabIndex={0}
        className="relative overflow-y-auto overflow-x-hidden outline-offset-[-2px]"
        style={{ height: Math.min(lanes.length, MOST_LANES_IN_SIGHT) * LANE_HEIGHT + 4 }}
      >
        <div className="relative" style={{ height: virtual.getTotalSize() }}>
          {virtual.getVirtualItems().map((item) => {
            const lane = lanes[item.index];
            return (
              lane && (
                <div
                  key={lane.id}
                  data-lane={lane.id}
                  className={`${COLUMNS} absolute inset-x-0 items-center px-4`}
                  style={{ height: LANE_HEIGHT, transform: `translateY(${item.start}px)` }}
                >
                  <LaneHead lane={lane} onToggle={() => toggle(lane.id)} />
                  <LaneStrip lane={lane} replay={replay} fractions={fractions} zoom={zoom} width={width} height={LANE_HEIGHT} />
                </div>
              )
            );
          })}
          <div className={`${COLUMNS} pointer-events-none absolute inset-0 px-4`}>
            <span />
            <div
              ref={track}
              data-track
              className="pointer-events-auto relative cursor-crosshair touch-pan-y overflow-hidden"
              onPointerDown={(event) => {
                event.currentTarget.setPointerCapture(event.pointerId);
                seek(event);
              }}
              onPointerMove={(event) => event.buttons > 0 && seek(event)}
            >
              <div ref={cursor} data-playhead className="absolute inset-y-0 left-0 -ml-px w-0.5 bg-focus will-change-transform" />
            </div>
          </div>
        </div>
      </section>
    </div>
  );
}

function LaneHead({ lane, onToggle }: { lane: Lane; onToggle: () => void }) {
  return (
    <span className="flex min-w-0 items-center gap-1 pr-3 text-sm" style={{ paddingLeft: Math.min(lane.level, 6) * 10 }}>
      {lane.hasChildren ? (
        <button
          type="button"
          onClick={onToggle}
          aria-expanded={!lane.isFolded}
          aria-label={`${lane.isFolded ? "show" : "fold"} the sub-agents of ${lane.name}`}
          className="grid size-6 shrink-0 place-items-center text-ink-3 hover:text-ink"
        >
          <ChevronRight size={13} className={classNames("transition-transform", !lane.isFolded && "rotate-90")} aria-hidden />
        </button>
      ) : (
        <span className="w-6 shrink-0" />
      )}
      <span className={classNames("min-w-0 truncate", lane.level === 0 && "font-medium")} title={lane.id}>
        <HostileText text={lane.name} />
      </span>
      {lane.isFolded && lane.descendants > 0 && <span className="hidden shrink-0 text-ink-3 sm:inline">+{lane.descendants}</span>}
      <Money nanousd={lane.nanousd} unknownCalls={lane.nanousd === null ? 0 : lane.unknownCalls} className="ml-auto text-ink-2 text-xs" />
    </span>
  );
}
