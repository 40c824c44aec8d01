/**
 * A rate that no policy can exceed, whatever it knows: the clairvoyant bound.
 *
 * Why it is a bound. Take any schedule that sustains a rate R and serves every request. Each of its iterations on a pool has a batch b
 * and c prompt tokens, and lasts D(b, c). Summed over the schedule: (1) iterations on a pool take no longer than there is time; (2)
 * every request's tokens after the first are decoded: Σ b = its tokens; (3) all prompt tokens are evaluated: Σ c; (4) of the requests
 * of a class that meet a TPOT target T, on one pool, the time of their steps together is at most T times their number. Requests that
 * may miss (1 − attainment of a class) are taken to be those with the longest replies, and free of (4). These sums are linear in how
 * often each kind of iteration occurs; an iteration of mixed classes is the mean of pure ones with the same b and c, weighted by its
 * classes. (5) An iteration with fewer prompt tokens than a chunk is the last of every prompt in it, as nothing else was left to
 * evaluate: so a request has at most c0 tokens in all such iterations of c0 or fewer, and no more than its prompt, and there are no
 * more of them than requests. (6) Whoever's prompt is evaluated holds a slot and decodes nothing: in each such iteration there
 * is one at least, and a prompt takes as many of them as it has chunks, one that is begun included. So the schedule is a point of the
 * linear program here, and its optimum is no lower than R. It forgets first tokens, peaks, deadlines and whole requests: reachable
 * it need not be, and it lets sensitive calls decode while nothing is prefilled. What can be reached is more than what a search with
 * hindsight finds (hindsight.ts). The rate is that of a steady state: a finite play whose last requests are served after its last
 * arrival may be above it by as much as those. It assumes all requests are known from the start, and that each may be split over like
 * pools.
 */

import type { SlaClass } from "@signalbox/otel/conventions";
import { MIXED_PASS } from "./engine.ts";
import type { PoolModel } from "./fleet.ts";
import { maximise } from "./linear-program.ts";
import type { SlaTargets } from "./sla.ts";
import type { Arrival } from "./trace.ts";

/** Calls in a batch and prompt tokens in an iteration that are looked at: steps of these shares of the pool's own limits. */
const BATCH_STEPS = 64;
const PROMPT_STEPS = 128;

interface Group {
  /** Tokens after the first, per request of the whole load. */
  tokens: number;
  tpotMs: number | undefined;
}

/** @returns requests a second */
export function clairvoyantRate(
  fleet: readonly PoolModel[],
  arrivals: readonly Arrival[],
  targets: SlaTargets,
  attainment: number,
): number {
  const groups = groupsOf(arrivals, targets, attainment);
  const promptTokens = mean(arrivals.map((arrival) => arrival.promptTokens));
  const kinds = likePools(fleet);
  const decoded = kinds.length;
  const evaluated = decoded + groups.length;
  const bounded = evaluated + 1;
  const partial = bounded + kinds.length * groups.length;
  const chunkTokens = Math.max(...fleet.map((pool) => pool.chunkTokens));
  const ends = grid(chunkTokens, PROMPT_STEPS).filter((tokens) => tokens > 0 && tokens < chunkTokens);
  const ended = partial + ends.length;
  const occupied = ended + 1;
  const height = occupied + 1;

  // The first column is the rate, in requests a millisecond; the others are iterations a millisecond.
  const first = new Array<number>(height).fill(0);
  for (const [index, { tokens }] of groups.entries()) first[decoded + index] = tokens;
  first[evaluated] = promptTokens;
  for (const [index, tokens] of ends.entries()) {
    first[partial + index] = -mean(arrivals.map((arrival) => Math.min(arrival.promptTokens, tokens)));
  }
  first[ended] = -1;
  first[occupied] = mean(arrivals.map((arrival) => Math.ceil(arrival.promptTokens / chunkTokens)));
  const columns = [first];
  for (const [kind, { model }] of kinds.entries()) {
    for (const { fewest, batch, least, prompt, ms } of iterationsOf(model)) {
      for (const [index, { tpotMs }] of groups.entries()) {
        const column = new Array<number>(height).fill(0);
        column[kind] = ms;
        column[decoded + index] = -batch;
        column[evaluated] = -prompt;
        column[occupied] = fewest - model.slots;
        if (tpotMs !== undefined) column[bounded + kind * groups.length + index] = (ms > tpotMs ? fewest : batch) * (ms - tpotMs);
        if (prompt > 0 && prompt < model.chunkTokens) {
          for (const [at, tokens] of ends.entries()) if (prompt <= tokens) column[partial + at] = least;
          column[ended] = 1;
        }
        columns.push(column);
      }
    }
  }
  const bounds = new Array<number>(height).fill(0);
  for (const [index, { count }] of kinds.entries()) bounds[index] = count;
  const rows = bounds.map((_, row) => columns.map((column) => column[row] as number));
  return maximise({ objective: columns.map((_, index) => (index === 0 ? 1 : 0)), rows, bounds }).value * 1000;
}

