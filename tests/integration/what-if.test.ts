/** What-if through the control API: the demo fleet's decisions of the last day, played by the simulator through two policies. */

import { mkdtemp, rm } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import postgres from "postgres";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Scheduler, startScheduler } from "../../scheduler/src/app.ts";
import { parseConfig } from "../../scheduler/src/config.ts";
import { createLog } from "../../scheduler/src/log.ts";
import { createDatabase, type TestDatabase } from "../support/postgres.ts";
import { seed } from "../support/seed.ts";
import { until } from "./scheduler-support.ts";

const TOKEN = "what-if-token";
/** Nothing listens there: a simulation calls nobody. */
const POLICY = `
pools:
  - name: small
    silicon: cpu
    engine: openai-compatible
    base_url: http://user:secret@127.0.0.1:9/v1
    api_key_env: A_KEY
    models: [{ id: m, tier: 3 }]
    slots: 4
    hourly_usd: 1
    rates: { prefill_tokens_per_second: 2000, decode_tokens_per_second: 40 }
keys: [{ name: laptop, key: not-to-be-shown }]
`;

interface Run {
  requests: number;
  cost: { used: number; allocated: number };
  classes: { slaClass: string; attainment: { value: number; low: number; high: number } }[];
}
interface Job {
  id: string;
  state: string;
  progress: number;
  error: string | null;
  result: { past: { decisions: number }; runs: Run[]; against: Run[] } | null;
}

let database: TestDatabase;
let scheduler: Scheduler;
let home: string;

beforeAll(async () => {
  database = await createDatabase();
  await seed(database.url);
  home = await mkdtemp(path.join(os.tmpdir(), "signalbox-what-if-test-"));
  scheduler = await startScheduler({
    config: parseConfig(POLICY, "policy.yaml", { A_KEY: "k" }),
    home,
    token: TOKEN,
    databaseUrl: database.url,
    environment: { A_KEY: "k" },
    log: createLog(() => {}),
  });
});
afterAll(async () => {
  await scheduler.close();
  await database.drop();
  await rm(home, { recursive: true, force: true });
});

async function ask(path: string, body?: object) {
  const response = await fetch(`${scheduler.url}/control/simulations${path}`, {
    method: body ? "POST" : "GET",
    headers: { authorization: `Bearer ${TOKEN}`, "content-type": "application/json" },
    ...(body && { body: JSON.stringify(body) }),
  });
  return { status: response.status, body: (await response.json()) as never };
}
const last = async () => ((await ask("")).body as { data: Job[] }).data[0];
const ended = async () => {
  await until(async () => (await last())?.state !== "running", "the simulation ends", 30_000);
  return (await last()) as Job;
};
const policyInForce = async () => ((await ask("/policy")).body as { policy: string }).policy;

test("the policy in force is shown without keys and credentials, and is a policy itself", async () => {
  const text = await policyInForce();
  expect(text).toContain("hourly_usd: 1");
  expect(text).not.toMatch(/secret|not-to-be-shown|A_KEY/);
  expect(parseConfig(text, "shown", {}).pools[0]).toMatchObject({ name: "small", slots: 4, rates: { decode_tokens_per_second: 40 } });
});

test("the same decisions are played through both: a pool at twice the price costs twice as much", async () => {
  const policy = (await policyInForce()).replace("hourly_usd: 1", "hourly_usd: 2");
  const started = await ask("", { hours: 24, policy });
  expect(started.status).toBe(202);
  const { state, error, result, progress } = await ended();
  expect({ state, error, progress }).toEqual({ state: "done", error: null, progress: 1 });
  const [now, edited] = [result?.runs[0] as Run, result?.against[0] as Run];
  const sql = postgres(database.url, { max: 1 });
  const [stored] =
    await sql`select count(*)::int as decisions from signalbox.spans d where operation = 'schedule' and start_time >= now() - interval '24 hours'
    and exists (select from signalbox.spans a where a.session_id = d.session_id and a.parent_span_id = d.span_id and a.is_call and a.output_tokens > 0)`;
  await sql.end();
  expect(result?.past.decisions).toBe(stored?.decisions);
  expect([now.requests, edited.requests]).toEqual([stored?.decisions, stored?.decisions]);
  expect(edited.cost.used / now.cost.used).toBeCloseTo(2, 6);
  for (const { attainment } of now.classes) {
    expect(attainment.low).toBeLessThanOrEqual(attainment.value);
    expect(attainment.high).toBeGreaterThanOrEqual(attainment.value);
  }
});

test("one runs at a time; a cancelled one ends, and another may begin", async () => {
  const policy = await policyInForce();
  const first = (await ask("", { hours: 720, policy })).body as Job;
  expect((await ask("", { hours: 24, policy })).status).toBe(409);
  expect((await ask(`/${first.id}/cancel`, {})).body).toMatchObject({ id: first.id, state: "cancelled" });
  await until(async () => (await ask("", { hours: 24, policy })).status === 202, "another begins");
  expect((await ended()).state).toBe("done");
  expect((await ask(`/${first.id}/cancel`, {})).status).toBe(404);
});

test("a mistake in the policy is answered with its line; a window without decisions says so", async () => {
  const policy = await policyInForce();
  const refused = await ask("", { hours: 24, policy: policy.replace("slots: 4", "slots: many") });
  expect(refused).toMatchObject({
    status: 400,
    body: { error: { field: "policy", message: expect.stringMatching(/policy:\d+:\d+: pools\[0\]\.slots/) } },
  });
  expect((await ask("", { hours: 0, policy })).status).toBe(400);
  const sql = postgres(database.url, { max: 1 });
  await sql`delete from signalbox.spans`;
  await sql.end();
  await ask("", { hours: 24, policy });
  expect(await ended()).toMatchObject({ state: "failed", error: expect.stringContaining("no decision with tokens") });
});
