import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { startPostgres } from "@signalbox/local/postgres";
import postgres, { type Sql } from "postgres";
import { startCollector } from "../../collector-processor/src/app.ts";
import { parseConfig as collectorConfig } from "../../collector-processor/src/config.ts";
import { startScheduler } from "../../scheduler/src/app.ts";
import { parseConfig as schedulerConfig } from "../../scheduler/src/config.ts";
import { freePort } from "../support/free-port.ts";
import { type Provider, type Script, startProvider } from "../support/provider.ts";

/** Signalbox as an agent meets it: a scheduler before a scripted provider with a ledger, a collector, and a Postgres to ask. */
export interface Stack {
  provider: Provider;
  schedulerUrl: string;
  collectorUrl: string;
  sql: Sql;
  /** Takes the collector away, and brings it back on the same port. */
  stopCollector(): Promise<void>;
  startCollector(): Promise<void>;
  /** Resolves once exactly so many calls and turns are stored and nothing more comes for a second; rejects after `timeoutMs`. */
  stored(expected: { calls: number; turns: number }, timeoutMs?: number): Promise<void>;
  close(): Promise<void>;
}

const POOL = "scripted-cloud";
/** USD per million tokens: the provider's ledger and the scheduler's config are told the same. */
const PRICES = { input: 3, output: 15 };

export interface StackOptions {
  /** Default: chat completions, by `script`. */
  startProvider?: () => Promise<Provider>;
  /** signalbox.config.yaml for a provider at `url`. */
  config?: (url: string) => string;
  /** The admin token; without one there is no control API. */
  token?: string;
}

export async function startStack(script: Script, options: StackOptions = {}): Promise<Stack> {
  const dir = mkdtempSync(join(tmpdir(), "signalbox-agents-"));
  const database = await startPostgres({ dir: join(dir, "postgres"), port: await freePort(), settings: { fsync: "off" } });
  const provider = await (options.startProvider?.() ?? startProvider({ script, prices: PRICES }));
  const yaml =
    options.config?.(provider.url) ??
    `
pools:
  - name: ${POOL}
    silicon: cloud
    hardware: scripted
    engine: openai-compatible
    base_url: ${provider.url}/v1
    models: [{ id: scripted, tier: 2, input_usd_per_mtok: ${PRICES.input}, output_usd_per_mtok: ${PRICES.output} }]
    slots: 32
models:
  auto: { any_of: [scripted] }
`;
  const quiet = { debug() {}, info() {}, warn() {}, error() {} };
  const port = await freePort();
  const collect = () =>
    startCollector({
      host: "127.0.0.1",
      port,
      databaseUrl: database.url,
      walDir: join(dir, "wal"),
      config: collectorConfig("", "test config", options.token === undefined ? {} : { SIGNALBOX_TOKEN: options.token }),
      log: quiet,
    });
  let collector: { url: string; close(): Promise<void> } | undefined = await collect();
  const collectorUrl = collector.url;
  const scheduler = await startScheduler({
    config: schedulerConfig(yaml, "test config", {}),
    home: join(dir, "home"),
    otlpEndpoint: collectorUrl,
    databaseUrl: database.url,
    ...(options.token !== undefined && { token: options.token }),
    log: quiet,
  });
  await ready(collectorUrl);
  await ready(scheduler.url);
  const sql = postgres(database.url, { max: 2, onnotice: () => {} });

  return {
    provider,
    schedulerUrl: scheduler.url,
    collectorUrl,
    sql,
    async stopCollector() {
      await collector?.close();
      collector = undefined;
    },
    async startCollector() {
      collector ??= await collect();
      await ready(collectorUrl);
    },
    async stored(expected, timeoutMs = 60_000) {
      const deadline = Date.now() + timeoutMs;
      for (let last = -1; ; await sleep(1_000)) {
        const [row] = await sql<{ spans: number; calls: number; turns: number }[]>`
          select count(*)::int as spans, count(*) filter (where is_call)::int as calls,
            count(*) filter (where operation = 'invoke_agent')::int as turns from signalbox.spans`;
        if (row?.calls === expected.calls && row.turns === expected.turns && row.spans === last) return;
        last = row?.spans ?? -1;
        if (Date.now() > deadline) {
          throw new Error(
            `after ${timeoutMs / 1000} s there are ${row?.calls} calls and ${row?.turns} turns, not ${expected.calls} and ${expected.turns}`,
          );
        }
      }
    },
    async close() {
      await sql.end();
      await scheduler.close();
      await collector?.close();
      await provider.close();
      await database.stop();
      for (const path of [dir, database.dir]) rmSync(path, { recursive: true, force: true });
    },
  };
}

async function ready(url: string): Promise<void> {
  // a llama.cpp worker loads its model first
  for (let tries = 0; tries < 600; tries++) {
    if ((await fetch(`${url}/readyz`).catch(() => undefined))?.ok) return;
    await sleep(100);
  }
  throw new Error(`${url}/readyz is not 200 after 60 s`);
}
