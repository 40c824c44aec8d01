import { MOST_COUNTED_CALLS } from "../../api/cost.ts";
import type { Explanation } from "../../api/explain.ts";
import { formatCount } from "../../model/numbers.ts";
import { epochMs } from "../../model/time.ts";
import { formatTime, useTimeZone } from "../../ui/time.tsx";

/** Which two periods are held against each other, and why it is not the one that was asked for where that `isShort`. */
export function Periods({ explanation, isShort }: { explanation: Explanation; isShort: boolean }) {
  const timeZone = useTimeZone();
  const { by, before_from: beforeFrom, from, to } = explanation;
  const isLong = epochMs(to) - epochMs(beforeFrom) > 20 * 3_600_000;
  const said = (time: string) => formatTime(epochMs(time), timeZone, isLong ? "dayhour" : "minute");
  return (
    <span className="tabular" data-periods={by}>
      by whole {by}s: {said(from)} to {said(to)}, against {said(beforeFrom)} to {said(from)}
      {isShort && by === "hour" && `, for these are more than ${formatCount(MOST_COUNTED_CALLS)} calls`}
    </span>
  );
}
