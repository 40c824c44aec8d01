/**
 * One fleet's telemetry in many random orders and splits, with repeats, over HTTP and gRPC's encodings: what the OpenClaw plugin makes of a
 * captured session, what Claude Code and Codex exported of theirs (spans and logs), and what the scheduler says of those same sessions
 * when their captured requests go through it. Every table comes out the same.
 *
 * Run: npx vitest run --project integration tests/integration/collector-arrival.test.ts; ROUNDS sets another number of
 * orders (RESULTS.md has a run of 200).
 */
import { createProvider } from "@signalbox/otel/provider";
import postgres from "postgres";
import { afterAll, beforeAll, expect, it } from "vitest";
import type { Collector } from "../../collector-processor/src/app.ts";
import { loadFixture, replay, VERSIONS } from "../../plugins/openclaw/src/testing/replay.ts";
import { startScheduler } from "../../scheduler/src/app.ts";
import { parseConfig } from "../../scheduler/src/config.ts";
import { createLog } from "../../scheduler/src/log.ts";
import { type FixtureFile, readFixtures } from "../agents/capture/fixture-folder.ts";
import type { RequestRecord } from "../agents/capture/fixture-format.ts";
import { oracleDecode, otlpJson } from "../fuzz/otlp-oracle.ts";
import { otlpSink } from "../support/otlp-sink.ts";
import { createDatabase, type TestDatabase } from "../support/postgres.ts";
import { startAnthropicProvider } from "../support/provider-anthropic.ts";
import { randomSource } from "../support/random-source.ts";
import { disordered, encode, type Item, itemsOf, requestOf } from "./collector-dialects-support.ts";
import { recount, rollups } from "./collector-recount.ts";
import { dump, emptyTables, type Json, post, testCollector, untilReady, withoutSlots } from "./collector-support.ts";
import { until } from "./scheduler-support.ts";

const ROUNDS = Number(process.env.ROUNDS ?? 40);
const PROTOBUF = { "content-type": "application/x-protobuf" };

let database: TestDatabase;
let collector: Collector;
let items: Item[];

const scenario = (agent: string, name: string) => readFixtures(agent).find(({ header }) => header.scenario === name) as FixtureFile;

/** The spans in the bodies that an exporter sent. */
function itemsOfBodies(bodies: Buffer[]): Item[] {
  const records = bodies.map((body) => {
    const request: Json =
      body[0] === 0x7b ? JSON.parse(body.toString()) : JSON.parse(otlpJson(oracleDecode("traces", body) as Json).toString());
    return { kind: "otlp", signal: "traces", body: request };
  });
  return itemsOf({ records } as unknown as FixtureFile);
}

async function fromPlugin(scenario: string): Promise<Item[]> {
  const sink = await otlpSink();
  const provider = createProvider({ serviceName: "openclaw", endpoint: sink.url });
  const { spans } = replay(loadFixture(VERSIONS[0] as string, scenario), { content: true });
  for (const span of spans) provider.emit(span);
  await until(() => itemsOfBodies(sink.taken).length === spans.length, "the plugin's spans");
  await provider.shutdown();
  await sink.close();
  return itemsOfBodies(sink.taken);
}

/** What the scheduler says of the sessions of a fixture, its requests sent through it again. */
async function fromScheduler(fixture: FixtureFile): Promise<Item[]> {
  const sink = await otlpSink();
  const provider = await startAnthropicProvider({ script: () => ({ text: "Understood." }) });
  const requests = fixture.records.filter(
    (record): record is RequestRecord => record.kind === "request" && record.path.startsWith("/v1/messages"),
  );
  const { model } = (requests[0] as RequestRecord).body as { model: string };
  const yaml = `pools:\n  - { name: remote, silicon: cloud, engine: anthropic, base_url: "${provider.url}", models: [{ id: "${model}" }] }`;
  const scheduler = await startScheduler({
    config: parseConfig(yaml, "test config", {}),
    environment: {},
    home: "/nonexistent",
    otlpEndpoint: sink.url,
    log: createLog(() => {}),
  });
  for (const { path, headers } of requests) {
    const identity = Object.entries(headers).filter(([name]) => /^(?:x-claude-code-|traceparent|anthropic-version)/i.test(name));
    const body = { model, max_tokens: 16, messages: [{ role: "user", content: "Go on." }] };
    const reply = await fetch(scheduler.url + path, {
      method: "POST",
      headers: { ...Object.fromEntries(identity), "content-type": "application/json" },
      body: JSON.stringify(body),
    });
    expect(reply.status, await reply.text()).toBe(200);
  }
  // of each call the decision and its attempt
  await until(() => itemsOfBodies(sink.taken).length >= requests.length * 2, "the scheduler's spans");
  await scheduler.close();
  await provider.close();
  await sink.close();
  return itemsOfBodies(sink.taken);
}

