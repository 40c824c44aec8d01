import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { context, trace } from "@opentelemetry/api";
import { afterEach, describe, expect, it } from "vitest";
import { Attribute } from "./conventions.ts";
import { createProvider, type IsolatedProvider, type ProviderOptions, SpanKind, type SpanRecord } from "./provider.ts";
import { type OtlpSink, startOtlpSink } from "./testing/otlp-sink.ts";

const open: { close(): Promise<unknown> }[] = [];
afterEach(async () => {
  for (const one of open.splice(0)) await one.close();
});

async function sinkAt(port?: number): Promise<OtlpSink> {
  const sink = await startOtlpSink(port);
  open.push(sink);
  return sink;
}

function provider(endpoint: string, options: Partial<ProviderOptions> = {}): IsolatedProvider {
  const made = createProvider({ serviceName: "test", endpoint, delayMs: 10, retryMinMs: 20, retryMaxMs: 40, ...options });
  open.push({ close: () => made.shutdown(50) });
  return made;
}

let counter = 0;
function span(record: Partial<SpanRecord> = {}): SpanRecord {
  const spanId = (++counter).toString(16).padStart(16, "0");
  return {
    traceId: "a".repeat(32),
    spanId,
    name: "work",
    kind: SpanKind.INTERNAL,
    startMs: 1_790_000_000_000,
    endMs: 1_790_000_000_250,
    attributes: {},
    ...record,
  };
}

