/** `signalbox pool-worker`: a box elsewhere as a pool, over TCP with a key. */

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { createInterface } from "node:readline";
import { Attribute, ResponseHeader } from "@signalbox/otel/conventions";
import OpenAI from "openai";
import { afterAll, beforeAll, expect, test } from "vitest";
import { childProcesses } from "../support/child-processes.ts";
import { freePort } from "../support/free-port.ts";
import { runCommand } from "../support/run-command.ts";
import { ready, type SchedulerUnderTest, startSchedulerUnderTest, until } from "./scheduler-support.ts";

const SIGNALBOX = path.resolve(import.meta.dirname, "../../plugins/cli/bin/signalbox.mjs");
const KEY = "a-key-of-this-test";

let home: string;
let port: number;
let box: ChildProcess;
let scheduler: SchedulerUnderTest;
let client: OpenAI;

async function startBox(): Promise<ChildProcess> {
  const args = [
    "pool-worker",
    "--model",
    "demo",
    "--port",
    String(port),
    "--slots",
    "2",
    "--context-tokens",
    "4096",
    "--threads",
    "1",
    "--json",
  ];
  const child = spawn(process.execPath, [SIGNALBOX, ...args], {
    env: { ...process.env, SIGNALBOX_HOME: home, SIGNALBOX_POOL_KEY: KEY },
    stdio: ["ignore", "pipe", "ignore"],
  });
  const [line] = (await once(createInterface(child.stdout as NodeJS.ReadableStream), "line")) as [string];
  expect(JSON.parse(line)).toMatchObject({ state: "ready", url: `http://127.0.0.1:${port}`, model: "signalbox-demo" });
  return child;
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, "exit");
  child.kill("SIGTERM");
  await ended;
}

beforeAll(async () => {
  home = await mkdtemp(path.join(os.tmpdir(), "signalbox-box-"));
  port = await freePort();
  box = await startBox();
  const common = "engine: llama-cpp, slots: 2, context_tokens: 4096";
  scheduler = await startSchedulerUnderTest(
    `
pools:
  - { name: here, silicon: cpu, ${common}, model: demo, models: [{ id: here }], threads: 1 }
  - { name: box, silicon: cpu, ${common}, url: "http://127.0.0.1:${port}", api_key_env: BOX_KEY, heartbeat_timeout_ms: 3000, models: [{ id: box }] }
  - { name: wrong, silicon: cpu, ${common}, url: "http://127.0.0.1:${port}", api_key_env: WRONG_KEY, models: [{ id: wrong }] }
`,
    { token: "admin", environment: { BOX_KEY: KEY, WRONG_KEY: "another" } },
  );
  client = new OpenAI({ baseURL: `${scheduler.url}/v1`, apiKey: "admin", maxRetries: 0 });
  await ready(scheduler.url);
}, 240_000);
afterAll(async () => {
  await scheduler?.close();
  if (box) await end(box);
  await rm(home, { recursive: true, force: true });
});

interface PoolState {
  name: string;
  state: string;
  reason: string | null;
  speed: { prefill_tokens_per_second: number };
}
async function pool(name: string): Promise<PoolState | undefined> {
  const response = await fetch(`${scheduler.url}/control/pools`, { headers: { authorization: "Bearer admin" } });
  return ((await response.json()) as { data: PoolState[] }).data.find((one) => one.name === name);
}

test("without the key, or with another, the box answers 401, and the pool's health says why", async () => {
  for (const authorization of [undefined, "Bearer another"]) {
    for (const place of ["/status", "/v1/models", "/kv/00000000000000000000000000000000"]) {
      const response = await fetch(`http://127.0.0.1:${port}${place}`, { headers: authorization ? { authorization } : {} });
      expect(response.status).toBe(401);
    }
  }
  expect(await pool("wrong")).toMatchObject({ state: "unhealthy", reason: expect.stringContaining("refused the key (401)") });
});

test("a box reached over a network is told no paths of its own files", async () => {
  const response = await fetch(`http://127.0.0.1:${port}/kv/00000000000000000000000000000000/import`, {
    method: "POST",
    headers: { authorization: `Bearer ${KEY}` },
    body: JSON.stringify({ identity: "x", tokens: 1, bytes: 1, checksum: 1, path: "/etc/hostname", tier: "file" }),
  });
  expect(response.status).toBe(403);
});

