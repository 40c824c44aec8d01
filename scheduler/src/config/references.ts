/** What one part of the config says about another: names that must exist, and names that must not come twice. */

import type { Config } from "./schema.ts";
import { didYouMean } from "./suggest.ts";

/** Environment variables. */
export type Environment = Readonly<Record<string, string | undefined>>;

export interface ConfigIssue {
  path: PropertyKey[];
  message: string;
}

export function checkReferences(config: Config, environment: Environment): ConfigIssue[] {
  const issues: ConfigIssue[] = [];
  const pools = config.pools.map((pool) => pool.name);
  const models = new Set(config.pools.flatMap((pool) => pool.models.map((model) => model.id)));

  const known = (value: string, among: Iterable<string>, kind: string, path: PropertyKey[]) => {
    const names = [...among];
    if (!names.includes(value)) issues.push({ path, message: `there is no ${kind} "${value}"${didYouMean(value, names)}` });
  };
  const unique = (names: string[], kind: string, path: (index: number) => PropertyKey[]) => {
    for (const [index, name] of names.entries()) {
      if (names.indexOf(name) < index) issues.push({ path: path(index), message: `there is already a ${kind} "${name}"` });
    }
  };
  const set = (variable: string | undefined, path: PropertyKey[]) => {
    if (variable && !environment[variable]) issues.push({ path, message: `the environment variable ${variable} is not set` });
  };

  unique(pools, "pool", (index) => ["pools", index, "name"]);
  unique(
    config.routes.map((route) => route.name),
    "route",
    (index) => ["routes", index, "name"],
  );
  unique(
    config.keys.map((key) => key.name),
    "key",
    (index) => ["keys", index, "name"],
  );
  for (const [index, pool] of config.pools.entries()) {
    if (pool.engine === "llama-cpp" && pool.models.length > 1) {
      issues.push({ path: ["pools", index, "models"], message: "a llama-cpp pool serves one model" });
    }
    if (pool.engine !== "llama-cpp") set(pool.api_key_env, ["pools", index, "api_key_env"]);
    if (pool.cost_by === "time" && pool.hourly_usd === undefined) {
      issues.push({ path: ["pools", index, "cost_by"], message: "cost_by: time needs hourly_usd" });
    }
  }
  for (const [model, { any_of }] of Object.entries(config.models)) {
    for (const [index, id] of any_of.entries()) known(id, models, "model", ["models", model, "any_of", index]);
  }
  for (const [index, { use }] of config.routes.entries()) {
    for (const [at, id] of (use.models ?? []).entries()) known(id, models, "model", ["routes", index, "use", "models", at]);
    for (const [at, name] of (use.pools ?? []).entries()) known(name, pools, "pool", ["routes", index, "use", "pools", at]);
  }
  if (config.baseline?.pool) known(config.baseline.pool, pools, "pool", ["baseline", "pool"]);
  const askable = [...models, ...Object.keys(config.models)];
  for (const [index, key] of config.keys.entries()) {
    if ("key_env" in key) set(key.key_env, ["keys", index, "key_env"]);
    for (const [at, id] of (key.models ?? []).entries()) known(id, askable, "model", ["keys", index, "models", at]);
  }
  const budgets = config.budgets.map(({ scope, id = "*", period }) => `${scope} ${id} ${period}`);
  for (const [index, budget] of budgets.entries()) {
    if (budgets.indexOf(budget) < index)
      issues.push({ path: ["budgets", index], message: "there is already a budget of this scope, id and period" });
    if (config.budgets[index]?.scope === "global" && config.budgets[index]?.id !== undefined) {
      issues.push({ path: ["budgets", index, "id"], message: "scope global has no ids" });
    }
  }
  return issues;
}
