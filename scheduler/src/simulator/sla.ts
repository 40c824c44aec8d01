/** Was a simulated request served as its class promises? */

import type { SlaClass } from "@signalbox/otel/conventions";
import type { SlaTarget } from "../placement/candidate.ts";
import type { Job } from "./engine.ts";

export type SlaTargets = Readonly<Record<SlaClass, SlaTarget>>;

/** Those of the scheduler where a config names none. */
export const DEFAULT_TARGETS: SlaTargets = {
  interactive: { class: "interactive", ttftMs: 1_000, tpotMs: 60 },
  standard: { class: "standard", ttftMs: 5_000, tpotMs: 150 },
  background: { class: "background", deadlineMs: 600_000 },
};

export const ttftOf = (job: Job): number => job.firstTokenAt - job.atMs;
/** Milliseconds per token after the first; 0 for a reply of one token. */
export const tpotOf = (job: Job): number => (job.outputTokens > 1 ? (job.endedAt - job.firstTokenAt) / (job.outputTokens - 1) : 0);

export function attained({ ttftMs = Infinity, tpotMs = Infinity, deadlineMs = Infinity }: SlaTarget, job: Job): boolean {
  return job.endedAt > 0 && ttftOf(job) <= ttftMs && tpotOf(job) <= tpotMs && job.endedAt - job.atMs <= deadlineMs;
}
