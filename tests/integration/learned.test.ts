/** What placement has learned outlives the gateway: stopped or killed, with Postgres or without, and a reload of its config. */

import { type ChildProcess, spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import postgres from "postgres";
import { afterEach, beforeEach, expect, test } from "vitest";
import { startScheduler } from "../../scheduler/src/app.ts";
import { parseConfig } from "../../scheduler/src/config.ts";
import { createLog } from "../../scheduler/src/log.ts";
import { createDatabase } from "../support/postgres.ts";
import { startProvider } from "../support/provider.ts";
import { ask, chat, control, type Gateway, poolConfig, spawnGateway, startDoor, startGateway, TOKEN } from "./admission-support.ts";
import { until } from "./scheduler-support.ts";

const CLEAN_UP: (() => unknown)[] = [];
let databaseUrl: string;
let readerUrl: string;
let sql: postgres.Sql;
let config: string;
beforeEach(async () => {
  const database = await createDatabase();
  sql = postgres(database.url, { max: 1, onnotice: () => {}, connection: { search_path: "signalbox" } });
  const provider = await startProvider({
    script: ({ rawBody }) =>
      rawBody.includes("refuse me")
        ? { error: { status: 400, message: "no" } }
        : { text: "one two three four five six", delayMs: 30, chunkDelayMs: 5, usage: { input: 3, output: 6 } },
  });
  CLEAN_UP.push(
    () => database.drop(),
    () => sql.end(),
    () => provider.close(),
  );
  databaseUrl = database.url;
  readerUrl = database.readerUrl;
  // Far from what the provider shows: both corrections have something to mend.
  const rates = "rates: { fixed_ms: 5, prefill_tokens_per_second: 100000, decode_tokens_per_second: 1000 }";
  config = poolConfig(provider.url).replace("slots: 128", `slots: 128\n    ${rates}`);
});
afterEach(async () => {
  for (const close of CLEAN_UP.splice(0).reverse()) await close();
});

const SECRET = "platypus";
const options = { stream: true, maxTokens: 4_000 };
async function teach(url: string, calls = 12): Promise<void> {
  for (let count = 0; count < calls; count++) {
    const response = await chat(url, { ...options, text: `call ${count} ${SECRET}`, headers: { "x-signalbox-task": "summary" } });
    expect(await response.text()).toContain("six");
  }
}

/** What a call that teaches nothing, as the pool refuses it, is predicted to take and to cost. Of a session that no cache knows. */
async function predicted(url: string): Promise<{ ttft_ms: number; tpot_ms: number; cost_nanousd: string }> {
  const response = await chat(url, {
    ...options,
    session: randomUUID(),
    text: "refuse me".padEnd(4_000),
    headers: { "x-signalbox-task": "summary" },
  });
  expect(response.status).toBe(400);
  const { body } = await control(url, "GET", "/decisions?limit=1");
  const [{ candidates }] = body.data as [{ candidates: [{ ttft_ms: number; tpot_ms: number; cost_nanousd: string }] }];
  const { ttft_ms, tpot_ms, cost_nanousd } = candidates[0];
  return { ttft_ms, tpot_ms, cost_nanousd };
}

interface Speed {
  rates: string;
  service_ms: number;
  learned: { calls: number; since: string; last_call_at: string; carried_over_until: string | null } | null;
}
async function speed(url: string): Promise<Speed> {
  const { body } = await control(url, "GET", "/pools");
  return (body.data as [{ speed: Speed }])[0].speed;
}

const started = async (text = config): Promise<Gateway> => {
  const gateway = await startGateway(text, databaseUrl);
  CLEAN_UP.push(() => gateway.close());
  return gateway;
};
/** Serves a dozen calls and stops. @returns what it knew then */
async function taught(text = config) {
  const gateway = await startGateway(text, databaseUrl);
  await teach(gateway.url);
  const known = { speed: await speed(gateway.url), predicted: await predicted(gateway.url) };
  await gateway.close();
  return known;
}

test("a gateway that was ended with SIGTERM predicts for its first call what the one before would have", async () => {
  const first = await spawnGateway(config, databaseUrl);
  const fresh = await predicted(first.url);
  await teach(first.url);
  const before = { predicted: await predicted(first.url), speed: await speed(first.url) };
  first.child.kill("SIGTERM");
  await once(first.child, "exit");

  const second = await spawnGateway(config, databaseUrl);
  CLEAN_UP.push(
    () => rm(first.home, { recursive: true }),
    () => rm(second.home, { recursive: true }),
    () => ended(second.child),
  );
  expect(await predicted(second.url)).toEqual(before.predicted);
  expect(before.predicted.ttft_ms).toBeGreaterThan(fresh.ttft_ms);
  expect(before.predicted.tpot_ms).toBeGreaterThan(fresh.tpot_ms);
  // 6 tokens of a reply, not the first guess of 256.
  expect(Number(before.predicted.cost_nanousd)).toBeLessThan(Number(fresh.cost_nanousd));
  const after = await speed(second.url);
  expect(after).toEqual({ ...before.speed, learned: { ...before.speed.learned, carried_over_until: before.speed.learned?.last_call_at } });
  expect(after).toMatchObject({ rates: "configured", learned: { calls: 12 } });
}, 120_000);

test("killed with SIGKILL, it knows what it had written, and it writes while it runs", async () => {
  const home = await mkdtemp(path.join(os.tmpdir(), "signalbox-learned-"));
  CLEAN_UP.push(() => rm(home, { recursive: true, force: true }));
  const often = await spawnWriting(home, 100);
  await teach(often.url);
  await until(async () => (await storedCalls()) === 12, "it is written");
  await ended(often.child);
  const hourly = await spawnWriting(home, 3_600_000);
  expect((await speed(hourly.url)).learned?.calls).toBe(12);
  await teach(hourly.url, 3);
  await ended(hourly.child);
  const last = await started();
  expect((await speed(last.url)).learned?.calls).toBe(12);
}, 120_000);

const storedCalls = async () => {
  const [row] = await sql<{ state: string }[]>`select state from learned where pool = 'cloud'`;
  return row && (JSON.parse(row.state) as { calls: number }).calls;
};
async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill("SIGKILL");
  await once(child, "exit");
}

