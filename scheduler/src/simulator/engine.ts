/**
 * One pool's engine: continuous batching with chunked prefill.
 *
 * Time passes in iterations. In each, every call that has its first token gets one more, and up to `chunkTokens` prompt tokens of calls
 * that hold a slot are evaluated, first come first served. An iteration takes a decode step of its batch; where prompt tokens are
 * in it, the pass over those, 1.1 times that when it is mixed (splitwise-sim's rule), if this is longer. A call's first token comes
 * at the end of the iteration in which its prompt is done. Calls beyond `slots` wait, first come first served.
 */

import type { Timings } from "./perf-model.ts";
import type { Arrival } from "./trace.ts";

export interface Job extends Arrival {
  /** Number of the request in its simulation. */
  index: number;
  /** Milliseconds of the simulation's clock. */
  slotAt: number;
  firstTokenAt: number;
  endedAt: number;
  pool: number;
  /** Calls that shared the pool while it decoded, itself included, averaged over its tokens. */
  meanBatch: number;
  /** Calls and prompt tokens that were before it when it got its slot. */
  activeBefore: number;
  prefillBefore: number;
  /** Private to the engine: prompt tokens left, and counters at the first token. */
  prefillLeft: number;
  firstIteration: number;
  batchesAtFirst: number;
}

/** Not submitted yet. */
export const newJob = (arrival: Arrival, index: number): Job => ({
  ...arrival,
  index,
  ...{ slotAt: 0, firstTokenAt: 0, endedAt: 0, pool: -1, meanBatch: 0, activeBefore: 0, prefillBefore: 0 },
  ...{ prefillLeft: 0, firstIteration: 0, batchesAtFirst: 0 },
});

export interface Engine {
  /** Calls that hold a slot. */
  readonly active: number;
  readonly queued: number;
  /** Calls that hold a slot, in no order. */
  readonly running: readonly Job[];
  readonly pendingPrefillTokens: number;
  /** Milliseconds in which it did something, and those weighted by the share of slots taken. */
  readonly busyMs: number;
  readonly slotMs: number;
  tokensOf(job: Job): number;
  /** Lets time pass up to `until`; calls back in order of time for each call that ends. */
  advance(until: number, onEnd: (job: Job) => void): void;
  /** After `advance(at)`. */
  submit(job: Job, at: number): void;
  /** A copy as it stands, with jobs of its own: what happens to it changes nothing here. */
  fork(): Engine;
}

export interface EngineOptions {
  timings: Timings;
  slots: number;
  chunkTokens: number;
}

export const DEFAULT_CHUNK_TOKENS = 1024;
/** Places at the head of the queue that are kept after they were left. */
const FORGET_AFTER = 1024;
/** A pass with decoding calls in it takes longer by this factor. */
export const MIXED_PASS = 1.1;

interface EngineState {
  waiting: Job[];
  waitingFrom: number;
  prefilling: Job[];
  running: Job[];
  /** Calls by the iteration in which their last token comes. */
  endings: Map<number, Job[]>;
  completed: Job[];
  decoding: number;
  iteration: number;
  batches: number;
  pending: number;
  endsAt: number;
  busyMs: number;
  slotMs: number;
}

const idle = (): EngineState => ({
  ...{ waiting: [], waitingFrom: 0, prefilling: [], running: [], endings: new Map(), completed: [] },
  ...{ decoding: 0, iteration: 0, batches: 0, pending: 0, endsAt: Infinity, busyMs: 0, slotMs: 0 },
});

export function createEngine(options: EngineOptions, state: EngineState = idle()): Engine {
  const { timings, slots, chunkTokens } = options;
  const { waiting, prefilling, running, endings, completed } = state;
  let { waitingFrom, decoding, iteration, batches, pending, endsAt, busyMs, slotMs } = state;

  /** Gives free slots to those who wait. */
  function admit(at: number): void {
    while (running.length < slots && waitingFrom < waiting.length) {
      const job = waiting[waitingFrom++] as Job;
      job.slotAt = at;
      job.activeBefore = running.length;
      job.prefillBefore = pending;
      job.prefillLeft = job.promptTokens;
      pending += job.promptTokens;
      running.push(job);
      prefilling.push(job);
    }
    if (waitingFrom <= FORGET_AFTER) return;
    waiting.splice(0, waitingFrom);
    waitingFrom = 0;
  }

  /** Fixes what the next iteration holds. */
  function start(at: number): void {
    admit(at);
    if (running.length === 0) {
      endsAt = Infinity;
      return;
    }
    let room = chunkTokens;
    completed.length = 0;
    for (const job of prefilling) {
      const taken = Math.min(room, job.prefillLeft);
      job.prefillLeft -= taken;
      room -= taken;
      if (job.prefillLeft === 0) completed.push(job);
      if (room === 0) break;
    }
    prefilling.splice(0, completed.length);
    const evaluated = chunkTokens - room;
    pending -= evaluated;
    const step = decoding > 0 ? timings.decodeMs(decoding) : 0;
    const pass = evaluated > 0 ? timings.prefillMs(evaluated) * (decoding > 0 ? MIXED_PASS : 1) : 0;
    const duration = Math.max(step, pass);
    busyMs += duration;
    slotMs += (duration * running.length) / slots;
    endsAt = at + duration;
  }

  function end(onEnd: (job: Job) => void): void {
    const at = endsAt;
    iteration++;
    batches += decoding;
    const ended = endings.get(iteration);
    if (ended) {
      endings.delete(iteration);
      decoding -= ended.length;
      for (const job of ended) leave(job, at, onEnd);
    }
    for (const job of completed) {
      job.firstTokenAt = at;
      job.firstIteration = iteration;
      job.batchesAtFirst = batches;
      if (job.outputTokens <= 1) leave(job, at, onEnd);
      else {
        decoding++;
        const last = iteration + job.outputTokens - 1;
        const others = endings.get(last);
        if (others) others.push(job);
        else endings.set(last, [job]);
      }
    }
    completed.length = 0;
  }

  function leave(job: Job, at: number, onEnd: (job: Job) => void): void {
    const index = running.indexOf(job);
    running[index] = running.at(-1) as Job;
    running.pop();
    job.endedAt = at;
    job.meanBatch = (batches - job.batchesAtFirst) / Math.max(1, job.outputTokens - 1);
    onEnd(job);
  }

  return {
    get active() {
      return running.length;
    },
    get queued() {
      return waiting.length - waitingFrom;
    },
    get pendingPrefillTokens() {
      return pending;
    },
    get busyMs() {
      return busyMs;
    },
    get slotMs() {
      return slotMs;
    },
    running,
    tokensOf: (job) => (job.firstTokenAt > 0 ? iteration - job.firstIteration + 1 : 0),
    advance(until, onEnd) {
      while (endsAt <= until) {
        const at = endsAt;
        end(onEnd);
        start(at);
      }
    },
    submit(job, at) {
      waiting.push(job);
      admit(at);
      if (endsAt === Infinity) start(at);
    },
    fork() {
      const copies = new Map<Job, Job>();
      const copy = (job: Job): Job => {
        const known = copies.get(job) ?? { ...job };
        copies.set(job, known);
        return known;
      };
      return createEngine(options, {
        waiting: waiting.slice(waitingFrom).map(copy),
        waitingFrom: 0,
        prefilling: prefilling.map(copy),
        running: running.map(copy),
        endings: new Map([...endings].map(([at, jobs]) => [at, jobs.map(copy)])),
        completed: completed.map(copy),
        ...{ decoding, iteration, batches, pending, endsAt, busyMs, slotMs },
      });
    },
  };
}
