import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { Collector } from "../../collector-processor/src/app.ts";
import { otlpGrpcSink } from "../support/otlp-grpc-sink.ts";
import { otlpSink } from "../support/otlp-sink.ts";
import { createDatabase, type TestDatabase } from "../support/postgres.ts";
import { destinationStatus, fanOutMetric, namesIn, spansIn } from "./collector-fan-out-support.ts";
import { emptyTables, post, request, span, testCollector, untilReady } from "./collector-support.ts";

const CERTIFICATE = fileURLToPath(new URL("../fixtures/tls/certificate.pem", import.meta.url));
const KEY = fileURLToPath(new URL("../fixtures/tls/key.pem", import.meta.url));
const SERVER_TLS = { cert: readFileSync(CERTIFICATE), key: readFileSync(KEY) };
const QUICK = "backoff_first_ms: 10, backoff_most_ms: 40";

let database: TestDatabase;
const closing: (() => Promise<unknown>)[] = [];
beforeAll(async () => {
  database = await createDatabase();
});
beforeEach(() => emptyTables(database.url));
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});
afterAll(() => database.drop());

function closedAfter<Made extends { close(): Promise<unknown> }>(made: Made): Made {
  closing.push(() => made.close());
  return made;
}
async function collectorTo(destination: string): Promise<Collector> {
  const collector = closedAfter(await testCollector(database.url, `fan_out: [{${destination}}]`, { FEED_KEY: "k-1" }));
  await untilReady(collector.url);
  return collector;
}
const named = (number: number) => request([span({ trace: number, id: number, name: `n${number}` })]);
const ofNames = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, index) => `n${from + index}`);
async function send(collector: Collector, from: number, to: number): Promise<void> {
  for (let number = from; number <= to; number++) expect((await post(collector.url, named(number))).status).toBe(200);
}

describe("over gRPC", () => {
  it.each(["none", "gzip"])("sends each span once, with headers, compression %s", async (compression) => {
    const target = closedAfter(await otlpGrpcSink());
    const collector = await collectorTo(
      `name: t, protocol: grpc, endpoint: "${target.url}", compression: ${compression}, headers: { X-Tenant: a }, headers_env: { authorization: FEED_KEY }`,
    );
    await send(collector, 1, 5);
    await expect.poll(() => spansIn(target.taken).length).toBe(5);
    expect(namesIn(target.taken)).toEqual(ofNames(1, 5));
    expect(target.calls[0]?.headers).toMatchObject({
      ":path": "/opentelemetry.proto.collector.trace.v1.TraceService/Export",
      "content-type": "application/grpc",
      te: "trailers",
      authorization: "k-1",
      "x-tenant": "a",
    });
    expect(target.calls[0]?.headers["grpc-encoding"]).toBe(compression === "gzip" ? "gzip" : undefined);
  });

  it("sends again as OTLP says until each push was taken: in order, nothing lost, nothing twice", async () => {
    const codes = [1, 4, 10, 11, 14, 15].map((code) => ({ code }));
    const trouble = [...codes, "cut", "hang", "reset", { http: 503 }, { code: 8, retryAfterSeconds: 0 }] as const;
    const target = closedAfter(await otlpGrpcSink([...trouble]));
    const collector = await collectorTo(`name: t, protocol: grpc, endpoint: "${target.url}", timeout_ms: 2000, ${QUICK}`);
    await send(collector, 1, 20);
    await expect.poll(() => spansIn(target.taken).length).toBe(20);
    expect(namesIn(target.taken)).toEqual(ofNames(1, 20));
    expect(await fanOutMetric(collector, "retries_total", 'destination="t"')).toBe(trouble.length);
    expect(await fanOutMetric(collector, "spans_sent_total", 'destination="t"')).toBe(20);
  });

  it("waits as long as RetryInfo says", async () => {
    const target = closedAfter(await otlpGrpcSink([{ code: 14, retryAfterSeconds: 1 }]));
    const collector = await collectorTo(`name: t, protocol: grpc, endpoint: "${target.url}", ${QUICK}`);
    const started = performance.now();
    await send(collector, 1, 1);
    await expect.poll(() => target.taken.length).toBe(1);
    expect(performance.now() - started).toBeGreaterThan(990);
  });

  it("drops what is refused for good, counts what is rejected, and says why", async () => {
    const partial = Buffer.from([0x0a, 2, 0x08, 1]); // partial_success { rejected_spans: 1 }
    const target = closedAfter(
      await otlpGrpcSink([
        { code: 3, message: "bad, 100 %" },
        { code: 0, body: partial },
      ]),
    );
    const collector = await collectorTo(`name: t, protocol: grpc, endpoint: "${target.url}", ${QUICK}`);
    await send(collector, 1, 1);
    await expect.poll(() => fanOutMetric(collector, "spans_dropped_total", 'reason="refused"')).toBe(1);
    await post(collector.url, request([span({ trace: 2, id: 2 }), span({ trace: 2, id: 3 })]));
    await expect.poll(() => fanOutMetric(collector, "spans_dropped_total", 'reason="rejected"')).toBe(1);
    expect(await destinationStatus(collector)).toMatchObject({
      name: "t",
      state: "ok",
      sent_spans: 1,
      queued_spans: 0,
      dropped_spans: { refused: 1, rejected: 1, queue_full: 0, shutdown: 0 },
      last_failure: { reason: "grpc-status 3: bad, 100 %" },
    });
  });

  it("without RetryInfo an exhausted resource is not asked again", async () => {
    const target = closedAfter(await otlpGrpcSink([{ code: 8 }]));
    const collector = await collectorTo(`name: t, protocol: grpc, endpoint: "${target.url}", ${QUICK}`);
    await send(collector, 1, 1);
    await expect.poll(() => fanOutMetric(collector, "spans_dropped_total", 'reason="refused"')).toBe(1);
    expect(target.taken).toEqual([]);
  });

  it("finds a destination that starts late, and one that was started again", async () => {
    const gone = await otlpGrpcSink();
    await gone.close();
    const collector = await collectorTo(`name: t, protocol: grpc, endpoint: "${gone.url}", breaker_failures: 2, ${QUICK}`);
    await send(collector, 1, 3);
    await expect.poll(async () => (await destinationStatus(collector)).state).toBe("down");
    expect((await destinationStatus(collector)).last_failure?.reason).toContain("ECONNREFUSED");
    const back = closedAfter(await otlpGrpcSink([], undefined, Number(new URL(gone.url).port)));
    await expect.poll(() => spansIn(back.taken).length).toBe(3);
    expect(await destinationStatus(collector)).toMatchObject({ state: "ok", queued_spans: 0 });
  });

  it("our own receiver takes it", async () => {
    const behind = await createDatabase();
    closing.push(() => behind.drop());
    const next = closedAfter(await testCollector(behind.url));
    await untilReady(next.url);
    const collector = await collectorTo(`name: t, protocol: grpc, endpoint: "${next.grpcUrl}"`);
    await send(collector, 1, 3);
    await expect.poll(() => fanOutMetric(collector, "spans_sent_total", 'destination="t"')).toBe(3);
  });
});

