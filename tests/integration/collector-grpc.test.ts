/** OTLP over gRPC, with the real exporters of OpenTelemetry JS and with calls put together by hand. */
import http2 from "node:http2";
import { gzipSync, zstdCompressSync } from "node:zlib";
import { status as GrpcStatus, Metadata } from "@grpc/grpc-js";
import { ExportResultCode } from "@opentelemetry/core";
import { OTLPLogExporter } from "@opentelemetry/exporter-logs-otlp-grpc";
import { OTLPMetricExporter } from "@opentelemetry/exporter-metrics-otlp-grpc";
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-grpc";
import { CompressionAlgorithm } from "@opentelemetry/otlp-exporter-base";
import { LoggerProvider, SimpleLogRecordProcessor } from "@opentelemetry/sdk-logs";
import { MeterProvider, PeriodicExportingMetricReader } from "@opentelemetry/sdk-metrics";
import { InMemorySpanExporter, type ReadableSpan, SimpleSpanProcessor, TracerProvider } from "@opentelemetry/sdk-trace";
import protobuf from "protobufjs";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { type Collector, startCollector } from "../../collector-processor/src/app.ts";
import { parseConfig } from "../../collector-processor/src/config.ts";
import { freePort } from "../support/free-port.ts";
import { createDatabase, type TestDatabase } from "../support/postgres.ts";
import { decodeAnswer, encodeRequest } from "./collector-oracle.ts";
import { dump, emptyTables, type Json, NOW, request, span, testCollector, untilReady } from "./collector-support.ts";

const TRACES = "/opentelemetry.proto.collector.trace.v1.TraceService/Export";
const METRICS = "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export";
const MAX_BYTES = 200_000;
const { root } = protobuf.parse(`syntax = "proto3";
message Status { int32 code = 1; string message = 2; repeated Any details = 3; }
message Any { string type_url = 1; bytes value = 2; }
message RetryInfo { Duration retry_delay = 1; }
message Duration { int64 seconds = 1; int32 nanos = 2; }`);

let database: TestDatabase;
let collector: Collector;
const grpcUrl = () => collector.grpcUrl as string;
const stored = async () => (await dump(database.url)).spans as Json[];

beforeAll(async () => {
  database = await createDatabase();
  collector = await testCollector(
    database.url,
    `collector: { max_body_bytes: ${MAX_BYTES} }\nkeys: [{ name: laptop, key: right-key, project: acme }]`,
  );
  await untilReady(collector.url);
});
beforeEach(() => emptyTables(database.url));
afterAll(async () => {
  await collector.close();
  await database.drop();
});

function frame(message: Uint8Array, compressed = false): Buffer {
  const prefix = Buffer.alloc(5);
  prefix[0] = Number(compressed);
  prefix.writeUInt32BE(message.length, 1);
  return Buffer.concat([prefix, message]);
}

interface Answer {
  http: number;
  status: string | undefined;
  message: string;
  /** google.rpc.Status of grpc-status-details-bin */
  details: Json;
  body: Buffer;
}

/** One call as bytes: what the client libraries would not send can be sent. */
function call(bytes: Uint8Array, headers: http2.OutgoingHttpHeaders = {}, url = grpcUrl()): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const session = http2.connect(url);
    session.on("error", reject);
    const stream = session.request({ ":method": "POST", ":path": TRACES, "content-type": "application/grpc", te: "trailers", ...headers });
    let answer: http2.IncomingHttpHeaders = {};
    const chunks: Buffer[] = [];
    const add = (more: http2.IncomingHttpHeaders) => {
      answer = { ...answer, ...more };
    };
    stream
      .on("response", add)
      .on("trailers", add)
      .on("data", (chunk: Buffer) => chunks.push(chunk))
      .on("error", reject)
      .on("close", () => {
        session.close();
        const details = root.lookupType("Status");
        resolve({
          http: Number(answer[":status"]),
          status: answer["grpc-status"] as string | undefined,
          message: decodeURIComponent(String(answer["grpc-message"] ?? "")),
          details: details.toObject(details.decode(Buffer.from(String(answer["grpc-status-details-bin"] ?? ""), "base64"))),
          body: Buffer.concat(chunks),
        });
      });
    stream.end(bytes);
  });
}

const one = () => encodeRequest(request([span({ trace: 1, id: 1 })]));

