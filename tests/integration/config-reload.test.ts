/** A config that changes under a scheduler with traffic: what is right is applied, what is wrong changes nothing. */

import { type ChildProcess, spawn } from "node:child_process";
import { mkdtemp, readFile, rename, rm, writeFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { ResponseHeader } from "@signalbox/otel/conventions";
import OpenAI from "openai";
import { afterEach, expect, test } from "vitest";
import { type Provider, type Script, startProvider } from "../support/provider.ts";
import { startSchedulerUnderTest, until } from "./scheduler-support.ts";

const CLEAN_UP: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of CLEAN_UP.splice(0).reverse()) await close();
});

const TOKEN = "the-admin-token";

const pool = (name: string, provider: Provider, more = "") => `
  - name: ${name}
    silicon: gpu
    engine: openai-compatible
    base_url: ${provider.url}/v1
    models: [{ id: m, input_usd_per_mtok: 1, output_usd_per_mtok: 4 }]
    slots: 4
${more}`;

async function setUp(script: Script = () => ({ text: "one two three four" })) {
  const folder = await mkdtemp(path.join(os.tmpdir(), "signalbox-config-"));
  const file = path.join(folder, "signalbox.config.yaml");
  const a = await startProvider({ script });
  const b = await startProvider({ script });
  const first = `pools:${pool("a", a)}`;
  await writeFile(file, first);
  const scheduler = await startSchedulerUnderTest(first, { configFile: file, token: TOKEN });
  CLEAN_UP.push(
    () => rm(folder, { recursive: true }),
    () => a.close(),
    () => b.close(),
    () => scheduler.close(),
  );
  const client = new OpenAI({ baseURL: `${scheduler.url}/v1`, apiKey: TOKEN, maxRetries: 0 });
  const control = async (what: string) =>
    (await fetch(`${scheduler.url}/control/${what}`, { headers: { authorization: `Bearer ${TOKEN}` } })).json();
  return {
    a,
    b,
    scheduler,
    file,
    client,
    /** As an editor does it: a new file in the old one's place. */
    async edit(text: string) {
      await writeFile(`${file}.new`, text);
      await rename(`${file}.new`, file);
    },
    config: () => control("config") as Promise<{ applied: number; refused: number; problems: string[]; waits_for_restart: string[] }>,
    pools: async () => ((await control("pools")) as { data: { name: string; busy_seconds: number }[] }).data,
    ask: (content = "hello") => client.chat.completions.create({ model: "m", messages: [{ role: "user", content }] }).withResponse(),
    metrics: async () => (await fetch(`${scheduler.url}/metrics`)).text(),
  };
}

test("bad reloads under traffic: every call is served, the old config stays, and the line is told everywhere", async () => {
  const { a, scheduler, file, edit, config, ask, metrics } = await setUp();
  let running = true;
  let served = 0;
  const failures: unknown[] = [];
  const traffic = Array.from({ length: 4 }, async () => {
    while (running)
      await ask().then(
        () => served++,
        (error: unknown) => failures.push(error),
      );
  });
  const good = `pools:${pool("a", a)}`;
  const bad = [
    good.replace("silicon", "silicone"),
    "pools: [",
    "",
    `${good}routes: [{ name: r, when: { pattern: "(a" }, use: {} }]\n`,
    `${good}    api_key_env: NOT_SET_ANYWHERE\n`,
  ];
  for (const [index, text] of bad.entries()) {
    await edit(text);
    await until(async () => (await config()).refused === index + 1, `refusal ${index + 1}`);
  }
  const at = served;
  await until(() => served > at + 20, "traffic goes on");
  running = false;
  await Promise.all(traffic);

  expect(failures).toEqual([]);
  expect(a.ledger).toHaveLength(served);
  const { problems, applied } = await config();
  expect(applied).toBe(1);
  expect(problems).toEqual([
    expect.stringContaining("signalbox.config.yaml:8:5: pools[0].api_key_env: the environment variable NOT_SET_ANYWHERE is not set"),
  ]);
  expect(scheduler.log.join("")).toContain('unknown key \\"silicone\\", did you mean \\"silicon\\"?');
  expect(await (await fetch(`${scheduler.url}/readyz`)).json()).toMatchObject({ status: "ok", config: "refused" });
  expect(await metrics()).toMatch(/signalbox_config_last_reload_successful(\{[^}]*\})? 0/);
  expect(await metrics()).toMatch(/signalbox_config_reloads_total\{result="refused"[^}]*\} 5/);

  await rename(file, `${file}.away`);
  await until(async () => (await config()).problems[0]?.includes("cannot be read") === true, "the file is missed");
  await writeFile(file, good);
  await until(async () => (await config()).problems.length === 0, "it is back");

  await edit(`${good}routes: [{ name: mended, when: {}, use: {} }]\n`);
  await until(async () => (await config()).applied === 3, "the mended config");
  expect((await ask()).response.headers.get(ResponseHeader.route)).toBe("mended");
  expect(await (await fetch(`${scheduler.url}/readyz`)).json()).toMatchObject({ config: "ok" });
});

