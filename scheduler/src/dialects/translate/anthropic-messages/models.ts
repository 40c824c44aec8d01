/**
 * What an engine that speaks Messages takes, by its model's name. From Claude Opus 4.7 on, every Claude model refuses temperature, top_p,
 * top_k and manual thinking budgets (platform.claude.com, migration guide); before 4.6 none knows adaptive thinking or effort.
 */

export interface ModelTraits {
  sampling: boolean;
  thinking: "budget" | "adaptive";
}

const CLAUDE = /claude/;
const BUDGET_ERA = /claude-(?:\d|instant)|claude-(?:opus|sonnet|haiku)-(?:3|4(?:-[0-5])?)(?:-?\d{8}|-latest|-v\d|@|:|$)/;
const OPUS_AND_SONNET_4_6 = /claude-(?:opus|sonnet)-4-6/;

export function modelTraits(model: string): ModelTraits {
  if (!CLAUDE.test(model)) return { sampling: true, thinking: "budget" };
  if (BUDGET_ERA.test(model)) return { sampling: true, thinking: "budget" };
  return { sampling: OPUS_AND_SONNET_4_6.test(model), thinking: "adaptive" };
}
