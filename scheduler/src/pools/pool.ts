/** A pool as the rest of the scheduler sees it: silicon, models with prices, slots, speed, busy time, and a way to reach it. */

import { createHash } from "node:crypto";
import type { Silicon } from "@signalbox/otel/conventions";
import { asOfToday, type PriceList } from "@signalbox/otel/prices";
import type { Environment } from "../config/references.ts";
import type { PoolConfig } from "../config/schema.ts";
import { pricingOf } from "../cost.ts";
import type { Dialect } from "../dialects/translate/index.ts";
import type { Log } from "../log.ts";
import { type Candidate, dueInMs } from "../placement/candidate.ts";
import { createPeakEwma, type PeakEwma } from "../placement/replicas.ts";
import { type Breaker, type BreakerOptions, createBreaker } from "../resilience/breaker.ts";
import { epochLately, epochNow, type OfferFacts } from "../telemetry/record.ts";
import { type BusyClock, createBusyClock } from "./busy-clock.ts";
import type { Connection } from "./connection.ts";
import { type DrainableConnection, drainable } from "./drainable.ts";
import type { SpeedPrior } from "./learned-speed.ts";
import type { MeasuredSpeed } from "./llama-cpp/protocol.ts";
import { connectRemoteWorker } from "./llama-cpp/remote-worker.ts";
import type { SessionRegistry } from "./llama-cpp/sessions.ts";
import { connectLlamaCpp } from "./llama-cpp/supervisor.ts";
import { createPoolLoad, type PoolLoad } from "./pool-load.ts";
import { createPriceNow, type PriceNow } from "./price-changes.ts";
import { providerOf } from "./provider.ts";
import { connectRemote } from "./remote.ts";
import { createSlotGate, type SlotGate } from "./slot-gate.ts";
import { createSpeedModel, type LearnedPool, type SpeedModel } from "./speed.ts";
import { createWarmPrefixes, type WarmPrefixes } from "./warm-prefixes.ts";

export interface Pool {
  readonly name: string;
  /** Whom what was learned is of. See `subjectOf`. */
  readonly subject: string;
  /** Where its rates are from until they are measured. */
  readonly rates: "configured" | "assumed";
  readonly silicon: Silicon;
  readonly hardware: string | undefined;
  readonly engine: PoolConfig["engine"];
  /** What its engine speaks, best first. */
  readonly dialects: readonly Dialect[];
  /** `gen_ai.provider.name` */
  readonly provider: string;
  readonly hourlyUsd: number | undefined;
  /** Only for calls that bring credentials of their own. */
  readonly callerCredentials: boolean;
  readonly gate: SlotGate;
  readonly speed: SpeedModel;
  readonly clock: BusyClock;
  /** Undefined for the cloud: its calls do not share one engine. */
  readonly load: PoolLoad | undefined;
  readonly latency: PeakEwma;
  /** Undefined where the engine itself tells what it holds of a session. */
  readonly prefixes: WarmPrefixes | undefined;
  /** When it was made: what its idle time counts from. Milliseconds since the epoch. */
  readonly since: number;
  readonly connection: DrainableConnection;
  readonly breaker: Breaker;
  readonly offers: readonly Offer[];
  /** Takes up what was learned of the same pool before. Before its first call. */
  restore(learned: LearnedPool): void;
}

/** One model on one pool: a live view that placement reads as a candidate. */
export interface Offer extends Candidate {
  readonly source: Pool;
  readonly facts: OfferFacts;
  /** What becomes of a request with tools. */
  readonly tools: PoolConfig["tools"];
  /** `pricing` is that of the moment. */
  readonly repriced: boolean;
}

export interface PoolOptions {
  home: string;
  configDirectory: string;
  environment: Environment;
  /** Milliseconds a call may wait for a slot. */
  queueTimeoutMs: number;
  /** Of models whose price the config does not give. */
  prices: PriceList;
  /** Where sessions of llama-cpp pools are, between all of them. */
  sessions: SessionRegistry;
  /** Measures a remote pool whose config asks for it, when its engine is up. Never rejects. */
  warmUp: (pool: Pool) => Promise<void>;
  log: Log;
}

