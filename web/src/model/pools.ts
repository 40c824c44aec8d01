import type { Pool, PoolNow } from "../api/pool.ts";
import type { PoolHolderRow } from "../queries/pool-holders.ts";
import type { PoolUsageRow } from "../queries/pool-usage.ts";
import { sums } from "./to-api.ts";

/** A pool of the scheduler, with what is not part of its state now. */
export interface LivePool extends PoolNow {
  name: string;
  silicon: string;
  hardware: string | null;
}

/**
 * The share of its slots' time at which a pool costs what the baseline would have charged for the calls that it served. A slot
 * that is busy for an hour earns what its calls would have cost there; the pool costs its hourly rate, busy or not. Null where
 * the rate, the slots, the busy time or the baseline is not known.
 */
export function breakEvenUtilisation(
  hourlyUsd: number | null | undefined,
  slots: number | null | undefined,
  busyMs: number,
  baselineNanousd: bigint,
): number | null {
  if (!hourlyUsd || !slots || busyMs <= 0 || baselineNanousd <= 0n) return null;
  const usdOfBusySlotHour = Number(baselineNanousd) / 1e9 / (busyMs / 3_600_000);
  return hourlyUsd / (slots * usdOfBusySlotHour);
}

const NOTHING: Omit<PoolUsageRow, "pool" | "silicon" | "hardware"> = {
  calls: "0",
  errors: "0",
  busy_ms: 0,
  cost_nusd: "0",
  unknown_cost_calls: "0",
  baseline_nusd: "0",
  comparable_cost_nusd: "0",
  comparable_baseline_nusd: "0",
  sla: [],
};
const NO_TOKENS = { input_tokens: "0", cache_read_tokens: "0", cache_write_tokens: "0", output_tokens: "0", reasoning_tokens: "0" };

/** Pools that the scheduler has, then those that only the record knows. */
export function toPools(
  live: readonly LivePool[],
  usage: readonly PoolUsageRow[],
  holders: readonly PoolHolderRow[],
  rangeMs: number,
): Pool[] {
  const used = new Map(usage.map((row) => [row.pool, row]));
  const holdersOf = Map.groupBy(holders, (row) => row.pool);
  const liveOf = new Map(live.map((pool) => [pool.name, pool]));
  const names = [...new Set([...liveOf.keys(), ...used.keys()])];
  return names.map((name) => {
    const { name: _, silicon, hardware, ...now } = liveOf.get(name) ?? { name, silicon: null, hardware: null };
    const row = used.get(name) ?? { ...NOTHING, pool: name, silicon: silicon ?? "", hardware: hardware ?? "" };
    const state = "slots" in now ? now : null;
    const { calls, cost_nanousd, cost_usd, unknown_cost_calls, baseline_nanousd, baseline_usd } = sums({ ...row, ...NO_TOKENS });
    return {
      pool: name,
      silicon: silicon ?? (row.silicon || null),
      hardware: hardware ?? (row.hardware || null),
      now: state,
      calls,
      errors: Number(row.errors),
      busy_ms: row.busy_ms,
      cost_nanousd,
      cost_usd,
      unknown_cost_calls,
      baseline_nanousd,
      baseline_usd,
      comparable_cost_nanousd: row.comparable_cost_nusd,
      comparable_baseline_nanousd: row.comparable_baseline_nusd,
      utilisation: state?.slots ? row.busy_ms / (state.slots * rangeMs) : null,
      break_even_utilisation: breakEvenUtilisation(state?.hourly_usd, state?.slots, row.busy_ms, BigInt(row.baseline_nusd)),
      sla: row.sla,
      holders: (holdersOf.get(name) ?? []).map((holder) => ({
        session_id: holder.session_id,
        agent_name: holder.agent_name,
        sub_agents: holder.sub_agents,
        calls: Number(holder.calls),
        held_ms: Number(holder.held_ns) / 1e6,
        share: Number(holder.pool_ns) > 0 ? Number(holder.held_ns) / Number(holder.pool_ns) : 0,
      })),
    };
  });
}
