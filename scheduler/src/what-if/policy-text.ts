/** The part of a config that a simulation looks at, as YAML that a person edits. */

import { stringify } from "yaml";
import type { Config, PoolConfig } from "../config/schema.ts";
import type { Pool } from "../pools/pool.ts";

/**
 * What is in force, without keys, budgets and addresses' credentials. A pool without `rates` gets those that were measured, so that the
 * simulation need not guess them; one without `hourly_usd` keeps its unknown price.
 */
export function policyText({ baseline, models, sla, tasks, routes, semantic, pools }: Config, live: readonly Pool[]): string {
  const shown = {
    pools: pools.map((pool) =>
      describe(
        pool,
        live.find(({ name }) => name === pool.name),
      ),
    ),
    models,
    sla,
    tasks,
    routes,
    semantic,
    baseline,
  };
  return stringify(JSON.parse(JSON.stringify(shown, withoutEmpty)), { lineWidth: 120 });
}

function describe(pool: PoolConfig, live: Pool | undefined) {
  const { name, silicon, hardware, engine, models, slots, queue_limit, hourly_usd, cost_by, rates } = pool;
  const address =
    pool.engine === "llama-cpp"
      ? { model: pool.model, url: withoutCredentials(pool.url), context_tokens: pool.context_tokens }
      : { provider: pool.provider, base_url: withoutCredentials(pool.base_url) };
  const known = rates ?? (live && measured(live));
  return { name, silicon, hardware, engine, ...address, models, slots, queue_limit, hourly_usd, cost_by, rates: known };
}

function measured({ speed }: Pool) {
  const prefill = speed.prefillTokensPerSecond / speed.ttftRatio;
  const decode = 1000 / (speed.decodeMsPerToken * speed.tpotRatio);
  if (!Number.isFinite(prefill) || !Number.isFinite(decode)) return undefined;
  return { prefill_tokens_per_second: Number(prefill.toPrecision(3)), decode_tokens_per_second: Number(decode.toPrecision(3)) };
}

function withoutCredentials(address: string | undefined): string | undefined {
  if (address === undefined) return undefined;
  const url = new URL(address);
  url.username = "";
  url.password = "";
  url.search = "";
  return url.href.replace(/\/$/, "");
}

/** A route has these, whatever is in them. */
const OF_A_ROUTE = ["when", "use"];

const withoutEmpty = (key: string, value: unknown) =>
  typeof value === "object" && value !== null && Object.keys(value).length === 0 && !OF_A_ROUTE.includes(key) ? undefined : value;
