import type { RouteShare } from "../api/session.ts";
import { sumMoney } from "../model/money.ts";
import type { MixPart } from "../ui/mix-bar.tsx";
import { siliconLook } from "../ui/silicon.ts";

interface Share {
  silicon: string | null;
  calls: number;
}

/** Calls by silicon, as parts of a bar. Calls and not cost: one cloud call would hide the hundred that ran at home. */
export function callsBySilicon(shares: readonly Share[]): MixPart[] {
  const bySilicon = new Map<string | null, number>();
  for (const share of shares) bySilicon.set(share.silicon, (bySilicon.get(share.silicon) ?? 0) + share.calls);
  return [...bySilicon]
    .sort(([, left], [, right]) => right - left)
    .map(([silicon, calls]) => ({ key: silicon ?? "", silicon, value: calls, label: siliconLook(silicon).label }));
}

/** What each pool served and cost, the costliest first. */
export function byPool(shares: readonly RouteShare[]) {
  const pools = [...Map.groupBy(shares, (share) => share.pool)].map(([pool, parts]) => ({
    pool,
    silicon: parts[0]?.silicon ?? null,
    calls: parts.reduce((sum, part) => sum + part.calls, 0),
    unknown: parts.reduce((sum, part) => sum + part.unknown_cost_calls, 0),
    nanousd: sumMoney(parts.map((part) => part.cost_nanousd)).nanousd,
  }));
  return pools.sort((left, right) => Number(right.nanousd - left.nanousd) || right.calls - left.calls);
}
