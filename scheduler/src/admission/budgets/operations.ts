/** What happens to budgets, as pure steps on their usage: the same for the ledger in memory and the one in Postgres. */

import { type Claim, UNUSED, type Usage } from "./budget.ts";

/** The money of one decision. */
export interface Reservation {
  decisionId: string;
  session: string;
  claims: readonly Claim[];
  /** Its worst case. */
  amount: number;
}

/** The budget that a reservation does not fit in. */
export interface Shortfall {
  claim: Claim;
  usage: Readonly<Usage>;
  /** Calls in flight hold what it needs: it may fit when they have ended. */
  held: boolean;
}

export type Operation =
  /** Makes the usage known, and that is all. */
  | { kind: "read"; reservation: Reservation }
  /** All of its budgets, or none. */
  | { kind: "reserve"; reservation: Reservation }
  /** Granted already, while Postgres was away. */
  | { kind: "record"; reservation: Reservation }
  | { kind: "settle"; reservation: Reservation; cost: number };

/** A reservation as it is stored, for one of its budgets. */
export interface ReservationRow {
  reservation: Reservation;
  claim: Claim;
  settled: number | null;
}

/** Usage by claim key, and reservations by decision and claim key. Both are changed in place. */
export interface BudgetTables {
  usage: Map<string, Usage>;
  rows: Map<string, ReservationRow>;
}

export const rowKey = (decisionId: string, claim: Pick<Claim, "key">): string => `${decisionId}\n${claim.key}`;

/** Every step may be repeated: a reservation that is there is not made again, and settling again changes the difference alone. */
export function apply(tables: BudgetTables, operation: Operation): Shortfall | undefined {
  const { reservation } = operation;
  switch (operation.kind) {
    case "read":
      return undefined;
    case "reserve": {
      if (isRecorded(tables, reservation)) return undefined;
      const short = shortfall(tables.usage, reservation);
      if (!short) record(tables, reservation);
      return short;
    }
    case "record":
      if (!isRecorded(tables, reservation)) record(tables, reservation);
      return undefined;
    case "settle":
      settle(tables, reservation, operation.cost);
      return undefined;
  }
}

export function shortfall(usage: BudgetTables["usage"], { claims, amount }: Reservation): Shortfall | undefined {
  for (const claim of claims) {
    const now = usage.get(claim.key) ?? UNUSED;
    const { limitNanousd } = claim.budget;
    if (now.spent + now.reserved + amount > limitNanousd) {
      return { claim, usage: { ...now }, held: now.spent + amount <= limitNanousd };
    }
  }
  return undefined;
}

const isRecorded = ({ rows }: BudgetTables, { decisionId, claims }: Reservation) =>
  claims.some((claim) => rows.has(rowKey(decisionId, claim)));

function record({ usage, rows }: BudgetTables, reservation: Reservation): void {
  for (const claim of reservation.claims) {
    usageIn(usage, claim).reserved += reservation.amount;
    rows.set(rowKey(reservation.decisionId, claim), { reservation, claim, settled: null });
  }
}

function settle({ usage, rows }: BudgetTables, reservation: Reservation, cost: number): void {
  for (const claim of reservation.claims) {
    const key = rowKey(reservation.decisionId, claim);
    const now = usageIn(usage, claim);
    const row = rows.get(key);
    if (row && row.settled === null) now.reserved -= row.reservation.amount;
    now.spent += cost - (row?.settled ?? 0);
    rows.set(key, { reservation, claim, settled: cost });
  }
}

function usageIn(usage: BudgetTables["usage"], { key }: Claim): Usage {
  const known = usage.get(key);
  if (known) return known;
  const fresh = { ...UNUSED };
  usage.set(key, fresh);
  return fresh;
}
