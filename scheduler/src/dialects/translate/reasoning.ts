/** OpenAI asks for reasoning in words, Anthropic's older models in tokens. */

import type { Effort } from "./types.ts";

/** Tokens of manual thinking per effort; 1,024 is the least that Anthropic takes. */
const BUDGETS: Record<Exclude<Effort, "none">, number> = {
  minimal: 1_024,
  low: 4_096,
  medium: 10_240,
  high: 24_576,
  xhigh: 32_768,
  max: 49_152,
};

export const budgetOf = (effort: Exclude<Effort, "none">): number => BUDGETS[effort];

/** The least effort whose budget is not below the given one. */
export function effortOf(budget: number): Effort {
  const names = Object.keys(BUDGETS) as (keyof typeof BUDGETS)[];
  return names.find((name) => BUDGETS[name] >= budget) ?? "max";
}
