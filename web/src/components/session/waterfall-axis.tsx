"use client";
import { memo } from "react";
import { formatDuration } from "../../model/time.ts";
import type { TimeAxis } from "../../model/time-axis.ts";
import { formatTime, useTimeZone } from "../../ui/time.tsx";
import { CALL_PARTS, WATERFALL_COLUMNS } from "./waterfall-look.ts";

/** Clock times above the bars; idle time that was left out is said in words. */
export const WaterfallAxis = memo(function WaterfallAxis({ axis }: { axis: TimeAxis }) {
  const timeZone = useTimeZone();
  const idleMs = axis.breaks.reduce((sum, gap) => sum + gap.ms, 0);
  // fine enough that the four marks read differently
  const style = axis.activeMs < 10_000 ? "tenth" : axis.activeMs < 240_000 ? "time" : "minute";
  return (
    <div className="sticky top-0 z-10 border-line border-b bg-surface">
      <div className="flex flex-wrap items-center gap-x-5 gap-y-1 px-4 pt-2.5 text-ink-2 text-sm">
        <span className="tabular">
          {formatDuration(axis.activeMs)} active{idleMs > 0 && `, ${formatDuration(idleMs)} idle left out`}
        </span>
        <ul className="flex gap-3" aria-label="parts of a model call">
          {CALL_PARTS.map(({ name, opacity }) => (
            <li key={name} className="flex items-center gap-1.5">
              <span className="h-2 w-4 rounded-[2px] bg-ink" style={{ opacity }} aria-hidden />
              {name}
            </li>
          ))}
        </ul>
      </div>
      <div className={`${WATERFALL_COLUMNS} h-7 items-center`} aria-hidden>
        <span className="label">Span</span>
        <span className="tabular relative hidden h-full text-ink-3 text-xs sm:block">
          {[0, 0.25, 0.5, 0.75].map((at) => (
            <span key={at} className="absolute top-1.5 border-line border-l pl-1" style={{ left: `${at * 100}%` }}>
              {formatTime(axis.toTime(at), timeZone, style)}
            </span>
          ))}
        </span>
        <span className="sm:hidden" />
        <span className="label text-right">Cost</span>
      </div>
    </div>
  );
});