export function createPool(config: PoolConfig, breakerOptions: BreakerOptions, options: PoolOptions): Pool {
  const breaker = createBreaker(breakerOptions);
  const speed = createSpeedModel(configuredSpeed(config), { afterMs: CORRECTION_LASTS_MS, now: epochLately });
  const clock = createBusyClock();
  const provider = providerOf(config);
  const gate = createSlotGate({
    pool: config.name,
    slots: config.slots,
    queueLimit: config.queue_limit ?? 4 * config.slots,
    timeoutMs: options.queueTimeoutMs,
  });
  const connection = drainable(connect(config, options, speed, breaker, () => pool));
  const offers: Offer[] = [];
  const pool: Pool = {
    name: config.name,
    subject: subjectOf(config),
    rates: config.rates ? "configured" : "assumed",
    silicon: config.silicon,
    hardware: config.hardware,
    engine: config.engine,
    dialects: dialectsOf(config),
    provider,
    hourlyUsd: config.hourly_usd,
    callerCredentials: config.engine !== "llama-cpp" && config.credentials === "caller",
    gate,
    speed,
    clock,
    load: config.silicon === "cloud" ? undefined : createPoolLoad(speed, config.slots, clock),
    latency: createPeakEwma(),
    prefixes: connection.sessions ? undefined : createWarmPrefixes({ capacity: MAX_CONVERSATIONS, lifetimeMs: PREFIX_LASTS_MS }),
    since: epochNow(),
    connection,
    breaker,
    offers,
    // Rates that were measured give way to those of a config that has them measured no more.
    restore: (learned) => speed.restore(isMeasured(config) ? learned : { ...learned, measuredAt: null }),
  };
  for (const model of config.models) {
    const contextTokens = model.context_tokens ?? (config.engine === "llama-cpp" ? config.context_tokens : undefined);
    const maxOutputTokens = model.max_output_tokens ?? (config.engine === "llama-cpp" ? config.max_output_tokens : undefined);
    const replicaOf = replicaGroup(config, model.id);
    const known = {
      tools: model.tools ?? config.tools,
      contextTokens,
      ...(maxOutputTokens !== undefined && { maxOutputTokens }),
      ...(model.max_tokens_floor !== undefined && { maxTokensFloor: model.max_tokens_floor }),
      ...(replicaOf !== undefined && { replicaOf }),
    };
    const pricingAt = asOfToday(options.prices, (rows, now) => pricingOf(config, model, provider, rows, now));
    const priceNow = createPriceNow(pricingAt, config.prices ?? []);
    offers.push(createOffer(pool, model.id, model.tier, { ...known, repriced: config.prices !== undefined }, priceNow));
  }
  return pool;
}

function connect(config: PoolConfig, options: PoolOptions, speed: SpeedModel, breaker: Breaker, pool: () => Pool): Connection {
  const key = config.api_key_env && options.environment[config.api_key_env];
  if (config.engine !== "llama-cpp") {
    const onUp = () => void (config.warmup && options.warmUp(pool()));
    return connectRemote({ config, key, breaker, onUp, log: options.log });
  }
  const onSpeed = (measured: MeasuredSpeed) => {
    // A first token takes a pass of its own, however short the prompt.
    speed.setPrior({ fixedMs: measured.decodeMsPerToken, ...measured });
    // Failures were those of a process that is gone.
    breaker.report("good");
  };
  const { url } = config;
  return url === undefined
    ? connectLlamaCpp({ config, ...options, onSpeed })
    : connectRemoteWorker({ ...options, config: { ...config, url }, key, onSpeed });
}

