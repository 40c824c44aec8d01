/**
 * A policy with foresight, to hold the real one against: it knows how long every reply will be, and tries each pool on a copy of its
 * engine, to the last token, before it chooses. What it does not know is who comes next. It takes the pool where the least harm is
 * done: no call late that was not, and all others kept as far from their bounds as can be.
 *
 * Nobody can run it. It says what a scheduler loses by having to predict; it is not the best that could be done.
 */

import { stretchOf } from "../placement/estimate.ts";
import { type Job, newJob } from "./engine.ts";
import type { Policy } from "./policies.ts";
import { type SlaTargets, tpotOf, ttftOf } from "./sla.ts";

/** A late call outweighs any number of calls that only come close. */
const LATE = 1_000;
/** How much more a call counts the nearer it is to its bound. */
const STEEPNESS = 4;

/** Fresh state for each simulation. */
export function withForesight(): Policy {
  /** Per pool and by the request's number, what each of its calls comes to if nobody else arrives. */
  const futures: Map<number, number>[] = [];
  let index = 0;
  return (arrival, pools, { targets }) => {
    let best: { pool: number; harm: number; future: Map<number, number> } | undefined;
    for (const [pool, { engine }] of pools.entries()) {
      const copy = engine.fork();
      copy.submit(newJob(arrival, index), arrival.atMs);
      const before = futures[pool];
      const future = new Map<number, number>();
      let harm = 0;
      copy.advance(Number.MAX_VALUE, (ended) => {
        const regret = regretOf(ended, targets);
        future.set(ended.index, regret);
        harm += regret - (before?.get(ended.index) ?? 0);
      });
      if (!best || harm < best.harm) best = { pool, harm, future };
    }
    index++;
    if (best) futures[best.pool] = best.future;
    return best?.pool;
  };
}

function regretOf(job: Job, targets: SlaTargets): number {
  const stretch = stretchOf(targets[job.slaClass], { ttftMs: ttftOf(job), tpotMs: tpotOf(job), totalMs: job.endedAt - job.atMs });
  return stretch ** STEEPNESS + (stretch > 1 ? LATE : 0);
}
