/** Budgets in plain values. Money is integer nano-USD. */

import type { Config } from "../../config/schema.ts";

export type BudgetConfig = Config["budgets"][number];
export type BudgetScope = BudgetConfig["scope"];
export type BudgetPeriod = BudgetConfig["period"];
/** `at` is a share of the limit. */
export type Rung = BudgetConfig["ladder"][number];

/** The id of a budget that holds for every id of its scope, each for itself. */
export const EVERY_ID = "*";
/** The one id of scope `global`. */
export const GLOBAL_ID = "global";

export interface Budget {
  scope: BudgetScope;
  id: string;
  period: BudgetPeriod;
  limitNanousd: number;
  ladder: readonly Rung[];
  source: "config" | "api";
}

/** A budget that one call draws on: whose, and for which period. */
export interface Claim {
  /** Scope, id and period as one text. */
  key: string;
  scope: BudgetScope;
  id: string;
  /** `none`, `2026-11-21` or `2026-11`, UTC. */
  period: string;
  budget: Budget;
}

export interface Usage {
  spent: number;
  /** The worst case of calls that have not ended. */
  reserved: number;
  /** Rungs at or below this much spent were lifted by a resume. */
  resumed: number;
}

export const UNUSED: Readonly<Usage> = { spent: 0, reserved: 0, resumed: 0 };

export const claimKey = (scope: string, id: string, period: string): string => `${scope}\n${period}\n${id}`;

/** The name of the period that `now` (milliseconds since the epoch) is in. */
export function periodAt(period: BudgetPeriod, now: number): string {
  if (period === "none") return "none";
  return new Date(now).toISOString().slice(0, period === "day" ? 10 : 7);
}
