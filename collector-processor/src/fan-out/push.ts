import { Agent as HttpAgent, request as httpRequest } from "node:http";
import { Agent as HttpsAgent, request as httpsRequest } from "node:https";
import { promisify } from "node:util";
import { gzip } from "node:zlib";
import { ProtobufReader } from "../otlp/protobuf-reader.ts";

const compress = promisify(gzip);

export interface PushConfig {
  /** Where the traces go: the whole URL, as http://127.0.0.1:4318/v1/traces. */
  url: string;
  headers: Record<string, string>;
  gzip: boolean;
  timeoutMs: number;
}

/**
 * What became of a push. taken: the destination has it, but for so many spans that it rejected. retry: it may have it another time, not
 * before so many milliseconds where it said so. refused: never.
 */
export type PushResult =
  | { kind: "taken"; rejectedSpans: number; message: string }
  | { kind: "retry"; reason: string; afterMs: number | null }
  | { kind: "refused"; status: number; reason: string };

/** OTLP/HTTP: these are the statuses after which the same may be sent again. */
const RETRYABLE = new Set([429, 502, 503, 504]);
const MAX_ANSWER_BYTES = 64 * 1024;

/** Sends ExportTraceServiceRequests to one place. Never rejects: what went wrong is in the result. */
export function otlpPusher(config: PushConfig): { push(body: Buffer): Promise<PushResult>; close(): void } {
  const url = new URL(config.url);
  const secure = url.protocol === "https:";
  const agent = secure ? new HttpsAgent({ keepAlive: true, maxSockets: 1 }) : new HttpAgent({ keepAlive: true, maxSockets: 1 });
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
  if (status >= 200 && status < 300) return { kind: "taken", ...partialSuccess(body) };
  const reason = `status ${status}`;
  if (RETRYABLE.has(status)) return { kind: "retry", reason, afterMs: milliseconds(retryAfter) };
  return { kind: "refused", status, reason };
}

/** Retry-After: seconds, or a date. */
function milliseconds(retryAfter: string | undefined): number | null {
  if (retryAfter === undefined) return null;
  if (/^\d+$/.test(retryAfter)) return Number(retryAfter) * 1000;
  const date = Date.parse(retryAfter);
  return Number.isNaN(date) ? null : Math.max(0, date - Date.now());
}

/** ExportTraceServiceResponse{ partial_success = 1 { rejected_spans = 1, error_message = 2 } }; an answer that is none says nothing. */
function partialSuccess(body: Buffer): { rejectedSpans: number; message: string } {
  const result = { rejectedSpans: 0, message: "" };
  try {
    const reader = new ProtobufReader(body);
    while (reader.position < body.length) {
      const tag = reader.tag();
      if (tag !== 0x0a) {
        reader.skip(tag, body.length);
        continue;
      }
      const end = reader.lengthDelimited(body.length);
      while (reader.position < end) {
        const field = reader.tag();
        if (field === 0x08) result.rejectedSpans = reader.varint();
        else if (field === 0x12) result.message = reader.text(reader.lengthDelimited(end));
        else reader.skip(field, end);
      }
    }
  } catch {
    // taken all the same: the status says so
  }
  return result;
}
