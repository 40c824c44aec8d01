import postgres from "postgres";
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from "vitest";
import type { Collector } from "../../collector-processor/src/app.ts";
import { type OtlpSink, otlpSink, type SinkAnswer } from "../support/otlp-sink.ts";
import { createDatabase, type TestDatabase } from "../support/postgres.ts";
import { fanOutMetric, namesIn, spansIn } from "./collector-fan-out-support.ts";
import { encodeRequest } from "./collector-oracle.ts";
import { emptyTables, post, request, span, testCollector, untilReady } from "./collector-support.ts";

const PROTOBUF = { "content-type": "application/x-protobuf" };
const CHAT = {
  "session.id": "s1",
  "gen_ai.operation.name": "chat",
  "gen_ai.provider.name": "anthropic",
  "gen_ai.request.model": "claude-sonnet-4-6",
  "gen_ai.usage.input_tokens": 1000,
  "gen_ai.usage.output_tokens": 100,
  "gen_ai.input.messages": '[{"role":"user","content":"hello"}]',
};

let database: TestDatabase;
let sql: postgres.Sql;
const closing: (() => Promise<unknown>)[] = [];
beforeAll(async () => {
  database = await createDatabase();
  sql = postgres(database.url, { max: 1, onnotice: () => {} });
});
beforeEach(() => emptyTables(database.url));
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});
afterAll(async () => {
  await sql.end();
  await database.drop();
});

async function sink(script: Parameters<typeof otlpSink>[0] = []): Promise<OtlpSink> {
  const made = await otlpSink(script);
  closing.push(() => made.close());
  return made;
}

async function collectorTo(destinations: string[], environment: Record<string, string> = {}): Promise<Collector> {
  const collector = await testCollector(database.url, `fan_out:\n${destinations.map((line) => `  - {${line}}\n`).join("")}`, environment);
  closing.push(() => collector.close());
  await untilReady(collector.url);
  return collector;
}

const QUICK = "backoff_first_ms: 10, backoff_most_ms: 40";
const attributesOf = (body: Buffer) => {
  const list = spansIn([body])[0]?.attributes ?? [];
  return Object.fromEntries(list.flatMap((key, index) => (index % 2 === 0 ? [[key, list[index + 1]]] : [])));
};
const named = (number: number) => request([span({ trace: number, id: number, name: `n${number}` })]);
const numbers = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, index) => from + index);

it("sends what it stored, enriched, with content only where the destination opted in, whatever encoding it came in", async () => {
  const [plain, full] = [await sink(), await sink()];
  const collector = await collectorTo(
    [
      `name: jaeger, endpoint: "${plain.url}"`,
      `name: vault, endpoint: "${full.url}/custom/path", content: true, compression: gzip, headers_env: { authorization: VAULT }`,
    ],
    { VAULT: "Bearer v" },
  );
  const chat = request([span({ trace: 1, id: 1, attributes: CHAT }), span({ trace: 0, id: 2 })]);
  for (const [body, headers] of [
    [encodeRequest(chat), PROTOBUF],
    [JSON.stringify(chat), {}],
  ] as const) {
    expect((await post(collector.url, body, headers)).status).toBe(200);
    await expect.poll(() => Math.min(plain.taken.length, full.taken.length)).toBe(headers === PROTOBUF ? 1 : 2);
  }
  for (const body of plain.taken) {
    expect(spansIn([body])).toHaveLength(1);
    const attributes = attributesOf(body);
    // 1,000 x 3 + 100 x 15 USD per million
    expect(attributes).toMatchObject({ "signalbox.cost.nanousd": 4_500_000, "signalbox.cost.usd": 0.0045, "gen_ai.conversation.id": "s1" });
    expect(attributes["gen_ai.response.model"]).toBe("claude-sonnet-4-6");
    expect(attributes).not.toHaveProperty(["gen_ai.input.messages"]);
  }
  expect(attributesOf(full.taken[0] as Buffer)).toMatchObject({ "gen_ai.input.messages": CHAT["gen_ai.input.messages"] });
  expect(plain.requests[0]).toMatchObject({ path: "/v1/traces", headers: { "content-type": "application/x-protobuf" } });
  expect(full.requests[0]).toMatchObject({ path: "/custom/path", headers: { authorization: "Bearer v", "content-encoding": "gzip" } });
});

