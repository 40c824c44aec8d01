import { readFileSync } from "node:fs";
import { SpanKind, SpanStatusCode } from "@opentelemetry/api";
import { OTLPTraceExporter as JsonExporter } from "@opentelemetry/exporter-trace-otlp-http";
import { OTLPTraceExporter as ProtobufExporter } from "@opentelemetry/exporter-trace-otlp-proto";
import { resourceFromAttributes } from "@opentelemetry/resources";
import { BatchSpanProcessor, TracerProvider } from "@opentelemetry/sdk-trace";
import { afterAll, beforeAll, expect, it } from "vitest";
import { type Collector, startCollector } from "../../collector-processor/src/app.ts";
import { parseConfig } from "../../collector-processor/src/config.ts";
import { createDatabase, type TestDatabase } from "../support/postgres.ts";
import { dump, emptyTables, type Json, post, testCollector, untilReady } from "./collector-support.ts";

let database: TestDatabase;
let collector: Collector;
beforeAll(async () => {
  database = await createDatabase();
  collector = await startCollector({ host: "127.0.0.1", port: 0, databaseUrl: database.url, config: parseConfig("", "test.yaml", {}) });
  await untilReady(collector.url);
});
afterAll(async () => {
  await collector.close();
  await database.drop();
});

it.each([
  ["JSON", JsonExporter, "none"],
  ["JSON with gzip", JsonExporter, "gzip"],
  ["protobuf", ProtobufExporter, "none"],
  ["protobuf with gzip", ProtobufExporter, "gzip"],
] as const)("takes what OpenTelemetry's own exporter sends as %s", async (_name, Exporter, compression) => {
  await emptyTables(database.url);
  const exporter = new Exporter({ url: `${collector.url}/v1/traces`, compression: compression as never });
  const provider = new TracerProvider({
    resource: resourceFromAttributes({ "service.name": "agent", "process.pid": 7 }),
    spanProcessors: [new BatchSpanProcessor({ exporter })],
  });
  const span = provider
    .getTracer("t", "1")
    .startSpan("chat m", { kind: SpanKind.CLIENT, attributes: { "session.id": "s", list: ["a", "b"] } });
  span.addEvent("first", { n: 1 });
  span.setStatus({ code: SpanStatusCode.ERROR, message: "no" });
  span.end();
  await provider.forceFlush();
  await provider.shutdown();

  const { spanId, traceId } = span.spanContext();
  const stored = (await dump(database.url)).spans as Json[];
  expect(stored).toHaveLength(1);
  expect(stored[0]).toMatchObject({
    session_id: "s",
    span_id: `\\x${spanId}`,
    trace_id: `\\x${traceId}`,
    kind: 3,
    status: 2,
    status_message: "no",
    service_name: "agent",
    attributes: { list: ["a", "b"], resource: { "process.pid": 7 }, scope: { name: "t", version: "1" } },
    events: [{ name: "first", attributes: { n: 1 } }],
  });
});

it("takes examples like the specification's, as traces, logs and metrics", async () => {
  await emptyTables(database.url);
  const near = await testCollector(database.url, "");
  await untilReady(near.url);
  const example = readFileSync(new URL("../../collector-processor/src/otlp/trace-example.json", import.meta.url));
  const answer = await post(near.url, example);
  expect([answer.status, answer.body.toString()]).toEqual([200, "{}"]);
  expect((await dump(database.url)).spans).toHaveLength(1);
  const attributes = [{ key: "service.name", value: { stringValue: "checkout" } }];
  const log = { timeUnixNano: "1763632800000000000", severityNumber: 9, body: { stringValue: "paid" }, attributes };
  const logs = {
    resourceLogs: [{ resource: { attributes }, scopeLogs: [{ scope: {}, logRecords: [log, { ...log, eventName: "paid" }] }] }],
  };
  const point = { asInt: "5", timeUnixNano: "1763632800000000000", attributes };
  const sum = { name: "payments", unit: "1", sum: { aggregationTemporality: 2, isMonotonic: true, dataPoints: [point] } };
  const metrics = { resourceMetrics: [{ resource: { attributes }, scopeMetrics: [{ scope: {}, metrics: [sum] }] }] };
  expect((await post(near.url, logs, {}, "/v1/logs")).status).toBe(200);
  expect((await post(near.url, metrics, {}, "/v1/metrics")).status).toBe(200);
  await near.close();
});

it("asks for a key before it listens to the outside, and then requires it", async () => {
  const options = { host: "0.0.0.0", port: 0, databaseUrl: database.url };
  await expect(startCollector({ ...options, config: parseConfig("", "test.yaml", {}) })).rejects.toThrow("no ingest key is configured");
  const outside = await startCollector({ ...options, config: parseConfig("", "test.yaml", { SIGNALBOX_TOKEN: "token" }) });
  const url = outside.url.replace("0.0.0.0", "127.0.0.1");
  await untilReady(url);
  expect((await post(url, "{}")).status).toBe(401);
  expect((await post(url, "{}", { authorization: "Bearer token" })).status).toBe(200);
  await outside.close();
});
