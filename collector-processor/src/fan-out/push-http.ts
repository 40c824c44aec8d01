import { Agent as HttpAgent, request as httpRequest } from "node:http";
import { Agent as HttpsAgent, request as httpsRequest } from "node:https";
import { promisify } from "node:util";
import { gzip } from "node:zlib";
import { MAX_ANSWER_BYTES, type PushConfig, type Pusher, type PushResult, taken } from "./pusher.ts";

const compress = promisify(gzip);

/** OTLP/HTTP: these are the statuses after which the same may be sent again. */
const RETRYABLE = new Set([429, 502, 503, 504]);

/** OTLP/HTTP with protobuf. */
export function httpPusher(config: PushConfig): Pusher {
  const url = new URL(config.url);
  const secure = url.protocol === "https:";
  const connection = { keepAlive: true, maxSockets: 1 };
  const agent = secure ? new HttpsAgent({ ...connection, ...config.tls }) : new HttpAgent(connection);
  const start = secure ? httpsRequest : httpRequest;

  async function push(body: Buffer): Promise<PushResult> {
    const sent = config.gzip ? await compress(body) : body;
    return new Promise((resolve) => {
      const failed = (error: Error) => resolve({ kind: "retry", reason: error.message, afterMs: null });
      const headers = {
        ...config.headers,
        "content-type": "application/x-protobuf",
        "content-length": sent.length,
        ...(config.gzip ? { "content-encoding": "gzip" } : {}),
      };
      // the signal bounds the whole exchange: a destination may accept the connection and then say nothing, or dribble
      const signal = AbortSignal.timeout(config.timeoutMs);
      const request = start(url, { method: "POST", agent, headers, signal }, (response) => {
        const chunks: Buffer[] = [];
        let length = 0;
        response.on("data", (chunk: Buffer) => {
          length += chunk.length;
          if (length <= MAX_ANSWER_BYTES) chunks.push(chunk);
        });
        response.once("error", failed);
        response.once("end", () => {
          resolve(resultOf(response.statusCode ?? 0, response.headers["retry-after"], Buffer.concat(chunks)));
        });
      });
      request.once("error", (error) => failed(signal.aborted ? new Error(`no answer within ${config.timeoutMs} ms`) : error));
      request.end(sent);
    });
  }

  return { push, close: () => agent.destroy() };
}

function resultOf(status: number, retryAfter: string | undefined, body: Buffer): PushResult {
  if (status >= 200 && status < 300) return taken(body);
  const reason = `status ${status}`;
  if (RETRYABLE.has(status)) return { kind: "retry", reason, afterMs: milliseconds(retryAfter) };
  return { kind: "refused", reason };
}

/** Retry-After: seconds, or a date. */
function milliseconds(retryAfter: string | undefined): number | null {
  if (retryAfter === undefined) return null;
  if (/^\d+$/.test(retryAfter)) return Number(retryAfter) * 1000;
  const date = Date.parse(retryAfter);
  return Number.isNaN(date) ? null : Math.max(0, date - Date.now());
}
