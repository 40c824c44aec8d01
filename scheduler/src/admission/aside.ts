/**
 * The money of the scheduler's own calls. Copies and vectors draw on the budget of their project, where they have one, and on the global
 * one; on no session's, agent's, key's or user's, since none of them asked for it.
 */

import { HttpError } from "../http/errors.ts";
import type { Candidate } from "../placement/candidate.ts";
import type { DecisionRecord } from "../telemetry/record.ts";
import type { AdmissionParts } from "./admission.ts";
import { standingOf } from "./budgets/ladder.ts";
import { type CallSize, worstCase } from "./budgets/worst-case.ts";
import { DatabaseAway } from "./postgres/session.ts";
import { budgetPaused, budgetRefusal, databaseAwayRefusal } from "./refusals.ts";

/**
 * Sets the worst case aside.
 * @returns the settlement, for when the call has ended
 * @throws HttpError where a budget is paused or too small, or the model has no price to hold against it
 */
export type AdmitAside = (record: DecisionRecord, candidate: Candidate, size: CallSize) => Promise<() => void>;

export function createAsideAdmission({ book, ledger }: Pick<AdmissionParts, "book" | "ledger">): AdmitAside {
  return async (record, candidate, size) => {
    const claims = book.claimsOf({ project: record.identity.project }, Date.now());
    if (claims.length === 0) return () => {};
    await ledger.load(claims, "unknown");
    if (isStopped()) await ledger.load(claims, "all");
    const { state, claim, usage } = standingOf(claims, ledger.usageOf);
    record.budgetState = state;
    if (claim && isStopped()) throw budgetPaused(claim, usage);
    const amount = worstCase(candidate, size);
    if (amount === undefined)
      throw new HttpError(403, "no_price", `${candidate.model} of pool ${candidate.pool} has no price to hold against a budget`);
    const asked = { decisionId: record.decisionId, session: record.identity.session, claims, amount };
    const short = await ledger.reserve(asked).catch((error) => {
      throw error instanceof DatabaseAway ? databaseAwayRefusal() : error;
    });
    if (short) throw budgetRefusal(short, amount);
    // A cost that nobody knows counts at the most it can be.
    return () =>
      void ledger.settle(
        asked,
        record.attempts.reduce((sum, { costNanousd }) => sum + (costNanousd ?? amount), 0),
      );

    function isStopped(): boolean {
      const { state } = standingOf(claims, ledger.usageOf);
      return state === "paused" || state === "killed";
    }
  };
}