async function send(parts: { signal: Item["signal"]; items: Item[] }[], asProtobuf: () => boolean): Promise<void> {
  for (const { signal, items: part } of parts) {
    const request = requestOf(signal, part);
    const protobuf = asProtobuf();
    const answer = await post(collector.url, protobuf ? encode(signal, request) : request, protobuf ? PROTOBUF : {}, `/v1/${signal}`);
    expect([answer.status, answer.body.toString()]).toEqual([200, protobuf ? "" : "{}"]);
  }
}

beforeAll(async () => {
  database = await createDatabase();
  collector = await testCollector(database.url, "collector: { max_future_days: 3650 }");
  await untilReady(collector.url);
  const claudeCode = scenario("claude-code", "nested-sub-agents");
  const parts = [
    await fromPlugin("spawned-sub-agent"),
    await fromPlugin("memory"),
    itemsOf(claudeCode),
    itemsOf(scenario("codex", "nested-sub-agents")),
    await fromScheduler(claudeCode),
  ];
  for (const part of parts) expect(part.length).toBeGreaterThan(5);
  items = parts.flat();
});
afterAll(async () => {
  await collector.close();
  await database.drop();
});

it(`comes to the same tables in ${ROUNDS} orders`, { timeout: 900_000 }, async () => {
  const tables = async () => withoutSlots(await dump(database.url));
  await send(
    (["traces", "logs"] as const).map((signal) => ({ signal, items: items.filter((item) => item.signal === signal) })),
    () => false,
  );
  const inOrder = await tables();
  for (const [table, rows] of Object.entries(inOrder)) expect(rows.length, `${table} is empty`).toBeGreaterThan(0);
  for (let round = 1; round <= ROUNDS; round++) {
    const next = randomSource(round);
    await emptyTables(database.url);
    const parts = disordered(items, next);
    // two clients at once: their transactions overlap, and so do the repeats that they hold
    const half = Math.ceil(parts.length * next());
    await Promise.all([parts.slice(0, half), parts.slice(half)].map((mine) => send(mine, () => next() < 0.5)));
    expect(await tables(), `round ${round}`).toEqual(inOrder);
  }
  const sql = postgres(database.url, { max: 1, onnotice: () => {} });
  expect(await rollups(sql)).toEqual(await recount(sql));
  await sql.end();
});

it("never waits in a circle where two writers hold the same spans in opposite order", async () => {
  const sql = postgres(database.url, { max: 1, onnotice: () => {} });
  await emptyTables(database.url);
  const traces = items.filter((item) => item.signal === "traces");
  for (let round = 0; round < 20; round++) {
    const fresh = traces.map(({ item, ...rest }, index) => ({
      ...rest,
      item: { ...item, spanId: (round * 100_000 + index + 1).toString(16).padStart(16, "0") },
    }));
    const parts = [fresh, fresh.toReversed()].map((part) => ({ signal: "traces" as const, items: part }));
    await Promise.all(parts.map((part) => send([part], () => true)));
  }
  await sql.unsafe("select pg_stat_force_next_flush()");
  const [{ deadlocks }] = (await sql`select deadlocks::int from pg_stat_database where datname = current_database()`) as unknown as [
    { deadlocks: number },
  ];
  expect(deadlocks).toBe(0);
  expect(await rollups(sql)).toEqual(await recount(sql));
  await sql.end();
});