/** A gateway of its own process that writes what it learned so often. */
async function spawnWriting(home: string, keepLearnedMs: number): Promise<{ url: string; child: ChildProcess }> {
  const source = (file: string) => JSON.stringify(new URL(`../../scheduler/src/${file}`, import.meta.url).href);
  const script = `
    import { startScheduler } from ${source("app.ts")};
    import { parseConfig } from ${source("config.ts")};
    const { config, ...options } = JSON.parse(process.env.OPTIONS);
    const { url } = await startScheduler({ ...options, config: parseConfig(config, "test config", {}) });
    console.log("at " + url + " ");`;
  const file = path.join(home, "gateway.mjs");
  await writeFile(file, script);
  const given = { config, home, token: TOKEN, databaseUrl, otlpEndpoint: "http://127.0.0.1:9", limits: { keepLearnedMs } };
  const child = spawn(process.execPath, [file], {
    stdio: ["ignore", "pipe", "inherit"],
    env: { PATH: process.env.PATH, NODE_ENV: "test", OPTIONS: JSON.stringify(given) },
  });
  CLEAN_UP.push(() => ended(child));
  let output = "";
  child.stdout?.on("data", (chunk) => {
    output += chunk;
  });
  await until(() => /at \S+ /.test(output), "it listens");
  return { url: /at (\S+) /.exec(output)?.[1] as string, child };
}

