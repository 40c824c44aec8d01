import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { DEFAULT_PROJECT, DefaultPort } from "@signalbox/otel/conventions";
import { findPrice, PRICES, type PriceList, type PriceRow, readPrices, type TokenPrice } from "@signalbox/otel/prices";
import { parse } from "yaml";
import { z } from "zod";
import { alertingSchema } from "./alerting/alerting-config.ts";
import type { FanOutDestination } from "./fan-out/fan-out.ts";
import { fanOutDestinations, fanOutSchema } from "./fan-out/fan-out-config.ts";
import type { IngestKey } from "./receivers/keys.ts";
import { retentionSchema } from "./retention/retention-config.ts";

const MiB = 1024 * 1024;
const count = z.int().positive();

/** `collector:` of signalbox.config.yaml. Every limit has a default that suits one machine. */
const collectorSchema = z
  .strictObject({
    /** Bytes of one request's body, before and after gunzip; larger: 413. */
    max_body_bytes: count.default(64 * MiB),
    /** Bytes of bodies in memory at once; beyond, a request waits unread. */
    max_inflight_bytes: count.default(256 * MiB),
    /** Milliseconds that a request may wait for room, there or in the log; then: 503 with Retry-After. */
    max_wait_ms: count.default(5_000),
    /** What may wait for Postgres; beyond: 503 with Retry-After. */
    queue_spans: count.default(200_000),
    queue_bytes: count.default(256 * MiB),
    /** What one transaction takes at most. */
    group_spans: count.default(10_000),
    group_bytes: count.default(32 * MiB),
    /** Accept a request when it is in a log on disk, else when the database has committed it. */
    wal: z.enum(["on", "off"]).default("on"),
    /** The folder of that log; one collector's alone. Default: wal in SIGNALBOX_HOME. */
    wal_dir: z.string().min(1).optional(),
    /** Bytes of the log on disk; beyond: 503 with Retry-After. */
    wal_bytes: count.default(1024 * MiB),
    /** Bytes of one of its files; two that are done with are kept, and written again. */
    wal_segment_bytes: count.default(16 * MiB),
    /** Connections that write at once. */
    writers: z.int().min(1).max(16).default(2),
    /** The rollup slot of the first writer; default: each writer takes one that no other of the database has. */
    slot: z.int().min(0).max(32_000).optional(),
    /** Spans that start further ahead are refused. */
    max_future_days: count.default(2),
    /** Day partitions made before they are needed. */
    partition_days_ahead: count.default(7),
    /** Kept of one span, event or link; the rest is dropped and counted in signalbox.dropped_attributes. */
    max_attributes: count.default(512),
    max_attribute_characters: count.default(16_384),
    max_attributes_characters: count.default(262_144),
    /** Events, and links, kept of one span. */
    max_events: count.default(256),
    /** Keep the spans that a dialect drops as noise: Codex's reads of files and settings, a thousand a session. */
    keep_noise_spans: z.boolean().default(false),
    /** Store prompts and results (messages). */
    content: z.boolean().default(true),
    max_messages: count.default(2_000),
    max_message_characters: count.default(262_144),
    /** Conversations kept in memory, so that of one that comes again, longer by a message, only that message is read. */
    conversation_cache_bytes: count.default(16 * MiB),
    /** Bytes kept of one body of a call (the raw view); of a longer one the end is left out. */
    max_payload_bytes: count.max(64 * MiB).default(8 * MiB),
    /** Days that bodies of calls are kept; of projects that differ, retention.projects says it. */
    payload_days: count.max(36_500).default(7),
    /** The project of spans that name none. */
    default_project: z.string().min(1).max(100).default(DEFAULT_PROJECT),
    retention: retentionSchema,
    alerting: alertingSchema,
  })
  .prefault({});

const keySchema = z
  .object({
    name: z.string().min(1),
    key: z.string().min(1).optional(),
    key_env: z.string().min(1).optional(),
    project: z.string().min(1).optional(),
  })
  .refine((entry) => (entry.key === undefined) !== (entry.key_env === undefined), "needs exactly one of key and key_env");

const pricedModelSchema = z.object({
  id: z.string(),
  input_usd_per_mtok: z.number().nonnegative().optional(),
  output_usd_per_mtok: z.number().nonnegative().optional(),
});

/** The parts of signalbox.config.yaml that the collector reads; the rest is the scheduler's. */
const fileSchema = z.object({
  baseline: z.object({ model: z.string().min(1), pool: z.string().optional() }).default({ model: "claude-opus-4-6" }),
  pools: z.array(z.object({ name: z.string(), models: z.array(pricedModelSchema).default([]) })).default([]),
  keys: z.array(keySchema).default([]),
  collector: collectorSchema,
  fan_out: fanOutSchema,
});

export type CollectorLimits = z.infer<typeof collectorSchema>;