describe("the exporters of OpenTelemetry JS", () => {
  /** Spans that an SDK made, to be exported by hand. */
  function spansOf(count: number): ReadableSpan[] {
    const memory = new InMemorySpanExporter();
    const tracer = new TracerProvider({ spanProcessors: [new SimpleSpanProcessor({ exporter: memory })] }).getTracer("test");
    for (let index = 0; index < count; index++) {
      tracer
        .startSpan(`chat ${index}`, {
          startTime: NOW,
          attributes: { "session.id": "s", "gen_ai.operation.name": "chat", "gen_ai.usage.input_tokens": 3 },
        })
        .end(NOW + 1);
    }
    return memory.getFinishedSpans();
  }
  const exported = (exporter: OTLPTraceExporter, spans: ReadableSpan[]) =>
    new Promise<{ code: ExportResultCode; error?: Error }>((resolve) => exporter.export(spans, resolve));

  it.each([CompressionAlgorithm.NONE, CompressionAlgorithm.GZIP])("deliver traces, compression %s", async (compression) => {
    const exporter = new OTLPTraceExporter({ url: grpcUrl(), compression });
    expect(await exported(exporter, spansOf(50))).toMatchObject({ code: ExportResultCode.SUCCESS });
    expect(await exported(exporter, spansOf(10))).toMatchObject({ code: ExportResultCode.SUCCESS });
    await exporter.shutdown();
    expect(await stored()).toHaveLength(60);
    expect((await stored())[0]).toMatchObject({ session_id: "s", operation: "chat", input_tokens: 3 });
  });

  it("present a key in their metadata; a wrong one is UNAUTHENTICATED", async () => {
    const exporter = (key: string) => {
      const metadata = new Metadata();
      metadata.set("authorization", `Bearer ${key}`);
      return new OTLPTraceExporter({ url: grpcUrl(), metadata });
    };
    const refused = await exported(exporter("wrong"), spansOf(1));
    expect(refused).toMatchObject({ code: ExportResultCode.FAILED, error: { code: GrpcStatus.UNAUTHENTICATED } });
    expect(refused.error?.message).toContain("Authorization: Bearer");
    expect(await stored()).toHaveLength(0);
    expect(await exported(exporter("right-key"), spansOf(1))).toMatchObject({ code: ExportResultCode.SUCCESS });
    expect((await stored())[0]).toMatchObject({ project: "acme" });
  });

  it("deliver logs and metrics", async () => {
    const logs = new OTLPLogExporter({ url: grpcUrl() });
    const provider = new LoggerProvider({ processors: [new SimpleLogRecordProcessor({ exporter: logs })] });
    provider.getLogger("test").emit({ body: "hello" });
    const metrics = new OTLPMetricExporter({ url: grpcUrl() });
    const meters = new MeterProvider({ readers: [new PeriodicExportingMetricReader({ exporter: metrics })] });
    meters.getMeter("test").createCounter("requests").add(1, { route: "a" });
    meters.getMeter("test").createHistogram("seconds").record(0.2);
    await provider.forceFlush();
    await meters.forceFlush();
    await Promise.all([provider.shutdown(), meters.shutdown()]);
    const text = await (await fetch(`${collector.url}/metrics`)).text();
    expect(text).toMatch(/^signalbox_collector_log_records_ignored_total\{.*\} 1$/m);
    expect(text).toMatch(/^signalbox_collector_data_points_received_total\{.*\} [2-9]/m);
  });
});

