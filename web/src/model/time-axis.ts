/**
 * A time axis that leaves out idle time. A session may sleep for hours between turns of seconds: on a plain axis every turn
 * would be invisible. Idle gaps become narrow breaks, and all active time has one scale.
 */

export interface Break {
  /** Where it stands, 0..1. */
  from: number;
  to: number;
  ms: number;
}

export interface TimeAxis {
  toFraction(ms: number): number;
  toTime(fraction: number): number;
  breaks: Break[];
  activeMs: number;
  wallMs: number;
}

interface Stretch {
  startMs: number;
  endMs: number;
  from: number;
  to: number;
}

/** Shorter gaps than this share of the active time are drawn to scale. */
const GAP_SHARE = 0.06;
const BREAK_WIDTH = 0.012;
const MAX_BREAKS_WIDTH = 0.3;

export function toTimeAxis(spans: Iterable<{ startMs: number; durationMs: number }>): TimeAxis {
  const active = mergeIntervals(spans);
  const first = active[0]?.startMs ?? 0;
  const last = active.at(-1)?.endMs ?? first;
  const wallMs = last - first;
  const busyMs = active.reduce((sum, interval) => sum + interval.endMs - interval.startMs, 0);
  const joined = joinClose(active, Math.max(1, busyMs * GAP_SHARE));
  const activeMs = joined.reduce((sum, interval) => sum + interval.endMs - interval.startMs, 0);
  const count = Math.max(0, joined.length - 1);
  const width = count === 0 ? 0 : Math.min(BREAK_WIDTH, MAX_BREAKS_WIDTH / count);
  const scale = activeMs > 0 ? (1 - width * count) / activeMs : 0;

  const stretches: Stretch[] = [];
  const breaks: Break[] = [];
  let at = 0;
  for (const [index, { startMs, endMs }] of joined.entries()) {
    const before = joined[index - 1];
    if (before) {
      breaks.push({ from: at, to: at + width, ms: startMs - before.endMs });
      stretches.push({ startMs: before.endMs, endMs: startMs, from: at, to: at + width });
      at += width;
    }
    const to = at + (endMs - startMs) * scale;
    stretches.push({ startMs, endMs, from: at, to });
    at = to;
  }
  return {
    breaks,
    activeMs,
    wallMs,
    toFraction: (ms) => {
      const stretch = find(stretches, (candidate) => ms <= candidate.endMs);
      return stretch ? interpolate(ms, stretch.startMs, stretch.endMs, stretch.from, stretch.to) : 0;
    },
    toTime: (fraction) => {
      const stretch = find(stretches, (candidate) => fraction <= candidate.to);
      return stretch ? interpolate(fraction, stretch.from, stretch.to, stretch.startMs, stretch.endMs) : first;
    },
  };
}

function mergeIntervals(spans: Iterable<{ startMs: number; durationMs: number }>) {
  const sorted = [...spans]
    .map(({ startMs, durationMs }) => ({ startMs, endMs: startMs + durationMs }))
    .sort((left, right) => left.startMs - right.startMs);
  return joinClose(sorted, 0);
}

function joinClose(sorted: readonly { startMs: number; endMs: number }[], gapMs: number) {
  const joined: { startMs: number; endMs: number }[] = [];
  for (const { startMs, endMs } of sorted) {
    const last = joined.at(-1);
    if (last && startMs - last.endMs <= gapMs) last.endMs = Math.max(last.endMs, endMs);
    else joined.push({ startMs, endMs });
  }
  return joined;
}

/** The first that holds, of a list in which every later one holds too; else the last. */
function find<T>(list: readonly T[], holds: (item: T) => boolean): T | undefined {
  let low = 0;
  let high = list.length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (holds(list[middle] as T)) high = middle;
    else low = middle + 1;
  }
  return list[low];
}

function interpolate(value: number, from: number, to: number, low: number, high: number): number {
  if (to <= from) return low;
  return low + (Math.min(Math.max(value, from), to) - from) * ((high - low) / (to - from));
}
