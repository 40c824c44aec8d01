import { mkdtemp, rm } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import postgres from "postgres";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Collector, startCollector } from "../../collector-processor/src/app.ts";
import { parseConfig as parseCollectorConfig } from "../../collector-processor/src/config.ts";
import { startScheduler } from "../../scheduler/src/app.ts";
import { parseConfig } from "../../scheduler/src/config.ts";
import { createDatabase, type TestDatabase } from "../support/postgres.ts";
import { type Provider, startProvider } from "../support/provider.ts";
import { poolConfig, TOKEN } from "./admission-support.ts";
import { rollups } from "./collector-recount.ts";
import { untilReady } from "./collector-support.ts";

/** Who pays: what each key's calls cost, as the provider charged them. */

const KEYS = { laptop: "laptop-secret-of-32-characters-00", builds: "builds-secret-of-32-characters-00" };
let database: TestDatabase;
let sql: postgres.Sql;
let provider: Provider;
let collector: Collector;

beforeAll(async () => {
  database = await createDatabase();
  sql = postgres(database.url, { max: 1, onnotice: () => {} });
  provider = await startProvider({
    prices: { input: 1, output: 4 },
    script: (_request, n) => ({ text: "done", usage: { input: 1_000 * n, output: 10 } }),
  });
  collector = await startCollector({
    host: "127.0.0.1",
    port: 0,
    databaseUrl: database.url,
    config: parseCollectorConfig("", "defaults", { SIGNALBOX_TOKEN: TOKEN }),
  });
  await untilReady(collector.url);
});
afterAll(async () => {
  await collector?.close();
  await provider?.close();
  await sql?.end();
  await database?.drop();
});

test("each call's cost is on the key that it came with, by name; the key itself is nowhere", async () => {
  const home = await mkdtemp(path.join(os.tmpdir(), "signalbox-chargeback-"));
  const keys = Object.entries(KEYS).map(([name, key]) => `  - { name: ${name}, key: ${key}${name === "builds" ? ", project: ci" : ""} }`);
  const scheduler = await startScheduler({
    config: parseConfig(poolConfig(provider.url, `keys:\n${keys.join("\n")}\n`), "test config", {}),
    home,
    token: TOKEN,
    otlpEndpoint: collector.url,
  });
  const charged: Record<string, number> = {};
  for (const name of ["laptop", "builds", "laptop", ""] as const) {
    const before = provider.charged();
    const response = await fetch(`${scheduler.url}/v1/chat/completions`, {
      method: "POST",
      headers: { "content-type": "application/json", authorization: `Bearer ${name === "" ? TOKEN : KEYS[name]}` },
      body: JSON.stringify({ model: "scripted", messages: [{ role: "user", content: "hi" }] }),
    });
    expect([response.status, await response.text()]).toEqual([200, expect.stringContaining("done")]);
    charged[name] = (charged[name] ?? 0) + provider.charged() - before;
  }
  await scheduler.close();
  await collector.close();
  await rm(home, { recursive: true });

  const { payer_hour, route_hour } = await rollups(sql);
  for (const hours of [payer_hour, route_hour] as { key_name: string; project: string; cost_nusd: string }[][]) {
    const costs: Record<string, number> = {};
    for (const { key_name, cost_nusd } of hours) costs[key_name] = (costs[key_name] ?? 0) + Number(cost_nusd);
    expect(costs).toEqual(charged);
    expect(hours.find(({ key_name }) => key_name === "builds")?.project).toBe("ci");
  }
  const spans = await sql<{ operation: string; key_name: string | null }[]>`
    select operation, key_name from signalbox.spans where key_name is not null order by start_time, operation desc`;
  expect(spans).toEqual(
    ["laptop", "builds", "laptop"].flatMap((key_name) => ["schedule", "chat"].map((operation) => ({ operation, key_name }))),
  );
  const stored = JSON.stringify(await sql`select to_jsonb(s) from signalbox.spans s`);
  for (const key of Object.values(KEYS)) expect(stored).not.toContain(key);
});
