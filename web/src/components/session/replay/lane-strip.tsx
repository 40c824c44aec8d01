"use client";
import { memo, useMemo } from "react";
import { barsPath, type Lane } from "../../../model/lanes.ts";
import type { Replay } from "../../../model/replay.ts";
import { siliconLook } from "../../../ui/silicon.ts";
import type { Zoom } from "./use-zoom.ts";

/** The steps of one lane as bars: turns thin, calls by silicon, tools grey, what failed red and below the others. */
export const LaneStrip = memo(function LaneStrip({
  lane,
  replay,
  fractions,
  zoom,
  width,
  height,
}: {
  lane: Lane;
  replay: Replay;
  fractions: readonly { from: number; to: number }[];
  zoom: Zoom;
  width: number;
  height: number;
}) {
  const paths = useMemo(() => {
    const groups = new Map<string, { from: number; to: number }[]>();
    const scale = zoom.to - zoom.from;
    for (const index of lane.steps) {
      const step = replay.steps[index]?.step;
      const place = fractions[index];
      if (!step || !place || place.to < zoom.from || place.from > zoom.to) continue;
      const bar = { from: (place.from - zoom.from) / scale, to: (place.to - zoom.from) / scale };
      const keys = [step.kind === "call" ? siliconLook(step.silicon).color : step.kind];
      if (step.status === "error") keys.push("error");
      for (const key of keys) {
        const group = groups.get(key);
        if (group) group.push(bar);
        else groups.set(key, [bar]);
      }
    }
    const middle = height / 2;
    return [...groups].map(([key, bars]) => {
      if (key === "turn") return { key, fill: "var(--ink)", opacity: 0.25, path: barsPath(bars, width, middle - 1, 2) };
      if (key === "tool") return { key, fill: "var(--ink)", opacity: 0.35, path: barsPath(bars, width, middle - 4, 8) };
      if (key === "error") return { key, fill: "var(--bad)", opacity: 1, path: barsPath(bars, width, height - 5, 3) };
      return { key, fill: key, opacity: 1, path: barsPath(bars, width, middle - 6, 12) };
    });
  }, [lane.steps, replay, fractions, zoom, width, height]);
  return (
    <svg aria-hidden data-strip width={width} height={height} className="block">
      {paths.map(({ key, fill, opacity, path }) => (
        <path key={key} d={path} fill={fill} opacity={opacity} shapeRendering="crispEdges" />
      ))}
    </svg>
  );
});
