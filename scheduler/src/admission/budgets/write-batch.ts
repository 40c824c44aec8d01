/** Many operations in one transaction of two round trips: lock, decide here, write and commit. */

import type { Query } from "../postgres/session.ts";
import { type Claim, claimKey, type Usage } from "./budget.ts";
import { apply, type BudgetTables, type Operation, type ReservationRow, rowKey, type Shortfall } from "./operations.ts";
import { LOCK_USAGE, MAKE_USAGE, READ_RESERVATIONS, type UsageRow, WRITE_RESERVATIONS, WRITE_USAGE } from "./sql.ts";

export interface BatchOutcome {
  /** For each operation: the budget it did not fit in. */
  shortfalls: (Shortfall | undefined)[];
  /** By claim key, as committed. */
  usage: Map<string, Usage>;
}

/**
 * Safe to repeat when it is not known whether it was committed.
 * @param retried decisions that may be in the database already, besides those that are settled
 */
export async function writeBatch(query: Query, operations: readonly Operation[], retried: ReadonlySet<Operation>): Promise<BatchOutcome> {
  try {
    return await lockDecideWrite(query, operations, retried);
  } catch (error) {
    await query("rollback").catch(() => {});
    throw error;
  }
}

async function lockDecideWrite(query: Query, operations: readonly Operation[], retried: ReadonlySet<Operation>): Promise<BatchOutcome> {
  const claims = claimsOf(operations);
  const keys = JSON.stringify([...claims.values()].map(({ scope, id, period }) => ({ scope, id, period })));
  const maybeThere = operations.filter((operation) => operation.kind === "settle" || operation.kind === "record" || retried.has(operation));
  const decisions = JSON.stringify(maybeThere.map(({ reservation }) => reservation.decisionId));
  const [, , locked, stored] = await Promise.all([
    query("begin"),
    query(MAKE_USAGE, [keys]),
    query<UsageRow>(LOCK_USAGE, [keys]),
    maybeThere.length > 0 ? query<StoredReservation>(READ_RESERVATIONS, [decisions]) : [],
  ]);

  const tables: BudgetTables = { usage: new Map(locked.map((row) => [keyOf(row), usageOf(row)])), rows: storedRows(stored, operations) };
  const before = new Map([...tables.rows].map(([key, row]) => [key, row]));
  const shortfalls = operations.map((operation) => apply(tables, operation));

  const rows = [...tables.rows].filter(([key, row]) => before.get(key) !== row).map(([, row]) => toStored(row));
  const writes: Promise<unknown>[] = [];
  if (rows.length > 0) {
    const usage = [...tables.usage].map(([key, now]) => toUsageRow(claims.get(key) as Claim, now));
    writes.push(query(WRITE_RESERVATIONS, [JSON.stringify(rows), new Date().toISOString()]), query(WRITE_USAGE, [JSON.stringify(usage)]));
  }
  // Sent with the writes: where one of them fails, the server turns it into a rollback.
  await Promise.all([...writes, query("commit")]);
  return { shortfalls, usage: tables.usage };
}

type StoredReservation = {
  decision_id: string;
  scope: string;
  id: string;
  period: string;
  amount_nusd: string;
  settled_nusd: string | null;
};

export const keyOf = ({ scope, id, period }: Pick<UsageRow, "scope" | "id" | "period">): string => claimKey(scope, id, period);
export const usageOf = (row: UsageRow): Usage => ({
  spent: Number(row.spent_nusd),
  reserved: Number(row.reserved_nusd),
  resumed: Number(row.resumed_nusd),
});

function claimsOf(operations: readonly Operation[]): Map<string, Claim> {
  const claims = new Map<string, Claim>();
  for (const { reservation } of operations) for (const claim of reservation.claims) claims.set(claim.key, claim);
  return claims;
}

function storedRows(stored: readonly StoredReservation[], operations: readonly Operation[]): Map<string, ReservationRow> {
  const known = new Map<string, { operation: Operation; claim: Claim }>();
  for (const operation of operations) {
    for (const claim of operation.reservation.claims) known.set(rowKey(operation.reservation.decisionId, claim), { operation, claim });
  }
  const rows = new Map<string, ReservationRow>();
  for (const row of stored) {
    const key = rowKey(row.decision_id, { key: keyOf(row) });
    const found = known.get(key);
    if (!found) continue;
    const reservation = { ...found.operation.reservation, amount: Number(row.amount_nusd) };
    rows.set(key, { reservation, claim: found.claim, settled: row.settled_nusd === null ? null : Number(row.settled_nusd) });
  }
  return rows;
}

const toStored = ({ reservation, claim, settled }: ReservationRow) => ({
  decision_id: reservation.decisionId,
  scope: claim.scope,
  id: claim.id,
  period: claim.period,
  session_id: reservation.session,
  amount_nusd: reservation.amount,
  settled_nusd: settled,
});

const toUsageRow = ({ scope, id, period }: Claim, { spent, reserved, resumed }: Usage) => ({
  scope,
  id,
  period,
  spent_nusd: spent,
  reserved_nusd: reserved,
  resumed_nusd: resumed,
});
