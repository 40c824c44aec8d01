import http from "node:http";
import https from "node:https";
import { ProtobufTraceSerializer } from "@opentelemetry/otlp-transformer";
import type { ReadableSpan } from "@opentelemetry/sdk-trace";

/**
 * Posts batches of spans as OTLP/HTTP protobuf.
 *
 * Not the SDK's exporter: that one reads the host process's OTEL_EXPORTER_OTLP_* variables, so a host that exports to a vendor
 * would have its vendor key sent to us. And not fetch: the host's own undici dispatcher and instrumentation would see us.
 */

export type SendResult =
  /** The collector took the batch; `rejected` of its spans were refused for good. */
  | { outcome: "accepted"; rejected: number }
  /** Worth another try, not before `retryAfterMs` where the collector said so. */
  | { outcome: "retry"; reason: string; retryAfterMs?: number }
  /** Sending it again cannot help. */
  | { outcome: "refused"; reason: string };

export interface OtlpTransport {
  /** Never rejects. */
  send(spans: ReadableSpan[]): Promise<SendResult>;
  /** The same for a whole ExportTraceServiceRequest that the caller encoded. */
  sendEncoded(request: Uint8Array): Promise<SendResult>;
  /** Ends open connections; a send under way resolves as `retry`. */
  close(): void;
}

export interface OtlpTransportOptions {
  /** The collector's origin (`http://127.0.0.1:4318`) or the whole URL of its traces endpoint. */
  endpoint: string;
  headers?: Readonly<Record<string, string>>;
  /** Milliseconds for one POST, connection included. */
  timeoutMs: number;
}

const RETRYABLE = new Set([429, 502, 503, 504]);
const MAX_RESPONSE_BYTES = 64 * 1024;

/** The URL that spans go to. Throws a TypeError that names the endpoint where it is no http(s) URL. */
export function tracesUrl(endpoint: string): URL {
  const url = URL.canParse(endpoint) ? new URL(endpoint) : undefined;
  if (url === undefined || (url.protocol !== "http:" && url.protocol !== "https:")) {
    throw new TypeError(`OTLP endpoint ${JSON.stringify(endpoint)} is not an http(s) URL`);
  }
  if (!url.pathname.endsWith("/v1/traces")) url.pathname = `${url.pathname.replace(/\/+$/, "")}/v1/traces`;
  return url;
}

/** Throws as {@link tracesUrl} does; opens no connection before the first send. */
export function otlpTransport(options: OtlpTransportOptions): OtlpTransport {
  const url = tracesUrl(options.endpoint);
  const client = url.protocol === "https:" ? https : http;
  const agent = new client.Agent({ keepAlive: true, maxSockets: 1, keepAliveMsecs: 30_000 });
  const active = new Set<http.ClientRequest>();

  const post = (body: Uint8Array) =>
    new Promise<SendResult>((resolve) => {
      const headers = { ...options.headers, "content-type": "application/x-protobuf", "content-length": body.byteLength };
      const request = client.request(url, { method: "POST", headers, agent });
      active.add(request);
      // One clock over the whole exchange: a collector that accepts and then says nothing must not hold a batch for ever.
      const timer = setTimeout(() => request.destroy(new Error(`no answer within ${options.timeoutMs} ms`)), options.timeoutMs);
      timer.unref();
      const settle = (result: SendResult) => {
        clearTimeout(timer);
        active.delete(request);
        resolve(result);
      };
      // The host may exit whenever it likes; a pending export must not keep it alive.
      request.on("socket", (socket) => socket.unref());
      request.on("error", (error) => settle({ outcome: "retry", reason: error.message }));
      request.on("response", (response) => {
        const chunks: Buffer[] = [];
        let size = 0;
        response.on("data", (chunk: Buffer) => {
          size += chunk.byteLength;
          if (size <= MAX_RESPONSE_BYTES) chunks.push(chunk);
          else request.destroy(new Error("answer too long"));
        });
        response.on("error", (error) => settle({ outcome: "retry", reason: error.message }));
        response.on("end", () => settle(read(response, Buffer.concat(chunks))));
      });
      request.end(body);
    });

  return {
    sendEncoded: post,
    async send(spans) {
      try {
        const body = ProtobufTraceSerializer.serializeRequest(spans);
        if (body === undefined) return { outcome: "refused", reason: "the batch cannot be encoded" };
        return await post(body);
      } catch (error) {
        return { outcome: "refused", reason: error instanceof Error ? error.message : String(error) };
      }
    },
    close() {
      for (const request of active) request.destroy(new Error("shut down"));
      agent.destroy();
    },
  };
}

function read(response: http.IncomingMessage, body: Uint8Array): SendResult {
  const status = response.statusCode ?? 0;
  if (status >= 200 && status < 300) return { outcome: "accepted", rejected: rejectedSpans(response, body) };
  const reason = `HTTP ${status}`;
  if (!RETRYABLE.has(status)) return { outcome: "refused", reason };
  const seconds = Number(response.headers["retry-after"]);
  return seconds > 0 ? { outcome: "retry", reason, retryAfterMs: seconds * 1000 } : { outcome: "retry", reason };
}

function rejectedSpans(response: http.IncomingMessage, body: Uint8Array): number {
  if (body.byteLength === 0 || !response.headers["content-type"]?.startsWith("application/x-protobuf")) return 0;
  try {
    return Number(ProtobufTraceSerializer.deserializeResponse(body).partialSuccess?.rejectedSpans ?? 0);
  } catch {
    return 0;
  }
}
