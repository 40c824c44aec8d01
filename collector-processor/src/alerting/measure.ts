import type { Connection } from "../exporters/postgres-connection.ts";
import type { Micros } from "../rows.ts";
import { type Condition, KINDS } from "./condition.ts";
import { type Episode, firing, type Interval, type Point, silences, windowIntervals } from "./episodes.ts";
import { ACTIVITY } from "./sql/activity.ts";
import { CALL_POINTS, type CallMeasure, type CallsBy } from "./sql/call-points.ts";
import { COST_CROSSINGS } from "./sql/cost-crossings.ts";
import { LOOP_POINTS } from "./sql/loop-points.ts";
import { SPAWN_POINTS } from "./sql/spawn-points.ts";

/** What to look at. Preview and live evaluation differ in nothing else. */
export interface Look {
  project: string | null;
  /** Sessions that changed, their sub-agents' or traces' ids among them; null: all. */
  sessions: readonly string[] | null;
  /** Alerts that were over before are of no interest. */
  from: Micros;
  /** The last span that counts; live it is a little ahead of `now`, for clocks differ. */
  to: Micros;
  /** What has not begun or lasted by now has not. */
  now: Micros;
  forSeconds: number;
  /** An alert ends when its condition has not held for so long. */
  resolveSeconds: number;
}

const SECOND = 1e6;
/** The window slides in steps of a second, or of so much of a longer one. */
const STEPS_PER_WINDOW = 300;
const QUIET_STEPS = 100;

type Row = { subject: string; session_id: string | null; at: string; count: string | number; of: string | number };

/** When the condition's rule is firing between `from` and `to`, by subject; the ends may lie ahead. */
export async function measure(connection: Connection, condition: Condition, look: Look): Promise<Episode[]> {
  const held = await holding(connection, condition, look);
  const latest = look.forSeconds > 0 ? look.now : look.to;
  return held.flatMap(({ subject, sessionId, intervals }) =>
    firing(intervals, look.forSeconds * SECOND, look.resolveSeconds * SECOND)
      .filter((interval) => interval.start <= latest && (interval.end === null || interval.end >= look.from))
      .map((interval) => ({ subject, sessionId, ...interval })),
  );
}

interface Held {
  subject: string;
  sessionId: string | null;
  intervals: Interval[];
}

async function holding(connection: Connection, condition: Condition, look: Look): Promise<Held[]> {
  const windowMicros = (condition.window_seconds ?? 0) * SECOND;
  // an alert that is firing at `from` may have begun a window, and the time that it must hold, before
  const from = look.from - windowMicros - (look.forSeconds + look.resolveSeconds) * SECOND;
  const scope = [JSON.stringify(look.sessions), from, look.to, look.project ?? "", condition.agent ?? ""];
  const slide = (rows: Row[], threshold: number, shareOfAtLeast: number | null = null) =>
    bySubject(rows, (points) => windowIntervals(points, { windowMicros, threshold, shareOfAtLeast }));
  switch (condition.kind) {
    case "session_cost":
      return crossings(await connection.query<Row>(COST_CROSSINGS, [...scope, Math.round(condition.threshold * 1e9)]));
    case "sub_agents":
      return slide(await connection.query<Row>(SPAWN_POINTS, [...scope, condition.per]), condition.threshold);
    case "loop":
      return slide(await connection.query<Row>(LOOP_POINTS, scope), condition.threshold);
    case "spend_rate":
    case "error_rate":
    case "sla_missed": {
      const step = Math.max(1, Math.ceil((condition.window_seconds ?? 1) / STEPS_PER_WINDOW)) * SECOND;
      const isShare = KINDS[condition.kind].unit === "share";
      // the share of a step that is not over can still fall; a sum only grows
      const to = isShare ? Math.floor(look.now / step) * step - 1 : look.to;
      const statement = CALL_POINTS[condition.kind satisfies CallMeasure][condition.per as CallsBy];
      const rows = await connection.query<Row>(statement, [...scope.slice(0, 2), to, ...scope.slice(3), step]);
      return isShare ? slide(rows, condition.threshold, condition.min_calls) : slide(rows, Math.round(condition.threshold * 1e9));
    }
    case "silence": {
      const quiet = condition.threshold * SECOND;
      const step = Math.max(1, Math.floor(condition.threshold / QUIET_STEPS)) * SECOND;
      const rows = await connection.query<{ start: string; end: string }>(ACTIVITY, [
        from - quiet,
        look.now,
        look.project ?? "",
        condition.agent ?? "",
        step,
      ]);
      const activity = rows.map(({ start, end }) => ({ start: Number(start), end: Math.min(Number(end), look.now) }));
      // a silence that has not lasted yet is none
      const intervals = silences(activity, quiet).filter(({ start }) => start <= look.now);
      return [{ subject: condition.agent ?? "all", sessionId: null, intervals }];
    }
    case "budget":
    case "pool_saturation":
      throw new Error(`${condition.kind} has no history: only the scheduler knows it, as it is now`);
  }
}

/** A sum that only grows crosses once, and stays. */
const crossings = (rows: Row[]): Held[] =>
  rows.map(({ subject, session_id, at, count }) => {
    return { subject, sessionId: session_id, intervals: [{ start: Number(at), end: null, peak: Number(count) }] };
  });

/** Rows of one subject stand together, in order of time. */
function bySubject(rows: Row[], intervalsOf: (points: Point[]) => Interval[]): Held[] {
  const held: Held[] = [];
  let points: Point[] = [];
  for (const [index, row] of rows.entries()) {
    points.push({ at: Number(row.at), count: Number(row.count), of: Number(row.of) });
    const next = rows[index + 1];
    if (next?.subject === row.subject && next.session_id === row.session_id) continue;
    const intervals = intervalsOf(points);
    if (intervals.length > 0) held.push({ subject: row.subject, sessionId: row.session_id, intervals });
    points = [];
  }
  return held;
}
