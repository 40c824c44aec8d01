/** The pools of a simulation, and what a policy may know of them. */

import type { Silicon } from "@signalbox/otel/conventions";
import type { PriceChangeConfig } from "../config/schema.ts";
import { type Candidate, dueInMs, type Pricing } from "../placement/candidate.ts";
import { createCorrection } from "../placement/correction.ts";
import { createInflow } from "../placement/inflow.ts";
import { predictDelayMs, predictPrefillMs, predictTpotMs } from "../placement/predict.ts";
import { createPeakEwma, type PeakEwma } from "../placement/replicas.ts";
import { createReplyLengths } from "../placement/reply-lengths.ts";
import { residentsOf } from "../placement/residents.ts";
import { type LearnedSpeed, type Learning, learnedOf, restoreLearned } from "../pools/learned-speed.ts";
import { createPriceNow } from "../pools/price-changes.ts";
import { blendCall } from "../pools/speed.ts";
import { createEngine, type Engine, type Job } from "./engine.ts";
import type { Timings } from "./perf-model.ts";
import type { SlaTargets } from "./sla.ts";

export interface PoolModel {
  name: string;
  model: string;
  silicon: Silicon;
  tier: number;
  slots: number;
  queueLimit: number;
  contextTokens: number | undefined;
  chunkTokens: number;
  pricing: Pricing;
  /** When it costs more or less than that. */
  priceChanges?: readonly PriceChangeConfig[];
  timings: Timings;
  /** Milliseconds from the client to the engine and back, on every first token; the engine does other work meanwhile. Default 0. */
  overheadMs?: number;
}

/** A pool in motion: the engine, and the scheduler's view of it, learned only from calls that have ended. */
export interface SimulatedPool {
  readonly model: PoolModel;
  readonly engine: Engine;
  readonly latency: PeakEwma;
  /** What it costs at a time of the simulation, as full as it is now. */
  pricing(now: number): Pricing;
  /** What placement is told at this time. */
  candidate(now: number): Candidate;
  take(job: Job, now: number): void;
  ended(job: Job): void;
  /** What it has learned up to now. */
  learned(): LearnedSpeed;
}

/** When the client sees what the engine has done; on a call that just ended. */
export function reachClient(job: Job, { overheadMs = 0 }: PoolModel): void {
  job.firstTokenAt += overheadMs;
  job.endedAt += overheadMs;
}

/** Weight of a call in the moving averages, as on the live path. */
const WEIGHT = 0.05;

export interface Knowledge {
  targets: SlaTargets;
  /** How long a reply is expected to be: the average of those that have ended, whatever their pool. */
  expectedOutputTokens: () => number;
  /** Milliseconds since the epoch at time 0. */
  startsAt: number;
  /** What a pool has learned before. */
  learned: LearnedSpeed | undefined;
}

export function createPool(model: PoolModel, { targets, expectedOutputTokens, startsAt, learned }: Knowledge): SimulatedPool {
  const { timings, slots, chunkTokens } = model;
  const engine = createEngine(model);
  const latency = createPeakEwma();
  const inflow = createInflow();
  // As a warm-up measures it: a prompt of one token and one of a chunk, one call decoding, every slot decoding.
  const passMs = timings.prefillMs(1);
  const prior = {
    fixedMs: passMs + (model.overheadMs ?? 0),
    prefillTokensPerSecond: ((chunkTokens - 1) / (timings.prefillMs(chunkTokens) - passMs)) * 1000,
    decodeMsPerToken: timings.decodeMs(1),
    decodeMsPerTokenFull: timings.decodeMs(slots),
  };
  const correction = createCorrection();
  const lengths = createReplyLengths();
  const speed: Learning = {
    ...prior,
    ...{ ttftRatio: 1, tpotRatio: 1, bytesPerToken: 1, serviceMs: 10_000 },
    ...{ usualCall: { promptTokens: 1000, outputTokens: 200 }, correction, replyLengths: lengths },
  };
  if (learned) restoreLearned(speed, learned);

  function* residents(now: number) {
    const expected = expectedOutputTokens();
    for (const job of engine.running) {
      const tokens = engine.tokensOf(job);
      const expectedTokensLeft = expected - tokens;
      yield {
        sla: targets[job.slaClass],
        arrivedAt: job.atMs,
        // A first token is no step.
        tokens: Math.max(0, tokens - 1),
        decodingMs: job.firstTokenAt > 0 ? now - job.firstTokenAt : 0,
        expectedTokensLeft,
        fewestTokensLeft: lengths.fewestLeft(tokens) ?? expectedTokensLeft,
      };
    }
  }

  const priceNow = createPriceNow(() => model.pricing, model.priceChanges ?? []);
  const pricing = (now: number) => priceNow(startsAt + now, engine.active / slots);

  return {
    model,
    engine,
    latency,
    pricing,
    candidate: (now) => ({
      pool: model.name,
      model: model.model,
      silicon: model.silicon,
      tier: model.tier,
      unavailable: undefined,
      slots,
      active: engine.active,
      queued: engine.queued,
      queueLimit: model.queueLimit,
      queuedAhead: (sla) => engine.aheadOf(now + dueInMs(sla)),
      contextTokens: model.contextTokens,
      pricing: pricing(now),
      speed,
      usualCall: speed.usualCall,
      correction,
      pendingPrefillTokens: engine.pendingPrefillTokens,
      prefillInflow: inflow.read(now),
      residents: residentsOf(residents(now), now, speed.decodeMsPerToken),
    }),
    take(job, now) {
      inflow.bring(job.promptTokens, now);
      engine.submit(job, now);
    },
    ended(job) {
      const ttftMs = job.firstTokenAt - job.slotAt;
      const there = { active: job.activeBefore, prefillTokens: job.prefillBefore };
      const predictedMs = predictPrefillMs(speed, job.promptTokens) + predictDelayMs(speed, there, slots);
      correction.observe("ttft", job.slaClass, ttftMs / predictedMs);
      if (job.outputTokens > 4) {
        const tpotMs = (job.endedAt - job.firstTokenAt) / (job.outputTokens - 1);
        correction.observe("tpot", job.slaClass, tpotMs / predictTpotMs(speed, job.meanBatch, slots, speed.usualCall));
      }
      lengths.observe(job.outputTokens);
      speed.serviceMs += WEIGHT * (job.endedAt - job.slotAt - speed.serviceMs);
      speed.usualCall = blendCall(speed.usualCall, job.promptTokens, job.outputTokens);
      latency.observe(job.endedAt - job.atMs, job.endedAt);
    },
    learned: () => learnedOf(speed),
  };
}
