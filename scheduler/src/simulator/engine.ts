/**
 * One pool's engine: continuous batching with chunked prefill.
 *
 * Time passes in iterations. In each, every call that has its first token gets one more, and up to `chunkTokens` prompt tokens of calls
 * that hold a slot are evaluated, first come first served. An iteration takes a decode step of its batch; where prompt tokens are
 * in it, the pass over those, 1.1 times that when it is mixed (splitwise-sim's rule), if this is longer. A call's first token comes
 * at the end of the iteration in which its prompt is done. Calls beyond `slots` wait: whoever is due first goes first.
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
  /** When it should have its first token, or else be done: who waits for a slot goes in this order. */
  dueAt: number;
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
export const newJob = (arrival: Arrival, index: number, dueAt: number): Job => ({
  ...arrival,
  index,
  dueAt,
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
  /** Calls that wait and would go before one that is due then. */
  aheadOf(dueAt: number): number;
  tokensOf(job: Job): number;
  /** Lets time pass up to `until`; calls back in order of time for each call that ends. */
  advance(until: number, onEnd: (job: Job) => void): void;
  /** After `advance(at)`. */
  submit(job: Job, at: number): void;
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

export function createEngine({ timings, slots, chunkTokens }: EngineOptions): Engine {
  const waiting: Job[] = [];
  let waitingFrom = 0;
  const prefilling: Job[] = [];
  const running: Job[] = [];
  /** Calls by the iteration in which their last token comes. */
  const endings = new Map<number, Job[]>();
  const completed: Job[] = [];
  let decoding = 0;
  let iteration = 0;
  let batches = 0;
  let pending = 0;
  let endsAt = Infinity;
  let busyMs = 0;
  let slotMs = 0;

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
    aheadOf(dueAt) {
      let count = 0;
      for (let place = waitingFrom; place < waiting.length && (waiting[place] as Job).dueAt <= dueAt; place++) count++;
      return count;
    },
    tokensOf: (job) => (job.firstTokenAt > 0 ? iteration - job.firstIteration + 1 : 0),
    advance(until, onEnd) {
      while (endsAt <= until) {
        const at = endsAt;
        end(onEnd);
        start(at);
      }
    },
    submit(job, at) {
      let place = waiting.length;
      while (place > waitingFrom && (waiting[place - 1] as Job).dueAt > job.dueAt) place--;
      waiting.splice(place, 0, job);
      admit(at);
      if (endsAt === Infinity) start(at);
    },
  };
}
