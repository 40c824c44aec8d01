import type { CostRow } from "../read-api.ts";

/** What one pool did in this play. */
export interface PoolTally {
  pool: string;
  silicon: string;
  model: string;
  calls: number;
  inputTokens: number;
  outputTokens: number;
  /** nano-USD of the calls whose cost is known */
  cost: bigint;
  unknownCostCalls: number;
  /** cost and baseline of the calls that have both */
  comparableCost: bigint;
  comparableBaseline: bigint;
}

/**
 * What the play added, by pool: the read API's rows after it less those before it, of its sessions alone. The sessions of a
 * seed come again with every play, and other agents may work at the same time.
 */
export function tallyByPool(before: readonly CostRow[], after: readonly CostRow[], sessions: ReadonlySet<string>): PoolTally[] {
  const tallies = new Map<string, PoolTally>();
  const add = (row: CostRow, sign: 1 | -1) => {
    if (!sessions.has(row.session ?? "")) return;
    const { pool = "", silicon = "", model = "" } = row;
    const key = JSON.stringify([pool, silicon, model]);
    const tally = tallies.get(key) ?? emptyTally(pool, silicon, model);
    tallies.set(key, tally);
    const factor = BigInt(sign);
    tally.calls += sign * row.calls;
    tally.inputTokens += sign * row.input_tokens;
    tally.outputTokens += sign * row.output_tokens;
    tally.unknownCostCalls += sign * row.unknown_cost_calls;
    tally.cost += factor * BigInt(row.cost_nanousd ?? 0);
    tally.comparableCost += factor * BigInt(row.comparable_cost_nanousd);
    tally.comparableBaseline += factor * BigInt(row.comparable_baseline_nanousd);
  };
  for (const row of after) add(row, 1);
  for (const row of before) add(row, -1);
  return [...tallies.values()].filter((tally) => tally.calls > 0).sort((a, b) => b.calls - a.calls);
}

/** All pools together. */
export function sumTallies(tallies: readonly PoolTally[]): PoolTally {
  const total = emptyTally("", "", "");
  for (const tally of tallies) {
    total.calls += tally.calls;
    total.inputTokens += tally.inputTokens;
    total.outputTokens += tally.outputTokens;
    total.unknownCostCalls += tally.unknownCostCalls;
    total.cost += tally.cost;
    total.comparableCost += tally.comparableCost;
    total.comparableBaseline += tally.comparableBaseline;
  }
  return total;
}

const emptyTally = (pool: string, silicon: string, model: string): PoolTally => ({
  pool,
  silicon,
  model,
  calls: 0,
  inputTokens: 0,
  outputTokens: 0,
  cost: 0n,
  unknownCostCalls: 0,
  comparableCost: 0n,
  comparableBaseline: 0n,
});

/** "$0.0012": as many digits as a small amount needs to be seen. */
export function formatUsd(nanousd: bigint): string {
  const usd = Number(nanousd) / 1e9;
  const digits = usd === 0 || Math.abs(usd) >= 1 ? 2 : Math.min(9, 1 - Math.floor(Math.log10(Math.abs(usd))) + 1);
  return `${usd < 0 ? "-" : ""}$${Math.abs(usd).toFixed(digits)}`;
}
