import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { Log } from "../log.ts";
import type { Metrics } from "../metrics.ts";
import { CONTENT_TYPE, type Encoding, exportResponse, rpcStatus, type Signal, StatusCode } from "../otlp/responses.ts";
import { MalformedBody } from "../otlp/traces.ts";
import { Unavailable } from "../pipeline.ts";
import { Refusal, readBody } from "./http-body.ts";
import type { Intake } from "./intake.ts";
import { KEY_REFUSED, type KeyCheck } from "./keys.ts";

export interface OtlpHttpConfig {
  /** Bytes of one body, before and after decompression. */
  maxBodyBytes: number;
  checkKey: KeyCheck;
  /** Milliseconds that an idle connection is kept; its client is told so. */
  keepAliveMs: number;
}

/** What the same port serves beside OTLP, by path. */
export type Endpoints = (path: string) => ((request: IncomingMessage, response: ServerResponse) => void) | undefined;

const SIGNALS = new Map<string, Signal>([
  ["/v1/traces", "traces"],
  ["/v1/logs", "logs"],
  ["/v1/metrics", "metrics"],
]);
const RPC_CODE = new Map<number, StatusCode>([
  [400, StatusCode.invalidArgument],
  [401, StatusCode.unauthenticated],
  [413, StatusCode.resourceExhausted],
  [503, StatusCode.unavailable],
]);
/** An exporter's own timeout is 10 s by default: a body that takes longer has no one waiting. */
const REQUEST_TIMEOUT_MS = 30_000;

/** OTLP over HTTP: POST /v1/traces, /v1/logs and /v1/metrics. The server is not listening yet. */
export function otlpHttpReceiver(config: OtlpHttpConfig, take: Intake, endpoints: Endpoints, log: Log, metrics: Metrics): Server {
  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = (request.url ?? "/").split("?", 1)[0] as string;
    const endpoint = endpoints(path);
    if (endpoint !== undefined) return endpoint(request, response);
    const signal = SIGNALS.get(path);
    if (signal === undefined) return plain(response, 404, "not found: OTLP is at /v1/traces, /v1/logs and /v1/metrics");
    if (request.method !== "POST") return plain(response, 405, `${request.method} is not allowed: POST`, { allow: "POST" });
    const encoding = encodingOf(request.headers["content-type"]);
    if (encoding === null) return plain(response, 415, "content-type must be application/x-protobuf or application/json");
    try {
      send(response, 200, encoding, await receive(request, signal, encoding));
    } catch (error) {
      const { status, message, headers } = refusalOf(error);
      send(response, status, encoding, rpcStatus(encoding, RPC_CODE.get(status) ?? StatusCode.internal, message), headers);
    }
  }

  /** Resolves to the body of the successful answer. */
  async function receive(request: IncomingMessage, signal: Signal, encoding: Encoding): Promise<Buffer> {
    const sender = config.checkKey(request.headers);
    if (sender === null) throw new Refusal(401, KEY_REFUSED);
    const rejections = await take({
      signal,
      encoding,
      project: sender.project,
      bytes: Math.min(Number(request.headers["content-length"]) || 0, config.maxBodyBytes),
      read: (arrived) => readBody(request, config.maxBodyBytes, arrived),
    });
    return exportResponse(encoding, signal, rejections.count, rejections.message);
  }

  function refusalOf(error: unknown): Refusal {
    if (error instanceof Refusal) return error;
    if (error instanceof MalformedBody) return new Refusal(400, error.message);
    if (error instanceof Unavailable) {
      metrics.unavailable();
      return new Refusal(503, error.message, { "retry-after": String(error.retryAfterSeconds) });
    }
    log.error("a request failed", { error: (error as Error).message });
    return new Refusal(500, "the collector failed to store this batch: see its log");
  }

  const server = createServer((request, response) => {
    answer(request, response).catch((error: Error) => {
      log.error("a request failed", { error: error.message });
      response.destroy();
    });
  });
  server.requestTimeout = REQUEST_TIMEOUT_MS;
  server.keepAliveTimeout = config.keepAliveMs;
  return server;
}

function encodingOf(contentType: string | undefined): Encoding | null {
  const type = contentType?.split(";", 1)[0]?.trim().toLowerCase();
  if (type === CONTENT_TYPE.protobuf) return "protobuf";
  return type === CONTENT_TYPE.json ? "json" : null;
}

function send(response: ServerResponse, status: number, encoding: Encoding, body: Buffer, headers: Record<string, string> = {}): void {
  response.writeHead(status, { "content-type": CONTENT_TYPE[encoding], "content-length": body.length, ...headers });
  // nothing refused is no bytes in protobuf: the head alone goes in one write
  if (body.length === 0) response.end();
  else response.end(body);
}

function plain(response: ServerResponse, status: number, message: string, headers: Record<string, string> = {}): void {
  const body = Buffer.from(`${message}\n`);
  response.writeHead(status, { "content-type": "text/plain; charset=utf-8", "content-length": body.length, ...headers });
  response.end(body);
}
