/** What the config says about waiting, hedging and bad answers, for one attempt: the route's word, else the pool's, the class's, the default. */

import type { SlaClass } from "@signalbox/otel/conventions";
import type { Config } from "../config/schema.ts";
import { emptyMap, getOrMake } from "../get-or-make.ts";
import type { BadAnswerKind } from "../relay/bad-answer.ts";
import { createRetryBudget, type RetryBudget } from "./retry-budget.ts";

/** Milliseconds. */
export interface Patience {
  /** From dispatch to the first token of a stream. */
  ttftMs: number;
  /** From dispatch to the end of a reply that is not streamed. */
  replyMs: number;
  /** Between two pieces of a stream that the pool sends, and between two that the client takes. */
  stallMs: number;
}

export interface Escalation {
  on: ReadonlySet<BadAnswerKind>;
  /** Bytes of a stream that are held back to judge it. */
  holdBytes: number;
}

/** Milliseconds after which a second pool is asked: fixed, or a multiple of the predicted time to the first token. */
export type Hedge = { afterMs: number } | { timesPredicted: number };

export interface Resilience {
  readonly maxAttempts: number;
  readonly retries: RetryBudget;
  patience(route: string, pool: string, sla: SlaClass): Patience;
  hedge(route: string, sla: SlaClass): Hedge | undefined;
  escalation(route: string): Escalation | undefined;
}

type Waits = { ttft_timeout_ms?: number | undefined; reply_timeout_ms?: number | undefined; stall_timeout_ms?: number | undefined };

export function createResilience({ resilience, routes, pools }: Pick<Config, "resilience" | "routes" | "pools">): Resilience {
  const { max_attempts, retry_budget, classes } = resilience;
  const ofRoute = new Map(routes.map((route) => [route.name, route.resilience]));
  const ofPool = new Map(pools.map((pool) => [pool.name, pool.timeouts]));
  const escalations = new Map(
    routes.flatMap(({ name, escalate }) =>
      escalate ? [[name, { on: new Set(escalate.on), holdBytes: escalate.hold_bytes }] as const] : [],
    ),
  );
  const known = new Map<string, Map<string, Map<SlaClass, Patience>>>();

  function workOut(route: string, pool: string, sla: SlaClass): Patience {
    const words: (Waits | undefined)[] = [ofRoute.get(route), ofPool.get(pool), classes[sla], resilience];
    const first = (name: keyof Waits) => words.find((waits) => waits?.[name] !== undefined)?.[name] as number;
    return { ttftMs: first("ttft_timeout_ms"), replyMs: first("reply_timeout_ms"), stallMs: first("stall_timeout_ms") };
  }

  return {
    maxAttempts: max_attempts,
    retries: createRetryBudget({ share: retry_budget.share, perSecond: retry_budget.per_second }),
    patience: (route, pool, sla) =>
      getOrMake(
        getOrMake(getOrMake(known, route, emptyMap<string, Map<SlaClass, Patience>>), pool, emptyMap<SlaClass, Patience>),
        sla,
        () => workOut(route, pool, sla),
      ),
    hedge(route, sla) {
      const hedge = ofRoute.get(route)?.hedge ?? classes[sla]?.hedge;
      if (!hedge) return undefined;
      return "after_ms" in hedge ? { afterMs: hedge.after_ms } : { timesPredicted: hedge.times_predicted_ttft };
    },
    escalation: (route) => escalations.get(route),
  };
}

/** For calls that nobody waits for: on the pool that is named, or not at all. */
export const ONE_ATTEMPT: Resilience = {
  maxAttempts: 1,
  retries: createRetryBudget({ share: 0, perSecond: 0 }),
  patience: () => ({ ttftMs: 600_000, replyMs: 600_000, stallMs: 600_000 }),
  hedge: () => undefined,
  escalation: () => undefined,
};