describe("over TLS", () => {
  const sinks = {
    http: async (tls: object) => closedAfter(await otlpSink([], tls)),
    grpc: async (tls: object) => closedAfter(await otlpGrpcSink([], tls)),
  };

  it.each(["http", "grpc"] as const)("%s: trusts the authority it is given, and shows its certificate", async (protocol) => {
    const target = await sinks[protocol]({ ...SERVER_TLS, ca: SERVER_TLS.cert, requestCert: true, rejectUnauthorized: true });
    const files = `ca_file: "${CERTIFICATE}", cert_file: "${CERTIFICATE}", key_file: "${KEY}"`;
    const collector = await collectorTo(`name: t, protocol: ${protocol}, endpoint: "${target.url}", tls: { ${files} }, ${QUICK}`);
    await send(collector, 1, 2);
    await expect.poll(() => spansIn(target.taken).length).toBe(2);
  });

  it.each(["http", "grpc"] as const)("%s: sends nothing to one that it does not know", async (protocol) => {
    const target = await sinks[protocol](SERVER_TLS);
    const collector = await collectorTo(`name: t, protocol: ${protocol}, endpoint: "${target.url}", ${QUICK}`);
    await send(collector, 1, 1);
    await expect.poll(async () => (await destinationStatus(collector)).last_failure?.reason).toContain("self-signed");
    expect(target.taken).toEqual([]);
  });
});

it.each([
  ['protocol: grpc, endpoint: "http://x/v1/traces"', "with protocol grpc it has no path"],
  ['endpoint: "http://x", tls: { ca_file: a.pem }', "the endpoint is not https://"],
  ['endpoint: "https://x", tls: { ca_file: /nowhere/a.pem }', "/nowhere/a.pem"],
  ['endpoint: "https://x", tls: { cert_file: a.pem }', "cert_file and key_file go together"],
  ['endpoint: "http://x", headers: { "a b": c }', "is none that HTTP allows"],
  ['endpoint: "http://x", headers: { Content-Type: text/plain }', "is set by Signalbox"],
])("says what is wrong with %s", async (destination, message) => {
  await expect(async () => testCollector(database.url, `fan_out: [{ name: a, ${destination} }]`)).rejects.toThrow(message);
});