test("without Postgres it is kept in the state folder, for the owner's eyes, and nothing that anybody said is in it", async () => {
  const home = await mkdtemp(path.join(os.tmpdir(), "signalbox-learned-"));
  CLEAN_UP.push(() => rm(home, { recursive: true, force: true }));
  const log: string[] = [];
  const start = () =>
    startScheduler({
      config: parseConfig(config, "test config", {}),
      home,
      token: TOKEN,
      otlpEndpoint: "http://127.0.0.1:9",
      log: createLog((line) => log.push(line)),
    });
  const first = await start();
  await teach(first.url);
  const before = await predicted(first.url);
  await first.close();
  const file = path.join(home, "learned.json");
  expect((await stat(file)).mode & 0o777).toBe(0o600);
  const text = await readFile(file, "utf8");
  expect(text).toContain("summary");
  expect(text).not.toContain(SECRET);

  const second = await start();
  expect(await predicted(second.url)).toEqual(before);
  await second.close();
  await writeFile(file, "not JSON");
  const third = await start();
  expect((await speed(third.url)).learned).toBeNull();
  expect(log.filter((line) => line.includes("is not read"))).toHaveLength(1);
  await teach(third.url, 1);
  await third.close();
  expect(await readFile(file, "utf8")).toContain("summary");
});

test("what is kept in Postgres names no content, and the dashboard's login cannot read it", async () => {
  await taught();
  const rows = await sql`select * from learned`;
  expect(rows).toHaveLength(2);
  expect(JSON.stringify(rows)).toContain("summary");
  expect(JSON.stringify(rows)).not.toContain(SECRET);
  await expect(ask(readerUrl, "select * from signalbox.learned")).rejects.toThrow("permission denied for table learned");
});

test.each([
  ["of another version", `version = 99`, 2],
  ["garbage", `state = '{"calls":'`, 2],
  ["of another shape", `state = '{}'`, 2],
  ["too old", `learned_at = now() - interval '8 days'`, 0],
])("what is %s is not believed", async (_what, change, lines) => {
  const before = await taught();
  await sql.unsafe(`update learned set ${change}`);
  const gateway = await started();
  expect((await speed(gateway.url)).learned).toBeNull();
  expect((await predicted(gateway.url)).cost_nanousd).not.toBe(before.predicted.cost_nanousd);
  expect(gateway.log.filter((line) => line.includes("what was learned before is not read"))).toHaveLength(lines);
  // What it learns goes in its place.
  await teach(gateway.url, 1);
  await gateway.close();
  expect(await storedCalls()).toBe(1);
});

test("the config says how long it is believed", async () => {
  await taught();
  await sql`update learned set learned_at = now() - interval '8 days'`;
  const gateway = await started(`${config}\nlearning: { max_age_days: 9 }`);
  expect((await speed(gateway.url)).learned?.calls).toBe(12);
});

test("the config says that nothing is kept: nothing is read then, and nothing written", async () => {
  await taught();
  const gateway = await startGateway(`${config}\nlearning: { keep: off }`, databaseUrl);
  expect((await speed(gateway.url)).learned).toBeNull();
  await teach(gateway.url, 1);
  await gateway.close();
  expect(await storedCalls()).toBe(12);
});

test("another machine, another number of slots or another model is another pool; a price is not", async () => {
  await taught();
  const others = [
    config.replace("slots: 128", "slots: 64"),
    config.replace("silicon: cloud", "silicon: cloud\n    hardware: TPU"),
    config.replace("id: scripted", "id: other"),
    config.replace("name: cloud", "name: other"),
    config.replace("/v1", "/v2"),
  ];
  for (const other of others) {
    const gateway = await startGateway(other, databaseUrl);
    expect((await speed(gateway.url)).learned).toBeNull();
    await gateway.close();
  }
  const dearer = await started(config.replace("output_usd_per_mtok: 4", "output_usd_per_mtok: 8"));
  expect((await speed(dearer.url)).learned?.calls).toBe(12);
});

