/** Which budgets a call draws on: those of the config, and those set through the control API, which stand before them. */

import { usdToNanousd } from "@signalbox/otel/prices";
import { plainId } from "../scoped-id.ts";
import { type Budget, type BudgetConfig, type BudgetScope, type Claim, claimKey, EVERY_ID, GLOBAL_ID, periodAt } from "./budget.ts";

/** Who spends. A scope whose id is not known has no budget. */
export type Spender = Readonly<Partial<Record<BudgetScope, string | undefined>>>;

export interface BudgetBook {
  /**
   * At most one budget of each scope and period: that of the id itself before that of every id. Sessions and agents of a project spend each
   * for themselves what the budget of their plain id allows.
   */
  claimsOf(spender: Spender, now: number): readonly Claim[];
  /** Those of the control API in place of what was known of them. */
  replaceStored(budgets: readonly Budget[]): void;
  put(budget: Budget): void;
  /** Those of another config in place of this one's; what was spent stays spent. */
  replaceConfigured(budgets: readonly BudgetConfig[]): void;
  all(): Budget[];
}

const NONE: readonly Claim[] = [];

export function createBudgetBook(configured: readonly BudgetConfig[]): BudgetBook {
  let fromConfig = configured.map(toBudget);
  let stored = new Map<string, Budget>();
  let inForce = new Map<string, Budget>();
  /** Scopes and periods that any budget has, so that a call looks up nothing else. */
  let kinds: Pick<Budget, "scope" | "period">[] = [];
  index();

  function index(): void {
    inForce = new Map([...fromConfig.map((budget) => [nameOf(budget), budget] as const), ...stored]);
    kinds = [...new Map([...inForce.values()].map(({ scope, period }) => [`${scope}\n${period}`, { scope, period }])).values()];
  }

  return {
    claimsOf(spender, now) {
      if (kinds.length === 0) return NONE;
      const claims: Claim[] = [];
      for (const { scope, period } of kinds) {
        const id = scope === "global" ? GLOBAL_ID : spender[scope];
        if (id === undefined) continue;
        const plain = plainId(id);
        const own =
          inForce.get(nameOf({ scope, id, period })) ?? (plain === id ? undefined : inForce.get(nameOf({ scope, id: plain, period })));
        const budget = own ?? inForce.get(nameOf({ scope, id: EVERY_ID, period }));
        if (!budget) continue;
        const name = periodAt(period, now);
        claims.push({ key: claimKey(scope, id, name), scope, id, period: name, budget });
      }
      return claims;
    },
    replaceStored(budgets) {
      stored = new Map(budgets.map((budget) => [nameOf(budget), budget]));
      index();
    },
    put(budget) {
      stored.set(nameOf(budget), budget);
      index();
    },
    replaceConfigured(budgets) {
      fromConfig = budgets.map(toBudget);
      index();
    },
    all: () => [...inForce.values()],
  };
}

const nameOf = ({ scope, id, period }: Pick<Budget, "scope" | "id" | "period">) => claimKey(scope, id, period);

const toBudget = ({ scope, id, period, limit_usd, ladder }: BudgetConfig): Budget => ({
  scope,
  id: scope === "global" ? GLOBAL_ID : (id ?? EVERY_ID),
  period,
  limitNanousd: usdToNanousd(limit_usd),
  ladder,
  source: "config",
});