it("sends again as OTLP says until each push was taken: in order, nothing lost, nothing twice", async () => {
  const trouble: SinkAnswer[] = ["cut", { status: 503 }, "hang", { status: 429 }, { status: 502 }, { status: 504 }, "cut"];
  const target = await sink([...trouble]);
  const collector = await collectorTo([`name: t, endpoint: "${target.url}", timeout_ms: 2000, ${QUICK}`]);
  for (const number of numbers(1, 30)) expect((await post(collector.url, named(number))).status).toBe(200);
  await expect.poll(() => spansIn(target.taken).length).toBe(30);
  expect(namesIn(target.taken)).toEqual(numbers(1, 30).map((number) => `n${number}`));
  expect(await fanOutMetric(collector, "retries_total", 'destination="t"')).toBe(trouble.length);
  expect(await fanOutMetric(collector, "spans_sent_total", 'destination="t"')).toBe(30);
});

it("waits as long as Retry-After says", async () => {
  const target = await sink([{ status: 429, headers: { "retry-after": "1" } }]);
  const collector = await collectorTo([`name: t, endpoint: "${target.url}", ${QUICK}`]);
  await post(collector.url, named(1));
  await expect.poll(() => target.taken.length).toBe(1);
  const [first, second] = target.requests.map((one) => one.at) as [number, number];
  expect(second - first).toBeGreaterThan(990);
});

it("drops only what a destination refuses for good, and counts what it rejects", async () => {
  const target = await sink([{ status: 200 }, { status: 400 }, { status: 413 }]);
  const collector = await collectorTo([`name: t, endpoint: "${target.url}", push_bytes: 1, ${QUICK}`]);
  for (const number of numbers(1, 5)) await post(collector.url, named(number));
  await expect.poll(() => target.taken.length).toBe(3);
  expect(namesIn(target.taken)).toEqual(["n1", "n4", "n5"]);
  expect(await fanOutMetric(collector, "spans_dropped_total", 'reason="refused"')).toBe(2);

  // ExportTraceServiceResponse{partial_success{rejected_spans: 1}}
  const rejecting = await sink([{ status: 200, body: Buffer.from([0x0a, 2, 0x08, 1]) }]);
  const other = await collectorTo([`name: r, endpoint: "${rejecting.url}"`]);
  await post(other.url, request([span({ trace: 1, id: 1 }), span({ trace: 1, id: 2 })]));
  await expect.poll(() => fanOutMetric(other, "spans_dropped_total", 'destination="r",reason="rejected"')).toBe(1);
  expect(await fanOutMetric(other, "spans_sent_total", 'destination="r"')).toBe(1);
});

it("splits a joined push that is refused, so that one bad request takes no other with it", async () => {
  // the first push is held until the others wait: they go out together, that is refused, then each alone but one is taken
  const { promise: held, resolve: letGo } = Promise.withResolvers<SinkAnswer>();
  const target = await sink([held, { status: 400 }, { status: 200 }, { status: 400 }]);
  const collector = await collectorTo([`name: t, endpoint: "${target.url}", ${QUICK}`]);
  for (const number of numbers(1, 5)) await post(collector.url, named(number));
  await expect.poll(() => fanOutMetric(collector, "queue_spans", 'destination="t"')).toBe(5);
  letGo({ status: 503 });
  await expect.poll(() => spansIn(target.taken).length).toBe(4);
  expect(namesIn(target.taken)).toEqual(["n1", "n3", "n4", "n5"]);
  expect(namesIn([target.requests[1]?.body as Buffer])).toHaveLength(5);
});

