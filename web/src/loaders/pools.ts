import type { PoolListParameters, PoolPage } from "../api/pool.ts";
import { toPools } from "../model/pools.ts";
import { epochMs, rfc3339 } from "../model/time.ts";
import { poolHolders } from "../queries/pool-holders.ts";
import { poolUsage } from "../queries/pool-usage.ts";
import { resolveRange } from "../queries/resolve-range.ts";
import { read } from "../server/database.ts";
import { livePools } from "../server/live-pools.ts";
import { floorToHour } from "./cost.ts";

export async function loadPools({ from }: PoolListParameters): Promise<PoolPage> {
  const [live, stored] = await Promise.all([
    livePools(),
    read(async (sql) => {
      const range = await resolveRange(sql, from, undefined, "UTC");
      const start = floorToHour(range.from);
      const [usage, holders] = await Promise.all([poolUsage(sql, start), poolHolders(sql, start)]);
      return { from: rfc3339(start), to: rfc3339(range.to), usage, holders };
    }),
  ]);
  const rangeMs = epochMs(stored.to) - epochMs(stored.from);
  return {
    data: toPools(live.pools, stored.usage, stored.holders, rangeMs),
    next: null,
    from: stored.from,
    to: stored.to,
    scheduler: { reachable: live.problem === null, problem: live.problem },
  };
}