describe("a call", () => {
  it("is answered in gRPC, plain, gzip and zstd", async () => {
    for (const [encoding, body] of [
      ["identity", frame(one())],
      ["gzip", frame(gzipSync(one()), true)],
      ["zstd", frame(zstdCompressSync(one()), true)],
      // a client may name an encoding and leave a message as it is
      ["gzip", frame(one())],
    ] as const) {
      const answer = await call(body, { "grpc-encoding": encoding });
      expect([answer.http, answer.status, answer.body], encoding).toEqual([200, "0", frame(new Uint8Array())]);
    }
    expect(await stored()).toHaveLength(1);
  });

  it("may be empty, and may hold no metrics", async () => {
    expect((await call(frame(new Uint8Array()))).status).toBe("0");
    expect((await call(frame(new Uint8Array()), { ":path": METRICS })).status).toBe("0");
  });

  it("is told which of its spans were refused", async () => {
    const answer = await call(frame(encodeRequest(request([span({ trace: 0, id: 1 }), span({ trace: 1, id: 1 })]))));
    expect(answer.status).toBe("0");
    expect(decodeAnswer(answer.body.subarray(5))).toMatchObject({ partialSuccess: { rejectedSpans: "1" } });
    expect(await stored()).toHaveLength(1);
  });

  it.each([
    ["protobuf that is none", frame(Buffer.from([0x0a, 0x7f, 1, 2])), {}, 3, "longer than its message"],
    ["gzip that is none", frame(Buffer.from("plain"), true), { "grpc-encoding": "gzip" }, 3, "not gzip"],
    ["zstd that is none", frame(Buffer.from("plain"), true), { "grpc-encoding": "zstd" }, 3, "not zstd"],
    ["an unknown encoding", frame(one()), { "grpc-encoding": "snappy" }, 12, "gzip, zstd"],
    ["a compressed message without an encoding", frame(gzipSync(one()), true), {}, 13, "no grpc-encoding"],
    ["no message", Buffer.alloc(0), {}, 13, "fewer bytes"],
    ["a cut message", frame(one()).subarray(0, 20), {}, 13, "fewer bytes"],
    ["two messages", Buffer.concat([frame(one()), frame(one())]), {}, 13, "more bytes"],
    ["an unknown prefix", Buffer.from([7, 0, 0, 0, 0]), {}, 13, "prefix"],
    ["another service", frame(one()), { ":path": "/grpc.health.v1.Health/Check" }, 12, "is not served"],
    ["a wrong key", frame(one()), { "x-signalbox-key": "wrong" }, 16, "ingest key"],
    ["a message that is too large", frame(Buffer.alloc(MAX_BYTES + 1)), {}, 8, "smaller batches"],
    ["a prefix that says too much", Buffer.from([0, 0xff, 0xff, 0xff, 0xff]), {}, 8, "smaller batches"],
    ["a bomb", frame(gzipSync(Buffer.alloc(50_000_000)), true), { "grpc-encoding": "gzip" }, 8, "smaller batches"],
    ["a bomb of zstd", frame(zstdCompressSync(Buffer.alloc(50_000_000)), true), { "grpc-encoding": "zstd" }, 8, "smaller batches"],
  ])("of %s ends with its status, says why, and is not to be sent again", async (_name, body, headers, code, message) => {
    const answer = await call(body, headers);
    expect([answer.http, answer.status]).toEqual([200, String(code)]);
    expect(answer.message).toContain(message);
    expect(answer.details).toEqual({ code, message: answer.message });
    expect(await stored()).toHaveLength(0);
  });

  it("of another content type or method is HTTP 415", async () => {
    expect((await call(frame(one()), { "content-type": "application/json" })).http).toBe(415);
    expect((await call(Buffer.alloc(0), { "content-type": "application/grpc-web" })).http).toBe(415);
  });

  it("that is broken off leaves the collector well, and so do bytes that are no HTTP/2", async () => {
    const session = http2.connect(grpcUrl());
    const stream = session.request({ ":method": "POST", ":path": TRACES, "content-type": "application/grpc" });
    stream.on("error", () => {});
    await new Promise((resolve) => stream.write(frame(one()).subarray(0, 10), resolve));
    stream.close(http2.constants.NGHTTP2_CANCEL);
    session.destroy();
    await fetch(grpcUrl(), { method: "POST", body: "{}" }).catch(() => {});
    expect((await call(frame(one()))).status).toBe("0");
  });
});

it("says UNAVAILABLE with a RetryInfo while the store is away", async () => {
  const away = await startCollector({
    host: "127.0.0.1",
    port: 0,
    grpcPort: 0,
    databaseUrl: `postgres://nobody:nothing@127.0.0.1:${await freePort()}/none`,
    config: parseConfig("", "test.yaml", {}),
    log: { info: () => {}, warn: () => {}, error: () => {} },
  });
  try {
    const answer = await call(frame(one()), {}, away.grpcUrl as string);
    expect(answer.status).toBe(String(GrpcStatus.UNAVAILABLE));
    const [info] = answer.details.details as { type_url: string; typeUrl: string; value: Buffer }[];
    expect(info?.typeUrl).toBe("type.googleapis.com/google.rpc.RetryInfo");
    const retry = root.lookupType("RetryInfo");
    expect(retry.toObject(retry.decode(info?.value as Buffer), { longs: Number })).toEqual({ retryDelay: { seconds: 2 } });
  } finally {
    await away.close();
  }
});