// a timeout longer than a busy machine takes to answer: what was taken and not heard of in time is sent again
it("never slows the store for a destination that hangs; drops what its queue cannot hold, counts it, and sends the rest when it is back", {
  timeout: 60_000,
}, async () => {
  const [dead, healthy] = [await sink(), await sink()];
  dead.answerAlways("hang");
  const collector = await collectorTo([
    `name: dead, endpoint: "${dead.url}", timeout_ms: 1000, queue_bytes: 5000, breaker_failures: 2, ${QUICK}`,
    `name: healthy, endpoint: "${healthy.url}"`,
  ]);
  for (const number of numbers(1, 100)) expect((await post(collector.url, named(number))).status).toBe(200);
  expect((await sql`select count(*)::int as n from signalbox.spans`)[0]?.n).toBe(100);
  expect(dead.taken).toHaveLength(0);
  await expect.poll(() => spansIn(healthy.taken).length).toBe(100);
  await expect.poll(() => fanOutMetric(collector, "breaker_open", 'destination="dead"')).toBe(1);
  const dropped = await fanOutMetric(collector, "spans_dropped_total", 'destination="dead",reason="queue_full"');
  const waiting = await fanOutMetric(collector, "queue_spans", 'destination="dead"');
  expect(dropped).toBeGreaterThan(0);
  expect(dropped + waiting).toBe(100);
  expect(await fanOutMetric(collector, "queue_bytes", 'destination="dead"')).toBeLessThanOrEqual(5_000);

  dead.answerAlways(undefined);
  await expect.poll(() => spansIn(dead.taken).length).toBe(waiting);
  expect(namesIn(dead.taken)).toEqual(numbers(1, waiting).map((number) => `n${number}`));
  await expect.poll(() => fanOutMetric(collector, "breaker_open", 'destination="dead"')).toBe(0);
});

it("sends whole traces by chance, the same ones everywhere, and only the spans that were asked for", async () => {
  const [half, alsoHalf, chats] = [await sink(), await sink(), await sink()];
  const collector = await collectorTo([
    `name: half, endpoint: "${half.url}", sampling: 0.5`,
    `name: also, endpoint: "${alsoHalf.url}", sampling: 0.5, content: true`,
    `name: chats, endpoint: "${chats.url}", only: { operations: [chat] }`,
  ]);
  const ids = numbers(1, 200).map((index) => ({ ...span({ trace: 1, id: index, name: `n${index >> 1}` }), traceId: traceId(index >> 1) }));
  await post(collector.url, request([...ids, span({ trace: 9, id: 900, name: "call", attributes: CHAT })]));
  await expect.poll(() => chats.taken.length).toBe(1);
  await expect.poll(() => Math.min(half.taken.length, alsoHalf.taken.length)).toBe(1);
  expect(namesIn(chats.taken)).toEqual(["call"]);
  const traces = (target: OtlpSink) => [...new Set(spansIn(target.taken).map((one) => one.traceId))].sort();
  expect(traces(half)).toEqual(traces(alsoHalf));
  expect(traces(half).length).toBeGreaterThan(25);
  expect(traces(half).length).toBeLessThan(75);
});

/** Random-looking, as the last 56 bits of a trace id are. */
const traceId = (number: number) =>
  `${"a".repeat(16)}${((BigInt(number + 1) * 0x9e3779b97f4a7c15n) % 2n ** 64n).toString(16).padStart(16, "0")}`;

it("says where a wrong configuration is wrong", async () => {
  const parse = (yaml: string) => testCollector(database.url, `fan_out: [${yaml}]`);
  await expect(async () => parse("{ name: a, endpoint: nowhere }")).rejects.toThrow(
    "fan_out.0.endpoint: must be an http:// or https:// URL",
  );
  await expect(async () => parse('{ name: a, endpoint: "http://x", headers_env: { k: NOT_SET } }')).rejects.toThrow("NOT_SET is not set");
  const twice = '{ name: a, endpoint: "http://x" }';
  await expect(async () => parse(`${twice}, ${twice}`)).rejects.toThrow("two destinations have the same name");
});
