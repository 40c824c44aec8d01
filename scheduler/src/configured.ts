/** What one config makes of the scheduler: what is replaced as a whole when another config is applied. */

import type { AdmitAside } from "./admission/aside.ts";
import { createGatekeeper, type Gatekeeper } from "./admission/keys.ts";
import type { FindStoredKey } from "./admission/stored-keys.ts";
import { createWarmUp } from "./aside/warm-up.ts";
import { type Catalog, createCatalog } from "./catalog.ts";
import type { Environment } from "./config/references.ts";
import { type Config, type PoolConfig, poolSchema } from "./config/schema.ts";
import { type Baseline, baselineOf } from "./cost.ts";
import { createPool, type Pool, type PoolOptions } from "./pools/pool.ts";
import type { LearnedPool } from "./pools/speed.ts";
import { createResilience, type Resilience } from "./resilience/policy.ts";
import { type Classifier, createClassifier } from "./routing/intent.ts";
import { createSemantic, type Semantic } from "./routing/semantic/semantic.ts";
import type { DecisionRecord } from "./telemetry/record.ts";

export interface Configured {
  readonly config: Config;
  readonly pools: readonly Pool[];
  readonly gatekeeper: Gatekeeper;
  readonly catalog: Catalog;
  readonly classifier: Classifier;
  readonly baseline: Baseline | undefined;
  readonly semantic: Semantic | undefined;
  readonly resilience: Resilience;
  /** Of what the config says of each pool and of its key: where it stays the same the pool does. */
  readonly fingerprints: ReadonlyMap<Pool, string>;
}

export interface ConfiguredOptions extends Omit<PoolOptions, "warmUp"> {
  token: string | undefined;
  loopback: boolean;
  admitAside: AdmitAside;
  storedKey: FindStoredKey;
  record: (record: DecisionRecord) => void;
  onSemanticSkip: () => void;
  /** What was kept of a pool. */
  learnedOf: (subject: string) => LearnedPool | undefined;
}

/** Makes vectors and nothing else: no model of it is offered to clients. */
const EMBEDDINGS_POOL = "semantic-embeddings";

/**
 * @param before pools and vectors that this config leaves as they were are taken over, with all they have learned; pools that it changes,
 * and that are the same machine with the same models, take over what was learned
 */
export function configure(config: Config, options: ConfiguredOptions, before?: Configured): Configured {
  const { environment } = options;
  const embeddings = embeddingsPool(config);
  const fingerprints = new Map<Pool, string>();
  const { failures, open_ms: openMs } = config.resilience.breaker;
  const { admitAside: admit, record, log } = options;
  const warmUp = createWarmUp({ admit, record, log });
  const poolOf = (wanted: PoolConfig): Pool => {
    const fingerprint = fingerprintOf(wanted, config, environment);
    const same = before?.pools.find((pool) => before.fingerprints.get(pool) === fingerprint);
    const pool = same ?? createPool(wanted, { failures, openMs }, { ...options, warmUp });
    fingerprints.set(pool, fingerprint);
    if (same) return pool;
    const earlier = before?.pools.find(({ subject }) => subject === pool.subject);
    const learned = earlier ? earlier.speed.learned() : options.learnedOf(pool.subject);
    if (learned) pool.restore(learned);
    return pool;
  };
  const serving = config.pools.map(poolOf);
  const pools = embeddings ? [...serving, poolOf(embeddings)] : serving;
  return {
    config,
    pools,
    gatekeeper: createGatekeeper({
      keys: config.keys,
      environment,
      token: options.token,
      loopback: options.loopback,
      stored: options.storedKey,
    }),
    catalog: createCatalog(config.models, serving),
    classifier: createClassifier(config),
    baseline: baselineOf(config, options.prices),
    resilience: createResilience(config),
    semantic: semanticOf(config, pools, options, before),
    fingerprints,
  };
}

function semanticOf(
  config: Config,
  pools: readonly Pool[],
  options: ConfiguredOptions,
  before: Configured | undefined,
): Semantic | undefined {
  if (!config.semantic) return undefined;
  const { embeddings } = config.semantic;
  const name = "url" in embeddings ? EMBEDDINGS_POOL : embeddings.pool;
  const offer = pools.find((pool) => pool.name === name)?.offers.find(({ model }) => model === embeddings.model);
  if (!offer) throw new Error(`semantic.embeddings names ${name}/${embeddings.model}, which is not there`);
  const asked = (from: Config) => JSON.stringify([from.semantic, from.routes.map((route) => [route.name, route.when.semantic])]);
  if (before?.semantic && before.pools.includes(offer.source) && asked(before.config) === asked(config)) return before.semantic;
  const { home, admitAside: admit, record, onSemanticSkip: onSkip, log } = options;
  return createSemantic({ config: config.semantic, routes: config.routes, offer, admit, home, record, onSkip, log });
}

function embeddingsPool({ semantic }: Config): PoolConfig | undefined {
  if (!semantic || !("url" in semantic.embeddings)) return undefined;
  const { url, model, api_key_env } = semantic.embeddings;
  return poolSchema.parse({
    name: EMBEDDINGS_POOL,
    silicon: "cloud",
    engine: "openai-compatible",
    base_url: url,
    models: [{ id: model }],
    ...(api_key_env && { api_key_env }),
  });
}

function fingerprintOf(config: PoolConfig, { resilience }: Config, environment: Environment): string {
  const key = config.engine === "llama-cpp" || !config.api_key_env ? undefined : environment[config.api_key_env];
  return JSON.stringify([config, key, resilience.breaker]);
}
