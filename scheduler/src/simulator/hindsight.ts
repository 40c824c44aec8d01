/**
 * A schedule found with hindsight: all arrivals and all lengths are known, and calls are moved between pools until every class is on target
 * as often as asked, or the patience ends. What it finds can be played, so the best that could be done is at least that; a search at random
 * does not find the best.
 *
 * A move takes a call that is late, or one that ran beside it, to another pool; both pools are played again from the first call to the
 * last. It stays where what is late in all, weighted so that each class counts as much as another, is no more than before.
 */

import { dueInMs, type SlaTarget } from "../placement/candidate.ts";
import { stretchOf } from "../placement/estimate.ts";
import { createEngine, type Job, newJob } from "./engine.ts";
import { type PoolModel, reachClient } from "./fleet.ts";
import type { Policy } from "./policies.ts";
import { createRandom } from "./random.ts";
import { type SlaTargets, tpotOf, ttftOf } from "./sla.ts";
import type { Arrival } from "./trace.ts";

export interface Search {
  fleet: readonly PoolModel[];
  arrivals: readonly Arrival[];
  targets: SlaTargets;
  /** Share of every class that is to be on target, 0 to 1. */
  attainment: number;
  /** Each takes the time of playing two pools: some 10 ms with ten thousand calls on eight. */
  moves: number;
  seed: number;
}

/** What a call came to when its pool was played last. */
interface Played {
  lateness: number;
  endedAt: number;
}

/** A late call counts 1, and up to 1 more by how late it is: so that a search sees that it comes closer. */
const latenessOf = (target: SlaTarget, job: Job): number => {
  const stretch = stretchOf(target, { ttftMs: ttftOf(job), tpotMs: tpotOf(job), totalMs: job.endedAt - job.atMs });
  return stretch > 1 ? 1 + Math.min(1, stretch - 1) : 0;
};

/**
 * @param start the pool of each call to begin with, by its number
 * @returns the pool of each call
 */
export function searchWithHindsight({ fleet, arrivals, targets, attainment, moves, seed }: Search, start: readonly number[]): number[] {
  const random = createRandom(seed);
  const anyOf = (count: number) => Math.min(count - 1, Math.floor(random() * count));
  const pools = fleet.map((_, pool) => start.flatMap((at, index) => (at === pool ? [index] : [])));
  const sizes = new Map<string, number>();
  for (const { slaClass } of arrivals) sizes.set(slaClass, (sizes.get(slaClass) ?? 0) + 1);
  const played: Played[] = arrivals.map(() => ({ lateness: 0, endedAt: 0 }));

  function play(pool: number, calls: readonly number[]): { index: number; result: Played }[] {
    const model = fleet[pool] as PoolModel;
    const engine = createEngine(model);
    const ended: { index: number; result: Played }[] = [];
    const onEnd = (job: Job) => {
      reachClient(job, model);
      ended.push({ index: job.index, result: { lateness: latenessOf(targets[job.slaClass], job), endedAt: job.endedAt } });
    };
    for (const index of calls) {
      const arrival = arrivals[index] as Arrival;
      engine.advance(arrival.atMs, onEnd);
      engine.submit(newJob(arrival, index, arrival.atMs + dueInMs(targets[arrival.slaClass])), arrival.atMs);
    }
    engine.advance(Number.MAX_VALUE, onEnd);
    return ended;
  }
  const weightOf = (index: number) => 1 / (sizes.get((arrivals[index] as Arrival).slaClass) as number);
  const keep = (results: readonly { index: number; result: Played }[]) => {
    for (const { index, result } of results) played[index] = result;
  };
  for (const [pool, calls] of pools.entries()) keep(play(pool, calls));

  for (let move = 0; move < moves && fleet.length > 1; move++) {
    const late = arrivals.flatMap((_, index) => ((played[index] as Played).lateness > 0 ? [index] : []));
    const tooMany = [...sizes].filter(
      ([name, size]) => late.filter((index) => arrivals[index]?.slaClass === name).length > (1 - attainment) * size,
    );
    if (tooMany.length === 0) break;
    const urgent = late.filter((index) => tooMany.some(([name]) => name === arrivals[index]?.slaClass));
    const victim = urgent[anyOf(urgent.length)] as number;
    const from = pools.findIndex((calls) => calls.includes(victim));
    const calls = pools[from] as number[];
    const until = (played[victim] as Played).endedAt;
    const beside = calls.filter(
      (index) => (arrivals[index] as Arrival).atMs <= until && (played[index] as Played).endedAt >= (arrivals[victim] as Arrival).atMs,
    );
    const moved = random() < 0.5 ? victim : (beside[anyOf(beside.length)] as number);
    const to = (from + 1 + anyOf(fleet.length - 1)) % fleet.length;
    const left = calls.filter((index) => index !== moved);
    const joined = [...(pools[to] as number[]), moved].sort((a, b) => a - b);
    const results = [...play(from, left), ...play(to, joined)];
    const change = results.reduce(
      (sum, { index, result }) => sum + weightOf(index) * (result.lateness - (played[index] as Played).lateness),
      0,
    );
    if (change > 0) continue;
    keep(results);
    pools[from] = left;
    pools[to] = joined;
  }
  const found = new Array<number>(arrivals.length).fill(-1);
  for (const [pool, calls] of pools.entries()) for (const index of calls) found[index] = pool;
  return found;
}

/** Plays what was found. */
export function asFound(found: readonly number[]): Policy {
  let index = 0;
  return () => {
    const pool = found[index++];
    return pool === undefined || pool < 0 ? undefined : pool;
  };
}
