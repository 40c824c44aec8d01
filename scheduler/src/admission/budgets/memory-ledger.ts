/** Budgets without Postgres: forgotten when the process ends, and said so at start. */

import { UNUSED, type Usage } from "./budget.ts";
import type { Ledger } from "./ledger.ts";
import { apply, type BudgetTables, rowKey } from "./operations.ts";

/** @param maxUsages ids and periods that are remembered; beyond it the oldest without a call in flight is forgotten, and counted */
export function createMemoryLedger(maxUsages = 100_000): Ledger {
  const tables: BudgetTables = { usage: new Map<string, Usage>(), rows: new Map() };
  let dropped = 0;

  function bound(): void {
    if (tables.usage.size <= maxUsages) return;
    for (const [key, usage] of tables.usage) {
      if (usage.reserved > 0) continue;
      tables.usage.delete(key);
      dropped++;
      return;
    }
  }

  return {
    pending: 0,
    get dropped() {
      return dropped;
    },
    usageOf: (claim) => tables.usage.get(claim.key),
    load: async () => {},
    async reserve(reservation) {
      const short = apply(tables, { kind: "reserve", reservation });
      bound();
      return short;
    },
    async settle(reservation, cost) {
      apply(tables, { kind: "settle", reservation, cost });
      for (const claim of reservation.claims) tables.rows.delete(rowKey(reservation.decisionId, claim));
    },
    async resume(claims) {
      for (const { key } of claims) {
        const usage = tables.usage.get(key) ?? { ...UNUSED };
        tables.usage.set(key, { ...usage, resumed: usage.spent });
      }
    },
    known: () => tables.usage,
    close: async () => {},
  };
}