async function until(condition: () => boolean, timeoutMs = 20_000) {
  const end = Date.now() + timeoutMs;
  while (!condition()) {
    if (Date.now() > end) throw new Error("condition not met in time");
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

describe("a span", () => {
  it("arrives under the ids, parent, times, links and status it was given", async () => {
    const sink = await sinkAt();
    const made = provider(sink.url, { serviceVersion: "1.2.3", headers: { "x-signalbox-key": "k" } });
    const linked = { traceId: "b".repeat(32), spanId: "c".repeat(16) };
    made.emit(
      span({
        spanId: "d".repeat(16),
        parentSpanId: "e".repeat(16),
        kind: SpanKind.CLIENT,
        startMs: 1_790_000_000_000.125,
        attributes: { text: "t", count: 3, ratio: 0.5, flag: true, list: ["a", "b"], missing: undefined },
        links: [linked, { traceId: "short", spanId: "ids" }],
        error: { message: "boom" },
      }),
    );
    const [received] = await sink.received(1);
    expect(received).toMatchObject({
      traceId: "a".repeat(32),
      spanId: "d".repeat(16),
      parentSpanId: "e".repeat(16),
      kind: 3,
      startTimeUnixNano: 1_790_000_000_000_125_000n,
      endTimeUnixNano: 1_790_000_000_250_000_000n,
      attributes: { text: "t", count: 3, ratio: 0.5, flag: true, list: ["a", "b"] },
      links: [linked],
      status: { code: 2, message: "boom" },
      resource: { "service.name": "test", "service.version": "1.2.3" },
    });
    expect(received?.attributes).not.toHaveProperty("missing");
    expect(sink.requests[0]?.url).toBe("/v1/traces");
    expect(sink.requests[0]?.headers["x-signalbox-key"]).toBe("k");
  });

  it("never touches the global provider or context, and takes nothing from it", async () => {
    const sink = await sinkAt();
    const made = provider(sink.url);
    expect(trace.getTracer("host").startSpan("host span").isRecording()).toBe(false);
    made.emit(span());
    expect(trace.getSpan(context.active())).toBeUndefined();
    expect((await sink.received(1))[0]?.parentSpanId).toBe("");
  });

  it("with an invalid id or time is dropped and counted, never thrown", async () => {
    const sink = await sinkAt();
    const made = provider(sink.url);
    made.emit(span({ traceId: "0".repeat(32) }));
    made.emit(span({ spanId: "XYZ" }));
    made.emit(span({ startMs: Number.NaN }));
    expect(made.stats().dropped).toBe(3);
  });

  it("ends no earlier than it began, and long attributes are cut", async () => {
    const sink = await sinkAt();
    const made = provider(sink.url, { maxAttributeLength: 10 });
    made.emit(span({ endMs: 5, attributes: { long: "x".repeat(1_000) } }));
    const [received] = await sink.received(1);
    expect(received?.endTimeUnixNano).toBe(received?.startTimeUnixNano);
    expect(received?.attributes.long).toBe("x".repeat(10));
  });
});

describe("bounds", () => {
  it("holds no more spans than told while the collector is down, and says how many it dropped once it is back", async () => {
    const first = await sinkAt();
    const port = Number(new URL(first.url).port);
    await first.close();
    const made = provider(first.url, { maxSpans: 10, maxBatchSpans: 4 });
    for (let i = 0; i < 25; i++) made.emit(span());
    await until(() => made.stats().dropped === 15);
    expect(made.stats()).toMatchObject({ queued: 10, exported: 0, dropped: 15 });

    const sink = await sinkAt(port);
    await sink.received(10);
    made.emit(span());
    made.emit(span());
    const spans = await sink.received(12);
    expect(spans[10]?.attributes[Attribute.droppedSpans]).toBe(15);
    expect(spans[11]?.attributes).not.toHaveProperty([Attribute.droppedSpans]);
    await until(() => made.stats().exported === 12);
    expect(made.stats()).toMatchObject({ queued: 0, queuedBytes: 0, dropped: 15 });
  });

  it("holds no more bytes than told, whatever the count", async () => {
    const sink = await sinkAt();
    sink.answer = () => {};
    const made = provider(sink.url, { maxBytes: 64 * 1024, maxAttributeLength: 20_000 });
    for (let i = 0; i < 50; i++) made.emit(span({ attributes: { text: "x".repeat(10_000) } }));
    expect(made.stats().queuedBytes).toBeLessThanOrEqual(64 * 1024);
    expect(made.stats().queued).toBe(3);
    expect(made.stats().dropped).toBe(47);
  });

  it("really stays in bounds: 200,000 spans into a dead collector grow the heap by less than 8 MiB", async () => {
    const dead = await sinkAt();
    await dead.close();
    const made = provider(dead.url);
    setFlagsFromString("--expose-gc");
    const collect = runInNewContext("gc") as () => void;
    const emitMany = (count: number) => {
      for (let i = 0; i < count; i++) made.emit(span({ attributes: { a: `value ${i}`, b: i, c: "session-id-like-text", d: true } }));
    };
    collect();
    const before = process.memoryUsage().heapUsed;
    for (let round = 0; round < 20; round++) {
      emitMany(10_000);
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(made.stats().queued).toBe(2_048);
    expect(made.stats().dropped).toBe(200_000 - 2_048);
    collect();
    expect(process.memoryUsage().heapUsed - before).toBeLessThan(8 * 1024 * 1024);
    expect(made.stats().queuedBytes).toBeLessThanOrEqual(4 * 1024 * 1024);
  });
});

describe("a collector that misbehaves", () => {
  it.each([429, 502, 503, 504])("is tried again after %i", async (status) => {
    const sink = await sinkAt();
    let calls = 0;
    const ok = sink.answer;
    sink.answer = (request, response) => (calls++ < 2 ? void response.writeHead(status).end() : ok(request, response));
    provider(sink.url).emit(span());
    await sink.received(1);
    expect(calls).toBe(3);
  });

  it.each([400, 401, 413, 500])("is not tried again after %i, and the spans count as dropped", async (status) => {
    const sink = await sinkAt();
    sink.answer = (_request, response) => void response.writeHead(status).end();
    const made = provider(sink.url);
    made.emit(span());
    await until(() => made.stats().dropped === 1);
    expect(made.stats()).toMatchObject({ queued: 0, queuedBytes: 0, exported: 0 });
    expect(sink.requests).toHaveLength(1);
  });

  it("that hangs is given up after the timeout and tried again", async () => {
    const sink = await sinkAt();
    const ok = sink.answer;
    sink.answer = () => {};
    const made = provider(sink.url, { timeoutMs: 50 });
    made.emit(span());
    await until(() => sink.requests.length >= 2);
    sink.answer = ok;
    await sink.received(1);
  });

  it("that is slow loses nothing", async () => {
    const sink = await sinkAt();
    const ok = sink.answer;
    sink.answer = (request, response) => void setTimeout(() => ok(request, response), 40);
    const made = provider(sink.url, { maxBatchSpans: 10 });
    for (let i = 0; i < 45; i++) made.emit(span());
    const spans = await sink.received(45);
    expect(new Set(spans.map((one) => one.spanId)).size).toBe(45);
    expect(made.stats().dropped).toBe(0);
  });

  it("that refuses part of a batch: the refused count as dropped", async () => {
    const sink = await sinkAt();
    // ExportTraceServiceResponse{partial_success{rejected_spans=2}}
    sink.answer = (_request, response) =>
      void response.writeHead(200, { "content-type": "application/x-protobuf" }).end(Buffer.from([0x0a, 0x02, 0x08, 0x02]));
    const made = provider(sink.url);
    for (let i = 0; i < 5; i++) made.emit(span());
    await until(() => made.stats().exported === 3);
    expect(made.stats().dropped).toBe(2);
  });
});

describe("shutdown", () => {
  it("sends what is queued", async () => {
    const sink = await sinkAt();
    const made = provider(sink.url, { delayMs: 60_000 });
    made.emit(span());
    await made.shutdown();
    expect(sink.spans).toHaveLength(1);
    made.emit(span());
    expect(made.stats().dropped).toBe(1);
  });

  it.each(["down", "hanging"])("ends by its bound with a %s collector, and counts what is left", async (state) => {
    const sink = await sinkAt();
    sink.answer = () => {};
    if (state === "down") await sink.close();
    const made = provider(sink.url, { delayMs: 60_000 });
    for (let i = 0; i < 300; i++) made.emit(span());
    await made.shutdown(500);
    expect(made.stats()).toMatchObject({ queued: 0, exported: 0, dropped: 300 });
  });
});

it("refuses at start an endpoint that is no URL, and says which", () => {
  expect(() => createProvider({ serviceName: "x", endpoint: "localhost:4318" })).toThrow(/localhost:4318/);
  expect(() => createProvider({ serviceName: "x", endpoint: "nonsense" })).toThrow(TypeError);
});
