/**
 * Reservations whose scheduler died before it settled them. They count at their worst case, so the cap holds. They end
 * - at what the collector stored for the decision, once its span is there: a decision ends before its span is sent;
 * - at their worst case, as spent, when a day has passed without one: what died with the process is not known any more.
 * A scheduler that lives and settles later corrects either.
 */

import type { Log } from "../../log.ts";
import type { Database } from "../postgres/database.ts";
import { type BudgetScope, type Claim, claimKey } from "./budget.ts";
import type { Operation, Reservation } from "./operations.ts";
import { FORGET_SETTLED, READ_ORPHANS } from "./sql.ts";
import { writeBatch } from "./write-batch.ts";

export interface OrphanTimes {
  /** Between two looks. */
  everyMs: number;
  /** A reservation younger than this is a call in flight. */
  afterMs: number;
  /** Then the worst case is taken as spent. */
  overdueMs: number;
}

export const ORPHAN_TIMES: OrphanTimes = { everyMs: 30_000, afterMs: 60_000, overdueMs: 24 * 3_600_000 };
const MAX_ROWS = 500;

interface Orphan {
  decision_id: string;
  scope: BudgetScope;
  id: string;
  period: string;
  session_id: string;
  amount_nusd: string;
  overdue: boolean;
  cost_nusd: string | null;
}

/** One pass. @returns how many reservations it settled */
export async function settleOrphans(database: Database, times: OrphanTimes, now = Date.now()): Promise<number> {
  const before = (ms: number) => new Date(now - ms).toISOString();
  return database.run(async (query) => {
    const orphans = await query<Orphan>(READ_ORPHANS, [before(times.afterMs), MAX_ROWS, before(times.overdueMs)]);
    const operations = orphans.flatMap(toSettlement);
    if (operations.length > 0) await writeBatch(query, operations, new Set());
    await query(FORGET_SETTLED, [before(times.overdueMs), MAX_ROWS]);
    return operations.length;
  });
}

/** @returns how to stop */
export function followOrphans(database: Database, log: Log, times: OrphanTimes = ORPHAN_TIMES): () => void {
  const timer = setInterval(() => {
    if (!database.up) return;
    settleOrphans(database, times).then(
      (settled) => settled > 0 && log.info("reservations of calls that nobody ended were settled", { settled }),
      (error) => log.warn("orphaned reservations could not be looked at", { reason: (error as Error).message }),
    );
  }, times.everyMs);
  timer.unref();
  return () => clearInterval(timer);
}

function toSettlement(orphan: Orphan): Operation[] {
  const amount = Number(orphan.amount_nusd);
  const cost = orphan.cost_nusd === null ? (orphan.overdue ? amount : undefined) : Number(orphan.cost_nusd);
  if (cost === undefined) return [];
  const { scope, id, period } = orphan;
  const claim: Claim = { key: claimKey(scope, id, period), scope, id, period, budget: { ...UNLIMITED, scope, id } };
  const reservation: Reservation = { decisionId: orphan.decision_id, session: orphan.session_id, claims: [claim], amount };
  return [{ kind: "settle", reservation, cost }];
}

/** A settlement asks for no limit. */
const UNLIMITED = { period: "none", limitNanousd: Number.MAX_SAFE_INTEGER, ladder: [], source: "api" } as const;