/** Per class those that must meet its TPOT, and all others together. */
function groupsOf(arrivals: readonly Arrival[], targets: SlaTargets, attainment: number): Group[] {
  const free: Group = { tokens: 0, tpotMs: undefined };
  const groups = [free];
  for (const slaClass of Object.keys(targets) as SlaClass[]) {
    const lengths = arrivals.filter((arrival) => arrival.slaClass === slaClass).map(({ outputTokens }) => outputTokens - 1);
    lengths.sort((a, b) => a - b);
    const { tpotMs } = targets[slaClass];
    const held = tpotMs === undefined ? 0 : Math.ceil(attainment * lengths.length);
    const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0) / arrivals.length;
    free.tokens += sum(lengths.slice(held));
    if (held > 0) groups.push({ tokens: sum(lengths.slice(0, held)), tpotMs });
  }
  return groups;
}

/** Pools with the same engine count together: the mean of what they do is something each could do. */
function likePools(fleet: readonly PoolModel[]): { model: PoolModel; count: number }[] {
  const kinds: { model: PoolModel; count: number }[] = [];
  for (const model of fleet) {
    const like = kinds.find((kind) => kind.model.timings === model.timings && kind.model.slots === model.slots);
    if (like) like.count++;
    else kinds.push({ model, count: 1 });
  }
  return kinds;
}

/**
 * A grid of iterations that holds those which matter. Between two points of the grid the time taken is that of the lower corner, with the
 * work of the upper one, and a step that is too long counts for the fewest calls: what is left out is never better than what is in.
 */
function* iterationsOf({ timings, slots, chunkTokens }: PoolModel) {
  const batches = grid(slots, BATCH_STEPS);
  const prompts = grid(chunkTokens, PROMPT_STEPS);
  for (const [b, batch] of batches.entries()) {
    for (const [p, prompt] of prompts.entries()) {
      if (batch === 0 && prompt === 0) continue;
      const fewest = b === 0 ? 0 : (batches[b - 1] as number) + 1;
      const most = prompt > 0 ? Math.min(batch, slots - 1) : batch;
      if (fewest > most) continue;
      const least = p === 0 ? 0 : (prompts[p - 1] as number) + 1;
      const step = batch > 0 ? timings.decodeMs(fewest) : 0;
      const pass = prompt > 0 ? timings.prefillMs(least) * (batch > 0 ? MIXED_PASS : 1) : 0;
      yield { fewest, batch: most, least, prompt, ms: Math.max(step, pass) };
    }
  }
}

/** 0 to the limit in whole numbers. */
const grid = (limit: number, steps: number): number[] => [
  ...new Set(Array.from({ length: steps + 1 }, (_, step) => Math.round((limit * step) / steps))),
];

const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
