import { readFileSync } from "node:fs";
import { join } from "node:path";
import protobuf from "protobufjs";
import type { Signal } from "./fixture-format.ts";
import { listen, parseBody, type RunningServer, readBody, wireHeaders } from "./http-server.ts";
import type { Recording } from "./recording.ts";

const proto = protobuf.parse(readFileSync(join(import.meta.dirname, "otlp.proto"), "utf8")).root;
const REQUEST_TYPES: Record<Signal, protobuf.Type> = {
  traces: proto.lookupType("TracesRequest"),
  logs: proto.lookupType("LogsRequest"),
  metrics: proto.lookupType("MetricsRequest"),
};
const ID_FIELDS = new Set(["traceId", "spanId", "parentSpanId"]);

/** An OTLP/HTTP collector on loopback that accepts everything and records it as JSON. */
export function startOtlpSink(port: number, recording: Recording): Promise<RunningServer> {
  return listen(port, async (request, response) => {
    const signal = /^\/v1\/(traces|logs|metrics)$/.exec(request.url ?? "")?.[1] as Signal | undefined;
    const body = await readBody(request);
    if (signal === undefined) {
      response.writeHead(404).end();
      return;
    }
    const isJson = (request.headers["content-type"] ?? "").startsWith("application/json");
    recording.add({
      kind: "otlp",
      signal,
      encoding: isJson ? "json" : "protobuf",
      headers: wireHeaders(request),
      body: isJson ? parseBody(body) : decode(signal, body),
    });
    response.writeHead(200, { "content-type": isJson ? "application/json" : "application/x-protobuf" }).end(isJson ? "{}" : undefined);
  });
}

/** An OTLP protobuf request in the form of its JSON encoding. */
export function decode(signal: Signal, body: Uint8Array): unknown {
  const type = REQUEST_TYPES[signal];
  return withHexIds(type.toObject(type.decode(body), { longs: String, bytes: String }));
}

function withHexIds(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withHexIds);
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, field]) =>
      ID_FIELDS.has(key) && typeof field === "string" ? [key, Buffer.from(field, "base64").toString("hex")] : [key, withHexIds(field)],
    ),
  );
}
