/** Who serves a request: the scheduler's own placement, and what it is measured against. */

import type { Demand } from "../placement/candidate.ts";
import { place } from "../placement/place.ts";
import { lessLoadedOfTwo } from "../placement/replicas.ts";
import type { SimulatedPool } from "./fleet.ts";
import type { SlaTargets } from "./sla.ts";
import type { Arrival } from "./trace.ts";

export interface PolicyContext {
  demandOf(arrival: Arrival): Demand;
  random: () => number;
  targets: SlaTargets;
}

/** @returns the pool's index; undefined: refused */
export type Policy = (arrival: Arrival, pools: readonly SimulatedPool[], context: PolicyContext) => number | undefined;

/** Fresh state for each simulation. */
export type PolicyFactory = () => Policy;

export const POLICIES = {
  signalbox: () => placed(() => true),
  /** The same, told how long each reply will be: what not knowing it costs. */
  "signalbox-knowing-lengths": () =>
    placed(
      () => true,
      (demand, arrival) => ({ ...demand, expectedOutputTokens: arrival.outputTokens }),
    ),
  "signalbox-gpu-only": () => placed(isGpu),
  "round-robin": () => {
    let next = 0;
    return (_arrival, pools) => next++ % pools.length;
  },
  "least-busy": () => (_arrival, pools) => leastBusy(pools, () => true),
  "p2c-peak-ewma":
    () =>
    (arrival, pools, { random }) => {
      const load = (index: number) => {
        const { engine, latency } = pools[index] as SimulatedPool;
        return latency.read(arrival.atMs) * (engine.active + engine.queued + 1);
      };
      return lessLoadedOfTwo(pools.length, load, random);
    },
  "static-tiers": () => (arrival, pools) => {
    const wanted = arrival.slaClass === "background" ? "cpu" : "gpu";
    return leastBusy(pools, ({ model }) => model.silicon === wanted);
  },
  "gpu-only": () => (_arrival, pools) => leastBusy(pools, isGpu),
} satisfies Record<string, PolicyFactory>;
export type PolicyName = keyof typeof POLICIES;

const isGpu = ({ model }: SimulatedPool) => model.silicon === "gpu";

function placed(allowed: (pool: SimulatedPool) => boolean, told = (demand: Demand, _arrival: Arrival) => demand): Policy {
  return (arrival, pools, { demandOf, random }) => {
    const usable = pools.flatMap((pool, index) => (allowed(pool) ? [{ index, candidate: pool.candidate(arrival.atMs) }] : []));
    const { order } = place(
      usable.map(({ candidate }) => candidate),
      told(demandOf(arrival), arrival),
      { random },
    );
    return order[0] === undefined ? undefined : usable[order[0]]?.index;
  };
}

/** The fewest calls per slot; the first of equals. */
function leastBusy(pools: readonly SimulatedPool[], allowed: (pool: SimulatedPool) => boolean): number | undefined {
  let best: number | undefined;
  let least = Infinity;
  for (const [index, pool] of pools.entries()) {
    const { active, queued } = pool.engine;
    const load = (active + queued) / pool.model.slots;
    if (load < least && allowed(pool)) {
      best = index;
      least = load;
    }
  }
  return best;
}
