/** The calls that hold a pool's slots: what of their prompts is still to be evaluated, and what a newcomer may do to them. */

import { Crowd, type Member } from "../crowd.ts";
import type { Residents, SlaTarget } from "../placement/candidate.ts";
import { createInflow } from "../placement/inflow.ts";
import { predictDelayMs, predictPrefillMs, predictTpotMs } from "../placement/predict.ts";
import { residentsOf } from "../placement/residents.ts";
import type { BusyClock } from "./busy-clock.ts";
import type { SpeedModel } from "./speed.ts";

/** A call that takes its slot. */
export interface EnteringCall {
  sla: SlaTarget;
  /** When the client asked: what its deadline counts from. Milliseconds of one clock, as all times here. */
  arrivedAt: number;
  /** Less what a cache holds of it. */
  prefillTokens: number;
  expectedOutputTokens: number;
  /** What the call lets its reply have; absent: no end to it. */
  maxTokens?: number | undefined;
}

export interface HeldSlot {
  /** What was there before it. */
  readonly there: { active: number; prefillTokens: number };
  firstToken(now: number): void;
  /** @returns calls that ran while this one decoded, itself included, averaged over that time; where no first token was seen, over all of its time */
  leave(now: number): { meanBatch: number };
}

export interface PoolLoad {
  /** Predicted, for calls that are partly through: no engine tells. */
  pendingPrefillTokens(now: number): number;
  /** Prompt tokens per millisecond that calls bring to it just now. */
  prefillInflow(now: number): number;
  residents(now: number): readonly Residents[];
  /** A call comes, whether a slot is free or it waits for one: its prompt is evaluated before long. */
  bring(prefillTokens: number, now: number): void;
  /** Call it after the slot was taken and the clock has begun to count it. */
  enter(call: EnteringCall, now: number): HeldSlot;
}

interface Resident extends EnteringCall, Member {
  enteredAt: number;
  /** When its prompt should be evaluated. */
  prefilledAt: number;
  firstTokenAt: number | undefined;
}

/** What residents bear changes slowly, and is asked for by every call that could go there. */
const RESIDENTS_LAST_MS = 10;

export function createPoolLoad(speed: SpeedModel, slots: number, clock: BusyClock): PoolLoad {
  const calls = new Crowd<Resident>();
  const inflow = createInflow();
  let residents: readonly Residents[] = [];
  let readAt = Number.NEGATIVE_INFINITY;

  function pendingPrefillTokens(now: number): number {
    let tokens = 0;
    for (const { firstTokenAt, enteredAt, prefilledAt, prefillTokens } of calls) {
      if (firstTokenAt !== undefined || now >= prefilledAt) continue;
      tokens += prefillTokens * Math.min(1, (prefilledAt - now) / (prefilledAt - enteredAt));
    }
    return tokens;
  }

  function* expected(now: number) {
    const stepMs = predictTpotMs(speed, calls.size, slots) * speed.tpotRatio;
    for (const { sla, arrivedAt, firstTokenAt = now, expectedOutputTokens, maxTokens = Infinity } of calls) {
      const decodingMs = now - firstTokenAt;
      const tokens = decodingMs / stepMs;
      const expectedTokensLeft = Math.min(maxTokens, expectedOutputTokens) - tokens;
      const fewestTokensLeft = Math.min(maxTokens - tokens, speed.replyLengths.fewestLeft(tokens) ?? expectedTokensLeft);
      yield { sla, arrivedAt, tokens, decodingMs, expectedTokensLeft, fewestTokensLeft };
    }
  }

  return {
    pendingPrefillTokens,
    prefillInflow: inflow.read,
    bring: inflow.bring,
    residents(now) {
      if (now - readAt > RESIDENTS_LAST_MS) {
        residents = residentsOf(expected(now), now, speed.decodeMsPerToken);
        readAt = now;
      }
      return residents;
    },
    enter(call, now) {
      const there = { active: calls.size, prefillTokens: pendingPrefillTokens(now) };
      const prefillMs = (predictDelayMs(speed, there, slots) + predictPrefillMs(speed, call.prefillTokens)) * speed.ttftRatio;
      const resident: Resident = { ...call, enteredAt: now, prefilledAt: now + prefillMs, firstTokenAt: undefined, place: -1 };
      calls.add(resident);
      // A class that comes new to the pool is protected at once.
      if (!residents.some(({ sla }) => sla.class === call.sla.class)) readAt = Number.NEGATIVE_INFINITY;
      let from = { at: now, callMs: clock.callMs(now) };
      return {
        there,
        firstToken(at) {
          if (resident.firstTokenAt !== undefined) return;
          resident.firstTokenAt = at;
          from = { at, callMs: clock.callMs(at) };
        },
        leave(at) {
          calls.delete(resident);
          const ms = at - from.at;
          return { meanBatch: ms > 0 ? (clock.callMs(at) - from.callMs) / ms : calls.size + 1 };
        },
      };
    },
  };
}
