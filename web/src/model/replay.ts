import type { Step } from "../api/step.ts";
import { epochMs } from "./time.ts";
import { type TimeAxis, toTimeAxis } from "./time-axis.ts";

export interface ReplayStep {
  step: Step;
  startMs: number;
  durationMs: number;
}

/** The steps of a session on one time axis. */
export interface Replay {
  /** In the order of their start. */
  steps: readonly ReplayStep[];
  axis: TimeAxis;
  /** How long it plays at 1×, milliseconds: the active time, and a moment for each idle gap. */
  lengthMs: number;
  startMs: number;
  endMs: number;
  /** Indices of steps, ascending: those that failed; the first of each sub-agent; the costliest one. */
  errors: readonly number[];
  subAgents: readonly number[];
  costliest: readonly number[];
}

/** @param steps in the order of their start. */
export function toReplay(steps: readonly Step[]): Replay {
  const timed = steps.map((step) => ({ step, startMs: epochMs(step.start_time), durationMs: Number(step.duration_ns) / 1e6 }));
  const axis = toTimeAxis(timed);
  const breaks = axis.breaks.reduce((sum, gap) => sum + gap.to - gap.from, 0);
  const errors: number[] = [];
  const subAgents: number[] = [];
  const seen = new Set<string>();
  let costliest = -1;
  let most = 0n;
  for (const [index, { step }] of timed.entries()) {
    if (step.status === "error") errors.push(index);
    if (step.agent_id !== "" && !seen.has(step.agent_id)) {
      if (seen.size > 0) subAgents.push(index);
      seen.add(step.agent_id);
    }
    const cost = step.kind === "call" && step.cost_nanousd !== null ? BigInt(step.cost_nanousd) : 0n;
    if (cost > most) {
      most = cost;
      costliest = index;
    }
  }
  return {
    steps: timed,
    axis,
    lengthMs: breaks < 1 ? axis.activeMs / (1 - breaks) : 0,
    startMs: timed[0]?.startMs ?? 0,
    endMs: timed.reduce((end, { startMs, durationMs }) => Math.max(end, startMs + durationMs), timed[0]?.startMs ?? 0),
    errors,
    subAgents,
    costliest: costliest < 0 ? [] : [costliest],
  };
}

/** The last step that has begun by then; 0 before the first, -1 where there is none. */
export function indexAt({ steps }: Pick<Replay, "steps">, ms: number): number {
  if (steps.length === 0) return -1;
  let low = 0;
  let high = steps.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if ((steps[middle] as ReplayStep).startMs <= ms) low = middle;
    else high = middle - 1;
  }
  return low;
}

/** The first of these after `index`, or, where none is, the first of all. */
export function nextOf(indices: readonly number[], index: number): number | undefined {
  return indices.find((candidate) => candidate > index) ?? indices[0];
}

/** Where the playhead is after `elapsedMs` of a reader's time. */
export function advance({ axis, lengthMs, endMs }: Replay, ms: number, elapsedMs: number, speed: number): number {
  if (lengthMs <= 0) return endMs;
  const fraction = axis.toFraction(ms) + (elapsedMs * speed) / lengthMs;
  return fraction >= 1 ? endMs : axis.toTime(fraction);
}
