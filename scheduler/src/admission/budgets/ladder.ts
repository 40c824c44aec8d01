/** How far up its ladder a budget stands, and what holds for a call that draws on several. */

import type { BudgetState } from "@signalbox/otel/conventions";
import { type Claim, type Rung, UNUSED, type Usage } from "./budget.ts";

export interface Standing {
  state: BudgetState;
  /** The budget that stands highest; undefined while all are ok. */
  claim: Claim | undefined;
  usage: Readonly<Usage>;
}

const STATE: Record<Rung["do"], BudgetState> = { warn: "warn", reroute: "rerouted", pause: "paused", kill: "killed" };
const SEVERITY: Record<BudgetState, number> = { ok: 0, stale: 0, warn: 1, rerouted: 2, paused: 3, killed: 4 };

/** The most severe standing among all budgets of a call. */
export function standingOf(claims: readonly Claim[], usageOf: (claim: Claim) => Readonly<Usage> | undefined): Standing {
  let worst: Standing = { state: "ok", claim: undefined, usage: UNUSED };
  for (const claim of claims) {
    const usage = usageOf(claim) ?? UNUSED;
    const state = stateOf(claim, usage);
    if (SEVERITY[state] > SEVERITY[worst.state]) worst = { state, claim, usage };
  }
  return worst;
}

function stateOf({ budget: { limitNanousd, ladder } }: Claim, { spent, resumed }: Readonly<Usage>): BudgetState {
  let state: BudgetState = "ok";
  for (const rung of ladder) {
    const threshold = rung.at * limitNanousd;
    const lifted = threshold <= resumed && (rung.do === "pause" || rung.do === "kill");
    if (spent >= threshold && !lifted && SEVERITY[STATE[rung.do]] > SEVERITY[state]) state = STATE[rung.do];
  }
  return state;
}

/**
 * What the ladder says when a call no longer fits under the limit. Money is reserved before it is spent, so the limit itself is
 * reached only in this way. A call that is too large for a budget nobody has touched is refused, and nothing else happens.
 */
export function stateAtLimit({ budget: { ladder } }: Claim, { spent }: Readonly<Usage>): BudgetState {
  if (spent === 0) return "paused";
  return ladder.some((rung) => rung.do === "kill" && rung.at <= 1) ? "killed" : "paused";
}