test("a session goes to the box and back with its state", async () => {
  const headers = { "x-signalbox-session": "travels" };
  const messages: OpenAI.ChatCompletionMessageParam[] = [{ role: "user", content: "read the log of the last day ".repeat(60) }];
  for (const model of ["here", "box", "here"]) {
    const { data, response } = await client.chat.completions
      .create({ model, messages, temperature: 0, max_tokens: 8 }, { headers })
      .withResponse();
    expect(response.headers.get(ResponseHeader.pool)).toBe(model);
    const { prompt_tokens = 0, prompt_tokens_details } = data.usage ?? {};
    if (messages.length > 1) expect((prompt_tokens_details?.cached_tokens ?? 0) / prompt_tokens).toBeGreaterThanOrEqual(0.9);
    messages.push({ role: "assistant", content: data.choices[0]?.message.content ?? "" }, { role: "user", content: "and then?" });
  }
  await until(
    () => scheduler.sink.spans.some((span) => span.name === "migrate box" && span.attributes[Attribute.migrationFromPool] === "here"),
    "the move is recorded",
  );
  expect((await pool("box"))?.speed.prefill_tokens_per_second).toBeGreaterThan(0);
});

test("a box that answers no more: its calls end, and it serves again when it answers", async () => {
  const serve = childProcesses(box.pid ?? 0).find(({ command }) => command.includes("llama-cpp/serve.ts"));
  const worker = childProcesses(serve?.pid ?? 0).find(({ command }) => command.includes("llama-cpp/worker.ts"));
  const stream = await client.chat.completions.create({
    model: "box",
    messages: [{ role: "user", content: "hello" }],
    temperature: 0,
    max_tokens: 200,
    stream: true,
  });
  // Both: the box cannot mend it by itself, as where the network between is cut.
  const stopped = [serve?.pid ?? 0, worker?.pid ?? 0];
  const read = async () => {
    for await (const _chunk of stream) for (const pid of stopped) process.kill(pid, "SIGSTOP");
  };
  const error = await read()
    .catch((thrown: unknown) => thrown)
    .finally(() => {
      for (const pid of stopped) process.kill(pid, "SIGCONT");
    });
  expect((error as Error | undefined)?.message).toMatch(/pool box failed/);
  await until(async () => (await pool("box"))?.state === "healthy", "the pool is back", 60_000);
  expect((await client.chat.completions.create({ model: "box", messages: [{ role: "user", content: "hi" }] })).choices).toHaveLength(1);
}, 120_000);

test("the box's worker is killed: the box starts it again on the same port; the box ends: health says so, and comes back with it", async () => {
  const serve = childProcesses(box.pid ?? 0).find(({ command }) => command.includes("llama-cpp/serve.ts"));
  const worker = childProcesses(serve?.pid ?? 0).find(({ command }) => command.includes("llama-cpp/worker.ts"));
  process.kill(worker?.pid ?? 0, "SIGKILL");
  await until(async () => (await pool("box"))?.state === "unhealthy", "the pool is down");
  await until(async () => (await pool("box"))?.state === "healthy", "the pool is back", 60_000);

  await end(box);
  await until(async () => (await pool("box"))?.reason?.includes("cannot be reached") === true, "the pool is gone");
  await expect(client.chat.completions.create({ model: "box", messages: [{ role: "user", content: "hi" }] })).rejects.toMatchObject({
    status: 503,
  });
  box = await startBox();
  await until(async () => (await pool("box"))?.state === "healthy", "the pool is back", 60_000);
  expect((await client.chat.completions.create({ model: "box", messages: [{ role: "user", content: "hi" }] })).choices).toHaveLength(1);
}, 180_000);

test.each([
  ["a file that is not there", () => ["--model", path.join(home, "none.gguf")], /--model: there is no file .*none\.gguf/],
  ["a file that is no model", () => ["--model", import.meta.filename, "--port", "0"], /signalbox pool-worker: .*(gguf|magic|model)/i],
  ["a port that is taken", () => ["--model", "demo", "--port", String(port)], /cannot listen on 127\.0\.0\.1, port \d+: .*EADDRINUSE/],
])("what cannot serve says so and ends: %s", async (_, args, says) => {
  const { code, output } = await runCommand(process.execPath, [SIGNALBOX, "pool-worker", ...args()], {
    cwd: home,
    env: { SIGNALBOX_HOME: home, SIGNALBOX_POOL_KEY: KEY },
  });
  expect(output).toMatch(says);
  expect(output).toContain("--help shows what there is");
  expect(code).toBe(1);
});
