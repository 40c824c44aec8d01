import { request as httpRequest } from "node:http";
import { connect } from "node:net";
import { gzipSync, zstdCompressSync } from "node:zlib";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { Collector } from "../../collector-processor/src/app.ts";
import { createDatabase, type TestDatabase } from "../support/postgres.ts";
import { decodeAnswer, decodeStatus, encodeRequest } from "./collector-oracle.ts";
import { dump, emptyTables, type Json, post, request, START_NANOS, span, testCollector, untilReady } from "./collector-support.ts";

const PROTOBUF = { "content-type": "application/x-protobuf" };
const one = () => request([span({ trace: 1, id: 1 })]);

describe("OTLP over HTTP", () => {
  let database: TestDatabase;
  let collector: Collector;
  const spans = async () => (await dump(database.url)).spans as Json[];
  beforeAll(async () => {
    database = await createDatabase();
    collector = await testCollector(
      database.url,
      "collector: { max_body_bytes: 200000, max_inflight_bytes: 315000, max_wait_ms: 1500 }\nkeys: [{ name: laptop, key: right-key, project: acme }]",
    );
    await untilReady(collector.url);
  });
  beforeEach(() => emptyTables(database.url));
  afterAll(async () => {
    await collector.close();
    await database.drop();
  });

  it("takes protobuf and JSON, gzip or not, with a charset, and answers in kind", async () => {
    const json = JSON.stringify(one());
    const protobuf = encodeRequest(request([span({ trace: 1, id: 2 })]));
    expect(await post(collector.url, json, { "content-type": "application/json; charset=utf-8" })).toMatchObject({
      status: 200,
      body: Buffer.from("{}"),
    });
    const answer = await post(collector.url, protobuf, PROTOBUF);
    expect(answer).toMatchObject({ status: 200, body: Buffer.alloc(0) });
    expect(answer.headers.get("content-type")).toBe("application/x-protobuf");
    expect(
      (
        await post(collector.url, gzipSync(encodeRequest(request([span({ trace: 1, id: 3 })]))), {
          ...PROTOBUF,
          "content-encoding": "gzip",
        })
      ).status,
    ).toBe(200);
    expect(
      (await post(collector.url, gzipSync(JSON.stringify(request([span({ trace: 1, id: 4 })]))), { "content-encoding": "gzip" })).status,
    ).toBe(200);
    const zstd = zstdCompressSync(encodeRequest(request([span({ trace: 1, id: 5 })])));
    expect((await post(collector.url, zstd, { ...PROTOBUF, "content-encoding": "zstd" })).status).toBe(200);
    // as the Collector's own receiver has it: upper case, and an empty content-encoding
    const upper = { "content-type": "APPLICATION/JSON", "content-encoding": "" };
    expect((await post(collector.url, JSON.stringify(request([span({ trace: 1, id: 6 })])), upper)).status).toBe(200);
    expect(await spans()).toHaveLength(6);
  });

  it("takes an empty request, in either encoding", async () => {
    for (const body of ["{}", '{"resourceSpans":[]}']) expect((await post(collector.url, body)).status).toBe(200);
    expect((await post(collector.url, new Uint8Array(), PROTOBUF)).status).toBe(200);
  });

  it("takes a chunked request without Content-Length", async () => {
    const answer = await new Promise<string>((resolve, reject) => {
      const body = JSON.stringify(one());
      const socket = connect(Number(new URL(collector.url).port), "127.0.0.1", () => {
        socket.write(
          "POST /v1/traces HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n",
        );
        for (const part of [body.slice(0, 10), body.slice(10)]) socket.write(`${part.length.toString(16)}\r\n${part}\r\n`);
        socket.write("0\r\n\r\n");
      });
      let text = "";
      socket
        .on("data", (data) => (text += data))
        .on("end", () => resolve(text))
        .on("error", reject);
    });
    expect(answer).toMatch(/^HTTP\/1\.1 200 /);
  });

  it.each(["traces", "logs", "metrics"])(
    "refuses other methods and content types on /v1/%s, as the Collector's receiver does",
    async (signal) => {
      const path = `/v1/${signal}`;
      for (const type of ["", "invalid", "text/plain", "application/grpc"]) {
        const answer = await post(collector.url, "{}", { "content-type": type }, path);
        expect([answer.status, answer.headers.get("content-type")], type).toEqual([415, "text/plain; charset=utf-8"]);
      }
      for (const method of ["GET", "PATCH", "PUT", "DELETE", "OPTIONS"]) {
        const body = method === "GET" ? {} : { body: "{}" };
        const answer = await fetch(collector.url + path, { method, headers: { "content-type": "application/json" }, ...body });
        expect([answer.status, answer.headers.get("allow"), answer.headers.get("access-control-allow-origin")]).toEqual([
          405,
          "POST",
          null,
        ]);
      }
      expect((await post(collector.url, "{", {}, path)).status).toBe(400);
      expect((await post(collector.url, Buffer.from([0x0a, 0x7f, 1, 2]), PROTOBUF, path)).status).toBe(400);
      expect((await post(collector.url, "{}", { authorization: "Bearer wrong" }, path)).status).toBe(401);
    },
  );

  it("answers 405 to other methods and 415 to other content types", async () => {
    const get = await fetch(`${collector.url}/v1/traces`);
    expect([get.status, get.headers.get("allow")]).toEqual([405, "POST"]);
    expect((await post(collector.url, "a=1", { "content-type": "application/x-www-form-urlencoded" })).status).toBe(415);
    expect((await post(collector.url, "{}", {}, "/v1/nothing")).status).toBe(404);
  });

  it.each([
    ["JSON that is none", "{", {}],
    ["JSON of another shape", '{"resourceSpans":{}}', {}],
    ["a field of another type", '{"resourceSpans":[{"scopeSpans":[{"spans":[{"name":7}]}]}]}', {}],
    ["gzip that is none", "plain", { "content-encoding": "gzip" }],
    ["zstd that is none", "plain", { "content-encoding": "zstd" }],
    ["zstd that is cut", zstdCompressSync("x".repeat(1000)).subarray(0, 12), { "content-encoding": "zstd" }],
    ["gzip that is cut", gzipSync("x".repeat(1000)).subarray(0, 20), { "content-encoding": "gzip" }],
    ["an unknown encoding", "{}", { "content-encoding": "br" }],
  ])("answers 400 with a google.rpc.Status to %s", async (_name, body, headers) => {
    const answer = await post(collector.url, body, headers);
    expect(answer.status).toBe(400);
    expect(JSON.parse(answer.body.toString())).toMatchObject({ code: 3, message: expect.stringMatching(/.{10}/) });
  });

  it("answers 400 in protobuf to protobuf that is none", async () => {
    const answer = await post(collector.url, Buffer.from([0x0a, 0x7f, 1, 2]), PROTOBUF);
    expect(answer.status).toBe(400);
    expect(decodeStatus(answer.body)).toEqual({ code: 3, message: "a field is longer than its message" });
  });

  it("answers 413 to what is too large, before or after decompression", async () => {
    expect((await post(collector.url, " ".repeat(200_001))).status).toBe(413);
    const bomb = gzipSync(Buffer.alloc(50_000_000));
    expect(bomb.length).toBeLessThan(200_000);
    expect((await post(collector.url, zstdCompressSync(Buffer.alloc(50_000_000)), { "content-encoding": "zstd" })).status).toBe(413);
    const answer = await post(collector.url, bomb, { "content-encoding": "gzip" });
    expect(answer.status).toBe(413);
    expect(JSON.parse(answer.body.toString())).toMatchObject({ code: 8 });
  });

  it("bounds the bodies that are on their way, and takes again when one has come", async () => {
    // a body of blanks is as long as it likes
    const padded = (id: number, bytes: number) => JSON.stringify(request([span({ trace: 1, id })])).padEnd(bytes);
    const { hostname, port } = new URL(collector.url);
    const begun = (body: string, bytes: number) => {
      const headers = { "content-type": "application/json", "content-length": body.length };
      const request = httpRequest({ hostname, port, path: "/v1/traces", method: "POST", headers });
      request.write(body.slice(0, bytes));
      return request;
    };
    const held = [1, 2].map((id) => {
      const body = padded(id, 150_000);
      const slow = begun(body, 140_000);
      const answered = new Promise<number | undefined>((resolve, reject) => {
        slow.once("error", reject).once("response", (response) => resolve(response.resume().statusCode));
      });
      return { answered, rest: () => slow.end(body.slice(140_000)) };
    });
    await expect.poll(async () => (await post(collector.url, padded(3, 30_000))).status).toBe(503);
    expect((await post(collector.url, padded(4, 10_000))).status).toBe(200);
    // has no room beside them, and waits for it; those who do not wait with it leave nothing behind
    const waiting = post(collector.url, padded(5, 30_000));
    const gone = Array.from({ length: 8 }, () => begun(padded(6, 30_000), 20_000).on("error", () => {}));
    await new Promise((resolve) => gone.at(-1)?.once("socket", (socket) => socket.once("connect", resolve)));
    for (const request of gone) request.destroy();
    for (const { rest, answered } of held) {
      rest();
      expect(await answered).toBe(200);
    }
    expect((await waiting).status).toBe(200);
    expect((await post(collector.url, padded(3, 200_000))).status).toBe(200);
    expect(await spans()).toHaveLength(5);
  });

  it("keeps the good spans of a partly bad batch, and says what was wrong with the others", async () => {
    const bad = [
      { traceId: "ab" },
      { traceId: "0".repeat(32) },
      { spanId: "00" },
      { spanId: "0".repeat(16) },
      { parentSpanId: "1" },
      { traceId: "x".repeat(32) },
    ];
    const batch = request([span({ trace: 1, id: 1 }), ...bad.map((fields) => ({ ...span({ trace: 1, id: 2 }), ...fields }))]);
    const answer = await post(collector.url, batch);
    expect(answer.status).toBe(200);
    const { partialSuccess } = JSON.parse(answer.body.toString());
    expect(partialSuccess.rejectedSpans).toBe("6");
    expect(partialSuccess.errorMessage).toContain("3 spans: trace_id is not 16 bytes");
    expect(await spans()).toHaveLength(1);
  });

  it("says partial success in protobuf, too", async () => {
    const answer = await post(collector.url, encodeRequest(request([span({ trace: 0, id: 1 }), span({ trace: 1, id: 1 })])), PROTOBUF);
    expect(decodeAnswer(answer.body)).toEqual({
      partialSuccess: { rejectedSpans: "1", errorMessage: "1 span: trace_id is not 16 bytes, or all zero" },
    });
  });

  it("rejects logs that were posted as traces", async () => {
    // LogsData{resource_logs{scope_logs{log_records{time, severity, body}}}} has the field numbers of traces
    const record = Buffer.concat([Buffer.from([0x09]), Buffer.alloc(8, 1), Buffer.from([0x10, 9, 0x2a, 4, 0x0a, 2, 0x68, 0x69])]);
    const wrap = (tag: number, body: Buffer) => Buffer.concat([Buffer.from([tag, body.length]), body]);
    const answer = await post(collector.url, wrap(0x0a, wrap(0x12, wrap(0x12, record))), PROTOBUF);
    expect(answer.status).toBe(200);
    expect(decodeAnswer(answer.body)).toMatchObject({ partialSuccess: { rejectedSpans: "1" } });
    expect(await spans()).toHaveLength(0);
  });

  it("takes upper-case ids, integers as numbers, enum names and unknown fields", async () => {
    const odd = {
      ...span({ trace: 1, id: 1 }),
      traceId: "ABCDEF0123456789ABCDEF0123456789",
      spanId: "ABCDEF0123456789",
      kind: "SPAN_KIND_CLIENT",
      startTimeUnixNano: Number(START_NANOS),
      endTimeUnixNano: Number(START_NANOS) + 1e9,
      attributes: [
        { key: "gen_ai.usage.input_tokens", value: { intValue: 12 } },
        { key: "big", value: { intValue: "9223372036854775807" } },
      ],
      somethingNew: { deep: [1] },
    };
    expect((await post(collector.url, request([odd]))).status).toBe(200);
    expect((await spans())[0]).toMatchObject({
      trace_id: "\\xabcdef0123456789abcdef0123456789",
      kind: 3,
      input_tokens: 12,
      duration_ns: 1_000_000_000,
    });
  });

  it("is not harmed by __proto__, deep values, very many attributes, invalid UTF-8 or an end before the start", async () => {
    let deep: Json = { stringValue: "bottom" };
    for (let level = 0; level < 500; level++) deep = { kvlistValue: { values: [{ key: "k", value: deep }] } };
    const many = Array.from({ length: 2_000 }, (_, index) => ({ key: `k${index}`, value: { intValue: index } }));
    const backwards = span({ trace: 1, id: 4, ms: -1 });
    const batch = request([
      { ...span({ trace: 1, id: 1 }), attributes: [{ key: "__proto__", value: { stringValue: "x" } }] },
      { ...span({ trace: 1, id: 2 }), attributes: [{ key: "deep", value: deep }] },
      { ...span({ trace: 1, id: 3 }), attributes: many },
      backwards,
    ]);
    const json = JSON.stringify(batch);
    expect((await post(collector.url, json)).status).toBe(200);
    const utf8 = Buffer.from(JSON.stringify(request([span({ trace: 1, id: 5, name: "AAAA" })])));
    utf8.fill(0xff, utf8.indexOf("AAAA"), utf8.indexOf("AAAA") + 4);
    expect((await post(collector.url, utf8)).status).toBe(200);
    const stored = new Map((await spans()).map((row) => [row.span_id, row]));
    const attributes = (id: number) => stored.get(`\\x${id.toString(16).padStart(16, "0")}`)?.attributes as Json;
    expect(Object.keys(attributes(1))).toContain("__proto__");
    expect(JSON.stringify(attributes(2))).toContain("[nested deeper than 32 levels]");
    expect(attributes(3)["signalbox.dropped_attributes"]).toBe(1_488);
    expect(attributes(4)["signalbox.original_end_time"]).toBe("2026-11-20T09:59:59.999000004Z");
    expect(stored.get("\\x0000000000000004")).toMatchObject({ duration_ns: 0 });
    expect(stored.get("\\x0000000000000005")).toMatchObject({ name: "\uFFFD\uFFFD\uFFFD\uFFFD" });
  });

  it("takes a right key in either header, none on loopback, and never a wrong one; a key's project is the spans'", async () => {
    const batch = () => request([span({ trace: 1, id: 1, attributes: { "signalbox.project": "other" } })]);
    expect((await post(collector.url, batch(), { authorization: "Bearer wrong" })).status).toBe(401);
    expect((await post(collector.url, batch(), { "x-signalbox-key": "wrong" })).status).toBe(401);
    expect(await spans()).toHaveLength(0);
    expect((await post(collector.url, batch(), { authorization: "Bearer right-key" })).status).toBe(200);
    expect((await spans())[0]).toMatchObject({ project: "acme" });
    await emptyTables(database.url);
    expect((await post(collector.url, batch(), { "x-signalbox-key": "right-key" })).status).toBe(200);
    await emptyTables(database.url);
    expect((await post(collector.url, batch())).status).toBe(200);
    expect((await spans())[0]).toMatchObject({ project: "other" });
  });

  it("reads metrics, counts their points and stores nothing", async () => {
    const points = async () => {
      const text = await (await fetch(`${collector.url}/metrics`)).text();
      return Number(/^signalbox_collector_data_points_received_total\{.*\} (\d+)/m.exec(text)?.[1]);
    };
    const before = await points();
    const metrics = [
      { name: "claude_code.token.usage", sum: { dataPoints: [{ asInt: "1" }, { asInt: "2" }] } },
      { name: "gen_ai.client.operation.duration", histogram: { dataPoints: [{}] } },
    ];
    const answer = await post(collector.url, { resourceMetrics: [{ scopeMetrics: [{ metrics }] }] }, {}, "/v1/metrics");
    expect([answer.status, answer.body.toString()]).toEqual([200, "{}"]);
    // the same sum of two points: ResourceMetrics 1, ScopeMetrics 2, Metric 2, Sum 7, NumberDataPoint 1
    const sum = Buffer.from([0x0a, 10, 0x12, 8, 0x12, 6, 0x3a, 4, 0x0a, 0, 0x0a, 0]);
    expect((await post(collector.url, sum, PROTOBUF, "/v1/metrics")).status).toBe(200);
    expect(await points()).toBe(before + 5);
    expect((await post(collector.url, { resourceMetrics: [{ scopeMetrics: 7 }] }, {}, "/v1/metrics")).status).toBe(400);
  });

  it("answers health, readiness and metrics", async () => {
    expect((await fetch(`${collector.url}/healthz`)).status).toBe(200);
    expect((await fetch(`${collector.url}/readyz`)).status).toBe(200);
    const metrics = await (await fetch(`${collector.url}/metrics`)).text();
    expect(metrics).toMatch(/^signalbox_collector_spans_stored_total\{.*\} [1-9]/m);
    expect(metrics).toMatch(/^signalbox_collector_spans_refused_total\{.*\} [1-9]/m);
  });
});
