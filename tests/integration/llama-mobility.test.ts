/** Sessions of llama.cpp pools that move: by placement, by drain, by eviction; and what becomes of damaged state. */

import { createHash } from "node:crypto";
import { readdir, readFile, stat, truncate, writeFile } from "node:fs/promises";
import path from "node:path";
import { Attribute, ResponseHeader } from "@signalbox/otel/conventions";
import OpenAI from "openai";
import { afterAll, beforeAll, expect, test } from "vitest";
import { childProcesses } from "../support/child-processes.ts";
import { ready, type SchedulerUnderTest, startSchedulerUnderTest, until } from "./scheduler-support.ts";

const pool = (name: string, extra = "") => `
  - { name: ${name}, silicon: cpu, engine: llama-cpp, model: demo, models: [{ id: ${name} }], slots: 2, threads: 1,
      context_tokens: 4096, max_output_tokens: 1024${extra} }`;
const CONFIG = `
pools:${pool("a")}${pool("b")}${pool("small", ", kv: { ram_bytes: 0, file_bytes: 300000 }")}
models: { either: { any_of: [a, b] } }
`;

let scheduler: SchedulerUnderTest;
let client: OpenAI;

beforeAll(async () => {
  scheduler = await startSchedulerUnderTest(CONFIG, { token: "admin" });
  client = new OpenAI({ baseURL: `${scheduler.url}/v1`, apiKey: "admin", maxRetries: 0 });
  await ready(scheduler.url);
});
afterAll(() => scheduler?.close());

const LONG = "read the log of the last day and tell what failed ".repeat(60);
/** Random weights end a turn when they like; a grammar does not let them. */
const LONG_REPLY = {
  type: "json_schema" as const,
  json_schema: { name: "long", schema: { type: "array", items: { type: "null" }, minItems: 500 } },
};
type Message = OpenAI.ChatCompletionMessageParam;

/** One greedy turn. */
async function turn(model: string, session: string, messages: Message[]) {
  const { data, response } = await client.chat.completions
    .create({ model, messages, temperature: 0, max_tokens: 16 }, { headers: { "x-signalbox-session": session } })
    .withResponse();
  const prompt = data.usage?.prompt_tokens ?? 0;
  const evaluated = prompt - (data.usage?.prompt_tokens_details?.cached_tokens ?? 0);
  const content = data.choices[0]?.message.content ?? "";
  const next: Message[] = [...messages, { role: "assistant", content }, { role: "user", content: "and then?" }];
  return { prompt, evaluated, content, next, pool: response.headers.get(ResponseHeader.pool), usage: data.usage };
}

const opening = (session: string): Message[] => [{ role: "user", content: `${session}: ${LONG}` }];

async function control(place: string, method = "GET", body?: object) {
  const init = { method, headers: { authorization: "Bearer admin" }, ...(body && { body: JSON.stringify(body) }) };
  const response = await fetch(`${scheduler.url}/control/${place}`, init);
  return (await response.json()) as Record<string, unknown>;
}

const migrations = (session: string) =>
  scheduler.sink.spans.filter((span) => span.name.startsWith("migrate ") && span.attributes[Attribute.sessionId] === session);

/** The state files of this process's pools: in memory and on disk. */
async function stateFiles(name: string): Promise<string[]> {
  const folders = [path.join(scheduler.home, "kv"), "/dev/shm"];
  const found: string[] = [];
  for (const folder of folders) {
    for (const entry of await readdir(folder).catch(() => [])) {
      if (!entry.includes(`${process.pid}-${name}-`)) continue;
      const files = await readdir(path.join(folder, entry));
      found.push(...files.filter((file) => file.endsWith(".state")).map((file) => path.join(folder, entry, file)));
    }
  }
  return found;
}
const keyOf = (session: string) => createHash("sha256").update(`${session}\0${session}`).digest("hex").slice(0, 32);

test("a session that is placed on another pool evaluates only what is new, and says what it would have said", async () => {
  const stayed = await turn("a", "stays", opening("one"));
  const stayedNext = await turn("a", "stays", stayed.next);
  const moved = await turn("a", "moves", opening("one"));
  expect(moved.content).toBe(stayed.content);
  const movedNext = await turn("b", "moves", moved.next);
  expect(movedNext.pool).toBe("b");
  expect(movedNext.content).toBe(stayedNext.content);
  expect(movedNext.prompt).toBe(stayedNext.prompt);
  expect(movedNext.evaluated / movedNext.prompt).toBeLessThanOrEqual(0.1);
  const back = await turn("a", "moves", movedNext.next);
  expect(back.evaluated / back.prompt).toBeLessThanOrEqual(0.1);

  await until(() => migrations("moves").length >= 2, "the moves are recorded");
  const span = migrations("moves").find((one) => one.name === "migrate b" && one.attributes[Attribute.migrationReason] === "placement");
  expect(span?.attributes).toMatchObject({
    [Attribute.operation]: "migrate",
    [Attribute.migrationFromPool]: "a",
    [Attribute.migrationFromTier]: "live",
    [Attribute.migrationToTier]: expect.stringMatching(/^(ram|file)$/),
  });
  expect(Number(span?.attributes[Attribute.migrationTokens])).toBeGreaterThanOrEqual(moved.prompt);
  expect(Number(span?.attributes[Attribute.migrationBytes])).toBeGreaterThan(0);
  expect(span?.parentSpanId).toMatch(/^[0-9a-f]{16}$/);
});