/** After this long without a call of its class, what was seen of a pool is no longer held against it. */
export const CORRECTION_LASTS_MS = 300_000;
const MAX_CONVERSATIONS = 4096;
/** Anthropic's cache, and most others', keep a prefix five minutes. */
const PREFIX_LASTS_MS = 300_000;

/** Remote pools whose rates nobody gave, and which differ in name, address and key alone, are replicas of one thing. */
function replicaGroup(config: PoolConfig, model: string): string | undefined {
  if (config.engine === "llama-cpp" || config.rates) return undefined;
  const { name, base_url, api_key_env, ...same } = config;
  return JSON.stringify({ ...same, model });
}

function createOffer(
  source: Pool,
  model: string,
  tier: number,
  known: Pick<Offer, "tools" | "contextTokens" | "maxOutputTokens" | "maxTokensFloor" | "replicaOf" | "repriced">,
  priceNow: PriceNow,
): Offer {
  const { gate, connection, breaker, load, speed, latency } = source;
  return {
    source,
    facts: { pool: source.name, model, silicon: source.silicon, tier, hardware: source.hardware, provider: source.provider },
    pool: source.name,
    model,
    silicon: source.silicon,
    tier,
    ...known,
    get pricing() {
      return priceNow(Date.now(), gate.active / gate.slots);
    },
    speed,
    get correction() {
      return speed.correction;
    },
    get usualCall() {
      return load && speed.usualCall;
    },
    get pendingPrefillTokens() {
      return load?.pendingPrefillTokens(epochNow());
    },
    get prefillInflow() {
      return load?.prefillInflow(epochNow());
    },
    get residents() {
      return load?.residents(epochNow());
    },
    get peakLatencyMs() {
      return latency.read(epochNow());
    },
    slots: gate.slots,
    queueLimit: gate.queueLimit,
    get active() {
      return gate.active;
    },
    get queued() {
      return gate.queued;
    },
    queuedAhead: (sla) => gate.queuedAhead(Date.now() + dueInMs(sla)),
    get unavailable() {
      const { state } = connection;
      if (state.kind === "healthy") return breaker.unavailable;
      return state.kind === "unhealthy" ? `unhealthy: ${state.reason}` : state.kind;
    },
  };
}

/** A digest of what makes it the same pool: what was learned of another one says nothing of it. Keys, prices and limits do not. */
export function subjectOf(config: PoolConfig): string {
  const { name, engine, silicon, hardware, slots, models } = config;
  const where = engine === "llama-cpp" ? [config.model, config.url, config.gpu, config.threads] : [config.base_url];
  const same = [name, engine, providerOf(config), where, silicon, hardware, slots, models.map(({ id }) => id).sort()];
  return createHash("sha256").update(JSON.stringify(same)).digest("hex");
}

const isMeasured = (config: PoolConfig): boolean => config.engine === "llama-cpp" || config.warmup;

function dialectsOf(config: PoolConfig): Dialect[] {
  if (config.engine === "anthropic") return ["anthropic-messages"];
  if (config.engine === "llama-cpp") return ["openai-chat"];
  return config.dialects.map((name) => `openai-${name}` as const);
}

/** A fast hosted model's figures, taken where the config gives none; real calls correct them. */
const UNKNOWN_SPEED: SpeedPrior = { fixedMs: 300, prefillTokensPerSecond: 5_000, decodeMsPerToken: 20, decodeMsPerTokenFull: 20 };

function configuredSpeed({ rates }: PoolConfig): SpeedPrior {
  const decodeMs = rates?.decode_tokens_per_second ? 1000 / rates.decode_tokens_per_second : UNKNOWN_SPEED.decodeMsPerToken;
  return {
    fixedMs: rates?.fixed_ms ?? UNKNOWN_SPEED.fixedMs,
    prefillTokensPerSecond: rates?.prefill_tokens_per_second ?? UNKNOWN_SPEED.prefillTokensPerSecond,
    decodeMsPerToken: decodeMs,
    decodeMsPerTokenFull: decodeMs,
  };
}
