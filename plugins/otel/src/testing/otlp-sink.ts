import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import protobuf from "protobufjs";

/** A collector for tests: decodes what it is sent with protobufjs, an encoder's outside judge, and answers as told. */
export interface OtlpSink {
  url: string;
  spans: ReceivedSpan[];
  requests: IncomingMessage[];
  /** How it answers; default 200 at once. */
  answer: (request: IncomingMessage, response: ServerResponse) => void;
  /** Resolves when `count` spans have arrived; rejects after `timeoutMs`. */
  received(count: number, timeoutMs?: number): Promise<ReceivedSpan[]>;
  close(): Promise<void>;
}

export interface ReceivedSpan {
  traceId: string;
  spanId: string;
  parentSpanId: string;
  name: string;
  kind: number;
  startTimeUnixNano: bigint;
  endTimeUnixNano: bigint;
  attributes: Record<string, unknown>;
  links: { traceId: string; spanId: string }[];
  status: { code: number; message: string };
  resource: Record<string, unknown>;
}

const PROTO = `syntax = "proto3";
message Request { repeated ResourceSpans resource_spans = 1; }
message ResourceSpans { Resource resource = 1; repeated ScopeSpans scope_spans = 2; }
message Resource { repeated KeyValue attributes = 1; }
message ScopeSpans { repeated Span spans = 2; }
message KeyValue { string key = 1; AnyValue value = 2; }
message AnyValue { oneof value { string string_value = 1; bool bool_value = 2; int64 int_value = 3; double double_value = 4; ArrayValue array_value = 5; } }
message ArrayValue { repeated AnyValue values = 1; }
message Link { bytes trace_id = 1; bytes span_id = 2; }
message Status { string message = 2; int32 code = 3; }
message Span { bytes trace_id = 1; bytes span_id = 2; bytes parent_span_id = 4; string name = 5; int32 kind = 6; fixed64 start_time_unix_nano = 7;
  fixed64 end_time_unix_nano = 8; repeated KeyValue attributes = 9; repeated Link links = 13; Status status = 15; }`;
const RequestType = protobuf.parse(PROTO).root.lookupType("Request");

interface WireValue {
  stringValue?: string;
  boolValue?: boolean;
  intValue?: string;
  doubleValue?: number;
  arrayValue?: { values?: WireValue[] };
}
interface WireAttributes {
  attributes?: { key: string; value?: WireValue }[];
}
interface WireSpan extends WireAttributes {
  traceId: string;
  spanId: string;
  parentSpanId?: string;
  name: string;
  kind: number;
  startTimeUnixNano: string;
  endTimeUnixNano: string;
  links?: { traceId: string; spanId: string }[];
  status?: { code?: number; message?: string };
}
interface WireRequest {
  resourceSpans?: { resource?: WireAttributes; scopeSpans?: { spans?: WireSpan[] }[] }[];
}

const hex = (base64: string | undefined) => Buffer.from(base64 ?? "", "base64").toString("hex");
const plain = (value: WireValue | undefined): unknown =>
  value?.intValue !== undefined
    ? Number(value.intValue)
    : (value?.stringValue ?? value?.boolValue ?? value?.doubleValue ?? value?.arrayValue?.values?.map(plain));
const toRecord = (holder: WireAttributes | undefined) =>
  Object.fromEntries((holder?.attributes ?? []).map((attribute) => [attribute.key, plain(attribute.value)]));

/** Spans of an OTLP/HTTP protobuf body. Throws where the body does not parse. */
export function decodeSpans(body: Uint8Array): ReceivedSpan[] {
  const request = RequestType.toObject(RequestType.decode(body), { longs: String, bytes: String }) as WireRequest;
  return (request.resourceSpans ?? []).flatMap((group) =>
    (group.scopeSpans ?? []).flatMap((scope) =>
      (scope.spans ?? []).map((span) => ({
        traceId: hex(span.traceId),
        spanId: hex(span.spanId),
        parentSpanId: hex(span.parentSpanId),
        name: span.name,
        kind: span.kind,
        startTimeUnixNano: BigInt(span.startTimeUnixNano),
        endTimeUnixNano: BigInt(span.endTimeUnixNano),
        attributes: toRecord(span),
        links: (span.links ?? []).map((link) => ({ traceId: hex(link.traceId), spanId: hex(link.spanId) })),
        status: { code: span.status?.code ?? 0, message: span.status?.message ?? "" },
        resource: toRecord(group.resource),
      })),
    ),
  );
}

/** Listens on 127.0.0.1 at `port`, any free one by default. */
export async function startOtlpSink(port = 0): Promise<OtlpSink> {
  let wake: () => void = () => {};
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      sink.requests.push(request);
      response.on("finish", () => {
        if (response.statusCode === 200) sink.spans.push(...decodeSpans(Buffer.concat(chunks)));
        wake();
      });
      sink.answer(request, response);
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, "127.0.0.1", resolve);
  });
  const sink: OtlpSink = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    spans: [],
    requests: [],
    answer: (_request, response) => {
      response.writeHead(200, { "content-type": "application/x-protobuf" }).end();
    },
    received: (count, timeoutMs = 5_000) =>
      new Promise((resolve, reject) => {
        const timer = setTimeout(() => reject(new Error(`${sink.spans.length} of ${count} spans after ${timeoutMs} ms`)), timeoutMs);
        wake = () => {
          if (sink.spans.length < count) return;
          clearTimeout(timer);
          resolve(sink.spans);
        };
        wake();
      }),
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
  return sink;
}