/** Without Postgres, following a config file in its state folder. */
async function startFollowing() {
  const home = await mkdtemp(path.join(os.tmpdir(), "signalbox-learned-"));
  const configFile = path.join(home, "signalbox.config.yaml");
  await writeFile(configFile, config);
  const scheduler = await startScheduler({
    config: parseConfig(config, "test config", {}),
    ...{ configFile, home, token: TOKEN, otlpEndpoint: "http://127.0.0.1:9", log: createLog(() => {}) },
  });
  CLEAN_UP.push(() => rm(home, { recursive: true, force: true }));
  const reload = async (text: string) => {
    await writeFile(configFile, text);
    await scheduler.reload();
  };
  return { home, url: scheduler.url, reload, close: () => scheduler.close() };
}

test("a reload keeps what was learned of a pool that it changes otherwise", async () => {
  const { url, reload, close } = await startFollowing();
  CLEAN_UP.push(close);
  await teach(url);
  const before = await predicted(url);
  await reload(config.replace("queue_limit: 200", "queue_limit: 20"));
  const { body } = await control(url, "GET", "/pools");
  expect(body.data).toMatchObject([{ queue_limit: 20, speed: { learned: { calls: 12 } } }]);
  expect(await predicted(url)).toEqual(before);
  await reload(config.replace("slots: 128", "slots: 64"));
  expect((await speed(url)).learned).toBeNull();
});

test("after a reload that says so nothing is kept any more", async () => {
  const { home, url, reload, close } = await startFollowing();
  await teach(url, 1);
  await reload(`${config}\nlearning: { keep: off }`);
  await close();
  expect(await readdir(home)).not.toContain("learned.json");
});

test("a pool is forgotten when somebody says so, here and in Postgres", async () => {
  await taught();
  const gateway = await startGateway(config, databaseUrl);
  expect(await control(gateway.url, "POST", "/pools/cloud/forget")).toEqual({ status: 200, body: { pool: "cloud", learned: null } });
  expect((await speed(gateway.url)).learned).toBeNull();
  await gateway.close();
  expect(await storedCalls()).toBeUndefined();
  expect((await speed((await started()).url)).learned).toBeNull();
});

test("where it cannot be written, calls go on, and it is counted", async () => {
  await sql`drop table learned`;
  const gateway = await startGateway(config, databaseUrl);
  await teach(gateway.url, 1);
  const metrics = await (await fetch(`${gateway.url}/metrics`)).text();
  expect(metrics).toMatch(/signalbox_learned_failures_total(\{[^}]*\})? 1\b/);
  await gateway.close();
  expect(gateway.log.filter((line) => line.includes("what was learned"))).toHaveLength(1);
});

test("where Postgres is away at the start, a pool takes up what was kept once it is back, and does not write before", async () => {
  const before = await taught();
  const door = await startDoor(databaseUrl);
  CLEAN_UP.push(() => door.close());
  door.shut();
  const home = await mkdtemp(path.join(os.tmpdir(), "signalbox-learned-"));
  const gateway = await startScheduler({
    config: parseConfig(config, "test config", {}),
    ...{ databaseUrl: door.url, home, token: TOKEN, otlpEndpoint: "http://127.0.0.1:9", log: createLog(() => {}) },
    limits: { keepLearnedMs: 20 },
  });
  CLEAN_UP.push(
    () => rm(home, { recursive: true, force: true }),
    () => gateway.close(),
  );
  expect((await speed(gateway.url)).learned).toBeNull();
  await door.open();
  await until(async () => (await speed(gateway.url)).learned !== null, "it takes it up");
  expect((await speed(gateway.url)).learned?.calls).toBe(12);
  expect(await predicted(gateway.url)).toEqual(before.predicted);
});

test("of two gateways on one database the one that saw a call later is believed, whichever stops last", async () => {
  const [one, two] = [await startGateway(config, databaseUrl), await startGateway(config, databaseUrl)];
  await teach(two.url, 1);
  await teach(one.url, 3);
  await one.close();
  await two.close();
  expect(await storedCalls()).toBe(3);
});
