/** A llama.cpp worker that lives and says nothing (SIGSTOP): found by its heartbeat, ended, and started again, as after a crash. */

import { Attribute, RequestHeader, ResponseHeader } from "@signalbox/otel/conventions";
import OpenAI, { APIError } from "openai";
import { afterAll, beforeAll, expect, test } from "vitest";
import { ready, type SchedulerUnderTest, startSchedulerUnderTest, until } from "./scheduler-support.ts";

const POOL = "engine: llama-cpp, silicon: cpu, model: demo, slots: 2, threads: 1, context_tokens: 2048, max_output_tokens: 256";

let scheduler: SchedulerUnderTest;
let client: OpenAI;

beforeAll(async () => {
  // "dear" is some sixty times faster: it is the dearer one by so much that no slow start of the other, on a busy machine, makes up for it.
  scheduler = await startSchedulerUnderTest(
    `
pools:
  - { name: cheap, ${POOL}, hourly_usd: 0.1, demo_pace_ms: 30, heartbeat_timeout_ms: 5000, models: [{ id: first }] }
  - { name: dear, ${POOL}, hourly_usd: 900, heartbeat_timeout_ms: 5000, models: [{ id: second }] }
models: { either: { any_of: [first, second] } }
`,
    { token: "admin" },
  );
  client = new OpenAI({ baseURL: `${scheduler.url}/v1`, apiKey: "admin", maxRetries: 0 });
  await ready(scheduler.url);
}, 240_000);
afterAll(() => scheduler?.close());

/** The greedy reply of the demo model to this is long, and the same each time. */
const LONG = { messages: [{ role: "user" as const, content: "hello" }], temperature: 0, max_tokens: 200 };

interface PoolState {
  name: string;
  state: string;
  reason: string | null;
  active: number;
}

async function pool(name: string): Promise<PoolState | undefined> {
  const response = await fetch(`${scheduler.url}/control/pools`, { headers: { authorization: "Bearer admin" } });
  return ((await response.json()) as { data: PoolState[] }).data.find((one) => one.name === name);
}

/** Of the worker that the pool runs on now. */
function pidOf(name: string): number {
  const line = scheduler.log.findLast((text) => text.includes("pool ready") && text.includes(name)) ?? "";
  return Number(/"?pid"?[=:]\s*(\d+)/.exec(line)?.[1]);
}

const restarted = (name: string, before: number) =>
  until(async () => pidOf(name) !== before && (await pool(name))?.state === "healthy", `${name} is back`, 60_000);

test("mid-stream: the stream ends with an error, the gateway lives, the pool comes back", async () => {
  const pid = pidOf("cheap");
  const stream = await client.chat.completions.create({ ...LONG, model: "first", stream: true });
  let chunks = 0;
  const read = async () => {
    for await (const _chunk of stream) if (++chunks === 3) process.kill(pid, "SIGSTOP");
  };
  const error = await read().catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(APIError);
  expect((error as Error).message).toMatch(/pool cheap failed/);
  expect((await fetch(`${scheduler.url}/healthz`)).status).toBe(200);
  await until(() => scheduler.log.some((line) => line.includes("pool down") && line.includes("worker hung")), "the log says so");
  await restarted("cheap", pid);
  expect(await pool("cheap")).toMatchObject({ active: 0 });
  expect((await client.chat.completions.create({ ...LONG, model: "first", max_tokens: 2 })).choices).toHaveLength(1);
});

test("before a reply: the client gets another pool's, and the one that hung is charged what it was busy", async () => {
  const pid = pidOf("cheap");
  // what one slow call taught of the pool that was just started again is no reason to leave it: of this class it meets any target
  const background = { headers: { [RequestHeader.sla]: "background" } };
  const asked = client.chat.completions.create({ ...LONG, model: "either" }, background).withResponse();
  await until(async () => (await pool("cheap"))?.active === 1, "the pool works on it");
  process.kill(pid, "SIGSTOP");
  const { data, response } = await asked;
  expect(response.headers.get(ResponseHeader.pool)).toBe("dear");
  expect(data.choices).toHaveLength(1);
  const spans = await scheduler.sink.decision(response.headers.get(ResponseHeader.decision) ?? "", 3);
  const lost = spans.find(({ attributes }) => attributes[Attribute.attempt] === 1);
  expect(lost?.attributes).toMatchObject({ [Attribute.pool]: "cheap", [Attribute.costSource]: "measured" });
  await restarted("cheap", pid);
});