test("a pool that is taken out ends its calls first; one that stays keeps its state; new calls go to the new one", async () => {
  const { a, b, scheduler, edit, config, ask, client, pools } = await setUp(() => ({
    text: "one two three four five six",
    chunkDelayMs: 150,
  }));
  await edit(`pools:${pool("a", a)}${pool("b", b)}`);
  await until(async () => (await config()).applied === 2, "a second pool");
  await ask();
  // Of two that are alike either may be asked.
  expect((await pools()).reduce((sum, { busy_seconds }) => sum + busy_seconds, 0)).toBeGreaterThan(0);

  const stream = await client.chat.completions.create({ model: "m", messages: [{ role: "user", content: "hello" }], stream: true });
  const chunks = stream[Symbol.asyncIterator]();
  await chunks.next();
  const serving = a.ledger.some(({ endedAt }) => endedAt === 0) ? "a" : "b";
  const [gone, stays] = serving === "a" ? [a, b] : [b, a];
  const other = serving === "a" ? "b" : "a";
  const before = (await pools()).find(({ name }) => name === other)?.busy_seconds ?? 0;
  await edit(`pools:${pool(other, stays)}`);
  await until(async () => (await config()).applied === 3, "the pool is taken out");
  expect((await pools()).map(({ name }) => name)).toEqual([other]);
  expect((await ask()).response.headers.get(ResponseHeader.pool)).toBe(other);
  expect((await pools())[0]?.busy_seconds).toBeGreaterThanOrEqual(before);

  let text = "";
  for (let next = await chunks.next(); !next.done; next = await chunks.next()) text += next.value.choices[0]?.delta.content ?? "";
  expect(text.trim().endsWith("six")).toBe(true);
  expect(gone.ledger.every(({ clientClosed }) => !clientClosed)).toBe(true);
  await until(
    () => scheduler.log.some((line) => line.includes("pool is drained and closed") && line.includes(`pool=${serving}`)),
    "it is closed",
  );
});

test("keys, budgets and prices change at once; what waits for a restart is said", async () => {
  const { a, edit, config, ask, client } = await setUp(() => ({ text: "hi", usage: { input: 1_000, output: 0 } }));
  await edit(
    `pools:${pool("a", a).replace("input_usd_per_mtok: 1", "input_usd_per_mtok: 7")}` +
      "keys: [{ name: k, key: a-new-key, models: [other] }]\nmodels: { other: { any_of: [m] } }\n" +
      "budgets: [{ scope: global, limit_usd: 0.000001, ladder: [{ at: 1, do: pause }] }]\n",
  );
  await until(async () => (await config()).applied === 2, "the new config");
  await expect(new OpenAI({ baseURL: client.baseURL, apiKey: "a-new-key", maxRetries: 0 }).models.list()).resolves.toMatchObject({
    data: [{ id: "other" }],
  });
  await expect(ask()).rejects.toThrow("403 Signalbox: the global budget");
  expect((await config()).waits_for_restart).toEqual(["keys, prices (the collector, which reads the file at its start)"]);
});

test("calls under way are told for a session", async () => {
  const { scheduler, client, a } = await setUp(() => ({ text: "one two three", chunkDelayMs: 200 }));
  const headers = { "x-signalbox-session": "s", "x-signalbox-agent": "child" };
  const body = { model: "m", messages: [{ role: "user" as const, content: "hello" }] };
  const call = client.chat.completions.create({ ...body, stream: true }, { headers });
  await until(() => a.ledger.length === 1, "the call is under way");
  const show = async (id: string) =>
    (await (await fetch(`${scheduler.url}/control/sessions/${id}`, { headers: { authorization: `Bearer ${TOKEN}` } })).json()) as {
      in_flight: object[];
    };
  const running = { agent_id: "child", pool: "a", model: "m", state: "running", stream: true };
  expect(await show("s")).toMatchObject({ session_id: "s", state: "active", in_flight: [running] });
  expect(await show("child")).toMatchObject({ in_flight: [running] });
  expect((await show("other")).in_flight).toEqual([]);
  for await (const _ of await call);
  await until(async () => (await show("s")).in_flight.length === 0, "it has ended");
});

const MAIN = fileURLToPath(new URL("../../scheduler/src/main.ts", import.meta.url));

test("the process reloads on SIGHUP, and outlives a bad file", async () => {
  const folder = await mkdtemp(path.join(os.tmpdir(), "signalbox-config-"));
  const file = path.join(folder, "signalbox.config.yaml");
  const provider = await startProvider();
  const good = `pools:${pool("a", provider)}`;
  await writeFile(file, good);
  const env: NodeJS.ProcessEnv = {
    ...process.env,
    HOME: folder,
    SIGNALBOX_HOME: folder,
    SIGNALBOX_CONFIG: file,
    SIGNALBOX_SCHEDULER_PORT: "0",
  };
  delete env.DATABASE_URL;
  const child: ChildProcess = spawn(process.execPath, [MAIN], {
    env,
    stdio: ["ignore", "ignore", "pipe"],
  });
  CLEAN_UP.push(
    () => rm(folder, { recursive: true }),
    () => provider.close(),
    async () => void child.kill("SIGKILL"),
  );
  let log = "";
  child.stderr?.on("data", (chunk) => {
    log += chunk;
  });
  await until(() => log.includes(" listening "), "it listens", 30_000);
  child.kill("SIGHUP");
  await until(() => log.includes("config reloaded"), "it reloads though nothing changed");
  await writeFile(file, "pools: 7\n");
  child.kill("SIGHUP");
  await until(() => log.includes("pools: expected array, received number"), "it refuses");
  expect(child.exitCode).toBeNull();
  const url = /url=(\S+)/.exec(log)?.[1] ?? "";
  const client = new OpenAI({ baseURL: `${url}/v1`, apiKey: "none", maxRetries: 0 });
  expect((await client.chat.completions.create({ model: "m", messages: [{ role: "user", content: "hi" }] })).choices).toHaveLength(1);
  expect(await readFile(file, "utf8")).toBe("pools: 7\n");
});
