/** Where the money of budgets is kept. One implementation in memory, one in Postgres. */

import type { Claim, Usage } from "./budget.ts";
import type { Reservation, Shortfall } from "./operations.ts";

export interface Ledger {
  /** As last known; undefined where nothing is. */
  usageOf(claim: Claim): Readonly<Usage> | undefined;
  /** Makes the usage of these known as it is now, where it can be: of those not known here yet, or of all. */
  load(claims: readonly Claim[], which: "unknown" | "all"): Promise<void>;
  /**
   * Sets the worst case aside on every budget of the call, or on none.
   * @returns the budget it does not fit in; undefined when granted
   * @throws DatabaseAway where Postgres is away and the config says closed
   */
  reserve(reservation: Reservation): Promise<Shortfall | undefined>;
  /** The call ended and cost this much: the rest of what was set aside is free again. Resolves when it counts. */
  settle(reservation: Reservation, cost: number): Promise<void>;
  /** Lifts the pauses that these stand at: the next rung above what is spent still holds. */
  resume(claims: readonly Claim[]): Promise<void>;
  /** Usage known here, in the order of its keys. */
  known(): Iterable<[string, Readonly<Usage>]>;
  /** Settlements that Postgres has not taken yet, and those that were dropped because there were too many. */
  readonly pending: number;
  readonly dropped: number;
  close(): Promise<void>;
}