export interface CollectorConfig {
  limits: CollectorLimits;
  /** What the baseline costs by that list. @throws ConfigError where it says no price. */
  baseline(prices: readonly PriceRow[]): TokenPrice;
  /** The user's own prices before the published ones. */
  prices: PriceList;
  keys: IngestKey[];
  /** SIGNALBOX_TOKEN: who has it may change alert rules; null: nobody may */
  adminToken: string | null;
  schedulerUrl: string;
  fanOut: FanOutDestination[];
}

/** The configuration is wrong; the message says where and what to do. */
export class ConfigError extends Error {
  constructor(message: string) {
    super(message);
    this.name = "ConfigError";
  }
}

type Environment = Record<string, string | undefined>;

/** Where the configuration is: SIGNALBOX_CONFIG, else ./signalbox.config.yaml, else the one in SIGNALBOX_HOME; null: defaults. */
export function configPath(environment: Environment, home: string): string | null {
  if (environment.SIGNALBOX_CONFIG) return environment.SIGNALBOX_CONFIG;
  const candidates = ["signalbox.config.yaml", path.join(home, "signalbox.config.yaml")];
  return candidates.find((candidate) => existsSync(candidate)) ?? null;
}

/** `home`: where the user's own prices are. @throws ConfigError that names the file and the field. */
export function readConfig(file: string | null, environment: Environment, home: string): CollectorConfig {
  return parseConfig(file === null ? "" : readText(file), file ?? "the defaults", environment, pricesIn(home));
}

/** The user's own prices of a state folder, before the published ones. @throws ConfigError. */
function pricesIn(home: string): readonly PriceRow[] {
  try {
    return readPrices(home);
  } catch (error) {
    throw new ConfigError((error as Error).message);
  }
}

export function parseConfig(text: string, file: string, environment: Environment, prices: readonly PriceRow[] = PRICES): CollectorConfig {
  let yaml: unknown;
  try {
    yaml = parse(text) ?? {};
  } catch (error) {
    throw new ConfigError(`${file}: ${(error as Error).message}`);
  }
  const result = fileSchema.safeParse(yaml);
  if (!result.success) {
    const issue = result.error.issues[0];
    throw new ConfigError(`${file}: ${issue?.path.join(".") || "the file"}: ${issue?.message}`);
  }
  const { collector, baseline, pools, keys, fan_out } = result.data;
  const baselineIn = (rows: readonly PriceRow[]) => baselinePrice(baseline, pools, file, rows);
  baselineIn(prices);
  return {
    limits: collector,
    baseline: baselineIn,
    prices: { rows: prices },
    keys: [...keys.map((key) => ingestKey(key, file, environment)), ...adminKey(environment)],
    adminToken: environment.SIGNALBOX_TOKEN || null,
    schedulerUrl: environment.SIGNALBOX_SCHEDULER_URL || `http://127.0.0.1:${DefaultPort.scheduler}`,
    fanOut: destinations(fan_out, file, environment),
  };
}

function readText(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    throw new ConfigError(`cannot read the configuration ${file}: ${(error as Error).message}`);
  }
}

function baselinePrice(
  baseline: { model: string; pool?: string | undefined },
  pools: { name: string; models: z.infer<typeof pricedModelSchema>[] }[],
  file: string,
  prices: readonly PriceRow[],
): TokenPrice {
  const own = pools.find((pool) => pool.name === baseline.pool)?.models.find((model) => model.id === baseline.model);
  if (own?.input_usd_per_mtok !== undefined && own.output_usd_per_mtok !== undefined) {
    return { input: own.input_usd_per_mtok, output: own.output_usd_per_mtok };
  }
  const known = baseline.pool === undefined ? findPrice(baseline.model, undefined, prices) : undefined;
  if (known !== undefined) return known;
  const where = baseline.pool === undefined ? "the price table" : `pool ${baseline.pool} with input_usd_per_mtok and output_usd_per_mtok`;
  throw new ConfigError(`${file}: baseline.model: ${baseline.model} has no price in ${where}`);
}

function ingestKey(entry: z.infer<typeof keySchema>, file: string, environment: Environment): IngestKey {
  const key = entry.key ?? environment[entry.key_env as string];
  if (!key) throw new ConfigError(`${file}: keys: ${entry.name}: the environment variable ${entry.key_env} is not set`);
  return { name: entry.name, key, project: entry.project ?? null };
}

function destinations(list: z.infer<typeof fanOutSchema>, file: string, environment: Environment): FanOutDestination[] {
  try {
    return fanOutDestinations(list, environment);
  } catch (error) {
    throw new ConfigError(`${file}: ${(error as Error).message}`);
  }
}

/** The install's own token may write, too. */
function adminKey({ SIGNALBOX_TOKEN }: Environment): IngestKey[] {
  return SIGNALBOX_TOKEN ? [{ name: "SIGNALBOX_TOKEN", key: SIGNALBOX_TOKEN, project: null }] : [];
}
