import { afterAll, beforeAll, beforeEach, expect, it } from "vitest";
import type { Collector } from "../../collector-processor/src/app.ts";
import { createDatabase, type TestDatabase } from "../support/postgres.ts";
import { encode } from "./collector-dialects-support.ts";
import { attributes, dump, emptyTables, type Json, post, START_NANOS, testCollector, untilReady } from "./collector-support.ts";

const PROTOBUF = { "content-type": "application/x-protobuf" };
const THREAD = "01a1fbec-8b3c-7303-991e-01185ca03aaa";
const RECORD: Json = {
  observedTimeUnixNano: String(START_NANOS),
  severityNumber: 9,
  eventName: "event otel/src/events/session_telemetry.rs:1153",
  attributes: attributes({
    "event.name": "codex.sse_event",
    "event.kind": "response.completed",
    "conversation.id": THREAD,
    model: "gpt-5-codex",
    input_token_count: 1000,
    output_token_count: 100,
    cached_token_count: 600,
  }),
};
const logs = (records: Json[], resource: Record<string, string> = { "service.name": "codex_exec" }): Json => ({
  resourceLogs: [
    { resource: { attributes: attributes(resource) }, scopeLogs: [{ scope: { name: "codex_otel.log_only" }, logRecords: records }] },
  ],
});

let database: TestDatabase;
let collector: Collector;
const send = (body: unknown, headers: Record<string, string> = {}) => post(collector.url, body, headers, "/v1/logs");
const spans = async () => (await dump(database.url)).spans as Json[];
const counter = async (name: string) => {
  const text = await (await fetch(`${collector.url}/metrics`)).text();
  return Number(new RegExp(`^${name}(?:\\{.*\\})? (\\d+)`, "m").exec(text)?.[1]);
};

beforeAll(async () => {
  database = await createDatabase();
  collector = await testCollector(database.url, "keys: [{ name: laptop, key: right-key, project: acme }]");
  await untilReady(collector.url);
});
beforeEach(() => emptyTables(database.url));
afterAll(async () => {
  await collector.close();
  await database.drop();
});

it("stores a record that is a call once, as JSON and as protobuf", async () => {
  for (const [body, headers] of [
    [logs([RECORD]), {}],
    [encode("logs", logs([RECORD])), PROTOBUF],
    [logs([RECORD, RECORD]), {}],
  ] as const) {
    expect((await send(body, headers)).status).toBe(200);
  }
  expect(await spans()).toMatchObject([
    {
      session_id: THREAD,
      agent_id: THREAD,
      is_call: true,
      input_tokens: 1000,
      cache_read_tokens: 600,
      output_tokens: 100,
      cost_nusd: 1_575_000,
    },
  ]);
});

it("takes records that nobody knows, stores none of them, and counts them", async () => {
  const before = await counter("signalbox_collector_log_records_ignored_total");
  const answer = await send(logs([RECORD, { body: { stringValue: "hello" } }], { "service.name": "shop" }));
  expect([answer.status, answer.body.toString()]).toEqual([200, "{}"]);
  expect(await spans()).toEqual([]);
  expect(await counter("signalbox_collector_log_records_ignored_total")).toBe(before + 2);
});

it("says which records are bad, and keeps the good ones", async () => {
  const answer = await send(logs([{ ...RECORD, traceId: "ab" }, { ...RECORD, spanId: "ab" }, RECORD]));
  expect(JSON.parse(answer.body.toString())).toEqual({
    partialSuccess: {
      rejectedLogRecords: "2",
      errorMessage: "1 log record: trace_id is not 16 bytes; 1 log record: span_id is not 8 bytes",
    },
  });
  expect(await spans()).toHaveLength(1);
});

it("takes a right key and its project, and no wrong one", async () => {
  expect((await send(logs([RECORD]), { authorization: "Bearer wrong" })).status).toBe(401);
  expect(await spans()).toEqual([]);
  expect((await send(logs([RECORD]), { "x-signalbox-key": "right-key" })).status).toBe(200);
  expect((await spans())[0]).toMatchObject({ project: "acme" });
});

it.each([
  ["JSON that is none", "{", {}],
  ["a field of another type", '{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"eventName":7}]}]}]}', {}],
  ["protobuf that is none", Buffer.from([0x0a, 0x7f, 1, 2]), PROTOBUF],
])("answers 400 to %s", async (_name, body, headers) => {
  expect((await send(body, headers as Record<string, string>)).status).toBe(400);
});

it("takes an empty request", async () => {
  expect((await send("{}")).status).toBe(200);
  expect((await send(new Uint8Array(), PROTOBUF)).status).toBe(200);
});
