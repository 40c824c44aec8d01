import type { Micros } from "../rows.ts";

/** A time in which a condition held for one subject; `end` null: it holds until something changes. */
export interface Interval {
  start: Micros;
  end: Micros | null;
  /** the most that was measured in it */
  peak: number;
}

/** A time in which a rule is firing for one subject. */
export interface Episode extends Interval {
  subject: string;
  sessionId: string | null;
}

/**
 * When a rule fires, from when its condition holds: only after it has held for `forMicros`, and until it has not held for
 * `resolveMicros`, so that a value around its threshold is one alert and not many.
 */
export function firing(intervals: readonly Interval[], forMicros: number, resolveMicros: number): Interval[] {
  const result: Interval[] = [];
  for (const { start, end, peak } of intervals) {
    const fires = start + forMicros;
    if (end !== null && end < fires) continue;
    const last = result.at(-1);
    const resolved = end === null ? null : end + resolveMicros;
    if (last !== undefined && (last.end === null || last.end >= fires)) {
      last.end = last.end === null || resolved === null ? null : Math.max(last.end, resolved);
      last.peak = Math.max(last.peak, peak);
    } else result.push({ start: fires, end: resolved, peak });
  }
  return result;
}

/** What happened at one moment, as far as a condition counts it. */
export interface Point {
  at: Micros;
  /** what is counted: sub-agents, nano-USD, errors */
  count: number;
  /** of how many; equal to `count` where no share is asked for */
  of: number;
}

export interface WindowTest {
  windowMicros: number;
  threshold: number;
  /** null: the sum is compared, else the share, once there are so many to take it of */
  shareOfAtLeast: number | null;
}

/**
 * When the sum (or share) over the last `windowMicros` is more than the threshold. A point counts from its moment on and leaves when
 * the window has passed it, so the ends of intervals may lie ahead.
 * @param points in order of time
 */
export function windowIntervals(points: readonly Point[], { windowMicros, threshold, shareOfAtLeast }: WindowTest): Interval[] {
  const intervals: Interval[] = [];
  let open: Interval | null = null;
  let count = 0;
  let of = 0;
  let entering = 0;
  let leaving = 0;
  while (leaving < points.length) {
    const at = Math.min(points[entering]?.at ?? Number.POSITIVE_INFINITY, (points[leaving] as Point).at + windowMicros);
    for (let point = points[leaving]; point !== undefined && point.at + windowMicros <= at; point = points[++leaving]) {
      count -= point.count;
      of -= point.of;
    }
    for (let point = points[entering]; point !== undefined && point.at <= at; point = points[++entering]) {
      count += point.count;
      of += point.of;
    }
    const value = shareOfAtLeast === null ? count : of >= shareOfAtLeast && of > 0 ? count / of : 0;
    if (value > threshold) {
      if (open === null) {
        open = { start: at, end: null, peak: value };
        intervals.push(open);
      } else open.peak = Math.max(open.peak, value);
    } else if (open !== null) {
      open.end = at;
      open = null;
    }
  }
  return intervals;
}

/**
 * When nothing was heard for longer than `quietMicros`. Before the first activity that is known there is no silence.
 * @param activity in order of start; the last silence is open
 */
export function silences(activity: readonly { start: Micros; end: Micros }[], quietMicros: number): Interval[] {
  const intervals: Interval[] = [];
  let last: Micros | null = null;
  for (const { start, end } of activity) {
    if (last !== null && start - last > quietMicros) {
      intervals.push({ start: last + quietMicros, end: start, peak: (start - last) / 1e6 });
    }
    last = Math.max(last ?? end, end);
  }
  if (last !== null) intervals.push({ start: last + quietMicros, end: null, peak: quietMicros / 1e6 });
  return intervals;
}
