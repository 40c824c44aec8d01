/** What one part of the config says about another: names that must exist, and names that must not come twice. */

import type { SemanticConfig } from "./cache-schema.ts";
import type { RouteConfig, ShadowConfig } from "./route-schema.ts";
import type { Config } from "./schema.ts";
import { didYouMean } from "./suggest.ts";

/** Environment variables. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** For a config by which nothing is called: no key need be there. */
export const EVERY_VARIABLE: Environment = new Proxy<Record<string, string>>({}, { get: () => "not used", has: () => true });

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

  const keys = config.keys.map((key) => key.name);
  const roles = new Set(config.keys.flatMap((key) => key.role ?? []));
  const modelsOf = (pool: string) => config.pools.find(({ name }) => name === pool)?.models.map(({ id }) => id) ?? [];
  const checkShadow = ({ pool, model }: ShadowConfig, path: PropertyKey[]) => {
    known(pool, pools, "pool", [...path, "pool"]);
    if (model !== undefined && pools.includes(pool)) known(model, modelsOf(pool), `model of pool ${pool}`, [...path, "model"]);
    if (config.pools.find(({ name }) => name === pool)?.slots === 1) {
      issues.push({ path: [...path, "pool"], message: `pool ${pool} has one slot, and copies never take the last free one` });
    }
  };
  const checkEmbeddings = (embeddings: SemanticConfig["embeddings"]) => {
    const path = ["semantic", "embeddings"];
    if ("url" in embeddings) set(embeddings.api_key_env, [...path, "api_key_env"]);
    else {
      known(embeddings.pool, pools, "pool", [...path, "pool"]);
      if (pools.includes(embeddings.pool))
        known(embeddings.model, modelsOf(embeddings.pool), `model of pool ${embeddings.pool}`, [...path, "model"]);
    }
  };

  unique(pools, "pool", (index) => ["pools", index, "name"]);
  unique(
    config.routes.map((route) => route.name),
    "route",
    (index) => ["routes", index, "name"],
  );
  unique(keys, "key", (index) => ["keys", index, "name"]);
  for (const [index, pool] of config.pools.entries()) {
    if (pool.engine === "llama-cpp" && pool.models.length > 1) {
      issues.push({ path: ["pools", index, "models"], message: "a llama-cpp pool serves one model" });
    }
    if (pool.engine === "llama-cpp" && (pool.model === undefined) === (pool.url === undefined)) {
      const message = "a llama-cpp pool has a model (a GGUF file, or demo) or the url of a pool-worker, one of the two";
      issues.push({ path: ["pools", index, pool.model === undefined ? "name" : "url"], message });
    }
    set(pool.api_key_env, ["pools", index, "api_key_env"]);
    if (pool.engine !== "llama-cpp" && pool.warmup && pool.credentials === "caller") {
      issues.push({ path: ["pools", index, "warmup"], message: "credentials: caller leaves no key to measure the pool with" });
    }
    if (pool.cost_by === "time" && pool.hourly_usd === undefined) {
      issues.push({ path: ["pools", index, "cost_by"], message: "cost_by: time needs hourly_usd" });
    }
  }
  for (const [model, { any_of }] of Object.entries(config.models)) {
    for (const [index, id] of any_of.entries()) known(id, models, "model", ["models", model, "any_of", index]);
  }
  const usable = (use: RouteConfig["use"], path: PropertyKey[]) => {
    for (const [at, id] of (use.models ?? []).entries()) known(id, models, "model", [...path, "models", at]);
    for (const [at, name] of (use.pools ?? []).entries()) known(name, pools, "pool", [...path, "pools", at]);
  };
  for (const [index, { use, variants = [], when, cache, shadow }] of config.routes.entries()) {
    usable(use, ["routes", index, "use"]);
    for (const [at, variant] of variants.entries()) usable(variant.use, ["routes", index, "variants", at, "use"]);
    unique(
      variants.map((variant) => variant.name),
      "variant",
      (at) => ["routes", index, "variants", at, "name"],
    );
    for (const [at, name] of (when.keys ?? []).entries()) known(name, keys, "key", ["routes", index, "when", "keys", at]);
    for (const [at, name] of (when.roles ?? []).entries()) known(name, roles, "role of a key", ["routes", index, "when", "roles", at]);
    for (const part of ["semantic", "cache"] as const) {
      const needed = part === "semantic" ? when.semantic : cache?.kind === "semantic";
      const path = part === "semantic" ? ["routes", index, "when", "semantic"] : ["routes", index, "cache", "kind"];
      if (needed && !config.semantic) issues.push({ path, message: "needs semantic.embeddings: the model that makes the vectors" });
    }
    if (shadow) checkShadow(shadow, ["routes", index, "shadow"]);
  }
  if (config.semantic) checkEmbeddings(config.semantic.embeddings);
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