test("more sessions than slots: each finds its state again, from memory", async () => {
  const sessions = ["s1", "s2", "s3", "s4", "s5"];
  const first = [];
  for (const session of sessions) first.push(await turn("a", session, opening(session)));
  for (const [index, session] of sessions.entries()) {
    const again = await turn("a", session, first[index]?.next ?? []);
    expect(again.evaluated / again.prompt).toBeLessThanOrEqual(0.1);
  }
  for (const file of await stateFiles("a")) {
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    expect((await stat(path.dirname(file))).mode & 0o777).toBe(0o700);
  }
});

test("a bounded tier: the oldest go, the bound holds, and a session without state is simply evaluated", async () => {
  const first = [];
  for (let index = 0; index < 6; index++) first.push(await turn("small", `b${index}`, opening(`b${index}`)));
  const files = await stateFiles("small");
  const bytes = (await Promise.all(files.map((file) => stat(file)))).reduce((sum, { size }) => sum + size, 0);
  expect(bytes).toBeLessThanOrEqual(300_000);
  const lost = await turn("small", "b0", first[0]?.next ?? []);
  expect(lost.evaluated).toBeGreaterThan(0.5 * lost.prompt);
  const kept = await turn("small", "b5", first[5]?.next ?? []);
  expect(kept.evaluated / kept.prompt).toBeLessThanOrEqual(0.1);
});

test.each([
  ["truncated", (file: string) => truncate(file, 1_000)],
  [
    "damaged",
    async (file: string) => {
      const bytes = await readFile(file);
      bytes.fill(0xff, 200, 4_000);
      await writeFile(file, bytes);
    },
  ],
])("a %s file: the prompt is evaluated, the answer is the same, the pool lives", async (how, harm) => {
  const session = `harmed-${how}`;
  const whole = await turn("a", `whole-${how}`, opening("same"));
  const wholeNext = await turn("a", `whole-${how}`, whole.next);
  const first = await turn("a", session, opening("same"));
  // Two others take the two slots.
  for (const other of ["x", "y"]) await turn("a", `${how}-${other}`, opening(`${how}-${other}`));
  const file = (await stateFiles("a")).find((one) => one.includes(keyOf(session)));
  expect(file).toBeDefined();
  await harm(file ?? "");
  const next = await turn("a", session, first.next);
  expect(next.content).toBe(wholeNext.content);
  expect(next.evaluated).toBeGreaterThan(0.5 * next.prompt);
  expect((await control("pools")).data).toContainEqual(expect.objectContaining({ name: "a", state: "healthy" }));
});

test("a drained pool loses no session, takes no calls, and comes back", async () => {
  const sessions = ["d1", "d2", "d3", "d4"];
  const first = [];
  for (const session of sessions) first.push(await turn("a", session, opening(session)));
  const receipt = await control("pools/a/drain", "POST");
  expect(receipt).toMatchObject({ pool: "a", state: "draining", calls_left: 0, sessions_kept: 0 });
  expect(receipt.sessions_moved).toBeGreaterThanOrEqual(sessions.length);
  for (const [index, session] of sessions.entries()) {
    const next = await turn("either", session, first[index]?.next ?? []);
    expect(next.pool).toBe("b");
    expect(next.evaluated / next.prompt).toBeLessThanOrEqual(0.1);
  }
  await expect(turn("a", "d1", opening("d1"))).rejects.toMatchObject({ status: 503, message: expect.stringContaining("draining") });
  expect(await control("pools/a/resume", "POST")).toEqual({ pool: "a", state: "healthy" });
  expect((await turn("a", "d1", opening("d1"))).pool).toBe("a");
  expect(await control("pools/none/drain", "POST")).toMatchObject({ error: { code: "unknown_pool" } });
});

test("a worker killed mid-stream: the pool is back with all its slots, and what was written out before is still good", async () => {
  const kept = await turn("a", "outlives", opening("outlives"));
  for (const other of ["o1", "o2"]) await turn("a", other, opening(other));
  expect((await stateFiles("a")).some((file) => file.includes(keyOf("outlives")))).toBe(true);
  const workers = childProcesses(process.pid).filter(({ command }) => command.includes("llama-cpp/worker.ts"));
  expect(workers).toHaveLength(3);
  const stream = await client.chat.completions.create(
    { model: "a", messages: opening("o1"), stream: true, response_format: LONG_REPLY },
    { headers: { "x-signalbox-session": "o1" } },
  );
  const read = async () => {
    for await (const _chunk of stream) for (const { pid } of workers.splice(0)) process.kill(pid, "SIGKILL");
  };
  await expect(read()).rejects.toThrow();
  const state = async () =>
    ((await control("pools")).data as { name: string; state: string; active: number }[]).find(({ name }) => name === "a");
  await until(async () => (await state())?.state === "unhealthy", "the pool is down");
  await until(async () => (await state())?.state === "healthy", "the pool is back", 60_000);
  expect(await state()).toMatchObject({ state: "healthy", active: 0 });
  const next = await turn("a", "outlives", kept.next);
  expect(next.evaluated / next.prompt).toBeLessThanOrEqual(0.1);
  // Live state died with the process; both slots serve.
  const both = await Promise.all(["o1", "o2"].map((other) => turn("a", other, opening(other))));
  for (const { evaluated, prompt } of both) expect(evaluated).toBeGreaterThan(0.5 * prompt);
});

test("a killed session leaves no state behind", async () => {
  await turn("a", "killed", opening("killed"));
  for (const other of ["k1", "k2"]) await turn("a", other, opening(other));
  expect((await stateFiles("a")).some((file) => file.includes(keyOf("killed")))).toBe(true);
  await control("sessions/killed/kill", "POST");
  await until(async () => !(await stateFiles("a")).some((file) => file.includes(keyOf("killed"))), "its file is gone");
});
