/** Plays arrivals through a fleet under a policy. Deterministic: the same arguments give the same result. */

import { type Demand, dueInMs } from "../placement/candidate.ts";
import { createOutputLengths, type OutputLengthsState } from "../placement/output-lengths.ts";
import type { LearnedSpeed } from "../pools/learned-speed.ts";
import { createMeter, type FleetCost } from "./cost.ts";
import { type Job, newJob } from "./engine.ts";
import { createPool, type PoolModel, reachClient } from "./fleet.ts";
import type { Policy } from "./policies.ts";
import { createRandom } from "./random.ts";
import type { SlaTargets } from "./sla.ts";
import type { Arrival } from "./trace.ts";

export interface Simulation {
  fleet: readonly PoolModel[];
  arrivals: readonly Arrival[];
  targets: SlaTargets;
  policy: Policy;
  seed: number;
  /** Milliseconds since the epoch at the time 0 of the arrivals: what prices by the hour go by. Default 0. */
  startsAt?: number;
  /** Called now and then with the number of arrivals that were placed. */
  onProgress?: (placed: number) => void;
  /** What was learned in a simulation of the same fleet before this one. */
  learned?: LearnedFleet;
}

export interface LearnedFleet {
  /** In the fleet's order. */
  pools: LearnedSpeed[];
  outputLengths: OutputLengthsState;
}

export interface Outcome {
  /** Every request, in order of arrival; one with `pool` -1 was refused. */
  jobs: Job[];
  /** Requests without a slot when the last one arrived. */
  waitingAtEnd: number;
  /** Milliseconds from the first arrival to the last. */
  arrivalsMs: number;
  pools: PoolUse[];
  cost: FleetCost;
  learned: LearnedFleet;
}

export interface PoolUse {
  name: string;
  calls: number;
  /** Shares, 0 to 1, of the time in which requests arrived: when it did something, and how full it was. */
  busy: number;
  slotsTaken: number;
}

/** All calls are of one kind. */
const ROUTE = "simulated";
const PROGRESS_EVERY = 1024;

export function simulate({ fleet, arrivals, targets, policy, seed, startsAt = 0, onProgress, learned }: Simulation): Outcome {
  const lengths = createOutputLengths();
  if (learned) lengths.restore(learned.outputLengths);
  const expectedOutputTokens = () => lengths.expected(ROUTE, undefined);
  const pools = fleet.map((model, index) => createPool(model, { targets, expectedOutputTokens, startsAt, learned: learned?.pools[index] }));
  const meter = createMeter(pools);
  const random = createRandom(seed);
  const demandOf = ({ promptTokens, slaClass, minTier, use }: Arrival): Demand => ({
    promptBytes: promptTokens,
    maxTokens: undefined,
    expectedOutputTokens: expectedOutputTokens(),
    minTier,
    sla: targets[slaClass],
    ...use,
  });
  const onEnd = (job: Job) => {
    const pool = pools[job.pool];
    if (pool) {
      reachClient(job, pool.model);
      pool.ended(job);
    }
    lengths.observe(ROUTE, undefined, job.outputTokens);
  };

  const jobs: Job[] = [];
  for (const [index, arrival] of arrivals.entries()) {
    const job = newJob(arrival, index, arrival.atMs + dueInMs(targets[arrival.slaClass]));
    jobs.push(job);
    meter.pass(arrivals[index - 1]?.atMs ?? arrival.atMs, arrival.atMs, () => {
      for (const pool of pools) pool.engine.advance(arrival.atMs, onEnd);
    });
    const chosen = policy(arrival, pools, { demandOf, random, targets });
    const pool = chosen === undefined ? undefined : pools[chosen];
    if (chosen !== undefined && pool) {
      job.pool = chosen;
      meter.take(job, pool, arrival.atMs);
      pool.take(job, arrival.atMs);
    }
    if (index % PROGRESS_EVERY === 0) onProgress?.(index);
  }

  const arrivalsMs = (arrivals.at(-1)?.atMs ?? 0) - (arrivals[0]?.atMs ?? 0);
  const waitingAtEnd = pools.reduce((sum, { engine }) => sum + engine.queued, 0);
  const uses = pools.map(({ model, engine }, index) => ({
    name: model.name,
    calls: jobs.filter((job) => job.pool === index).length,
    busy: engine.busyMs / arrivalsMs,
    slotsTaken: engine.slotMs / arrivalsMs,
  }));
  for (const { engine } of pools) engine.advance(Number.MAX_VALUE, onEnd);
  onProgress?.(arrivals.length);
  const now = { pools: pools.map((pool) => pool.learned()), outputLengths: lengths.state() };
  return { jobs, waitingAtEnd, arrivalsMs, pools: uses, cost: meter.cost, learned: now };
}
