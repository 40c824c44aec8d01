import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  connect,
  constants,
  type IncomingHttpHeaders,
  type IncomingHttpStatusHeader,
} from "node:http2";
import { promisify } from "node:util";
import { gzip } from "node:zlib";
import { ProtobufReader } from "../otlp/protobuf-reader.ts";
import { MAX_ANSWER_BYTES, type PushConfig, type Pusher, type PushResult, taken } from "./pusher.ts";

const compress = promisify(gzip);

const EXPORT = "/opentelemetry.proto.collector.trace.v1.TraceService/Export";
const PREFIX_BYTES = 5;
const OK = 0;
const RESOURCE_EXHAUSTED = 8;
/** OTLP/gRPC: cancelled, deadline exceeded, aborted, out of range, unavailable, data loss. Resource exhausted only with RetryInfo. */
const RETRYABLE = new Set([1, 4, 10, 11, 14, 15]);
/** What a proxy answers in place of the server. */
const RETRYABLE_HTTP = new Set([429, 502, 503, 504]);

/**
 * OTLP over gRPC: one unary call at a time on one connection, which is made anew after it was lost. As in the receiver, of gRPC only the
 * prefix and the trailers are needed.
 */
export function grpcPusher(config: PushConfig): Pusher {
  let session: ClientHttp2Session | undefined;

  function connected(): ClientHttp2Session {
    if (session !== undefined && !session.closed && !session.destroyed) return session;
    session = connect(config.url, config.tls ?? {});
    // the call under way says what went wrong; without one there is nobody to tell
    session.on("error", () => {});
    return session;
  }

  async function push(body: Buffer): Promise<PushResult> {
    const message = config.gzip ? await compress(body) : body;
    const prefix = Buffer.alloc(PREFIX_BYTES);
    prefix[0] = Number(config.gzip);
    prefix.writeUInt32BE(message.length, 1);
    let answer: Answer;
    try {
      const stream = connected().request({
        ...config.headers,
        ":method": "POST",
        ":path": EXPORT,
        "content-type": "application/grpc",
        te: "trailers",
        "grpc-timeout": `${config.timeoutMs}m`,
        ...(config.gzip ? { "grpc-encoding": "gzip" } : {}),
      });
      const answered = answerOf(stream, config.timeoutMs);
      stream.end(Buffer.concat([prefix, message]));
      answer = await answered;
    } catch (error) {
      // a connection that failed once, or says nothing, is not asked again
      session?.destroy();
      return { kind: "retry", reason: reasonOf(error as Error), afterMs: null };
    }
    return resultOf(answer);
  }

  return { push, close: () => session?.destroy() };
}

interface Answer {
  headers: IncomingHttpHeaders & IncomingHttpStatusHeader;
  /** The headers' own where the answer is of trailers only. */
  trailers: IncomingHttpHeaders;
  body: Buffer;
}

function answerOf(stream: ClientHttp2Stream, timeoutMs: number): Promise<Answer> {
  return new Promise((resolve, reject) => {
    let headers: Answer["headers"] | undefined;
    let trailers: IncomingHttpHeaders | undefined;
    const chunks: Buffer[] = [];
    let length = 0;
    const late = setTimeout(() => {
      reject(new Error(`no answer within ${timeoutMs} ms`));
      stream.close(constants.NGHTTP2_CANCEL);
    }, timeoutMs);
    stream.once("response", (received) => {
      headers = received;
    });
    stream.once("trailers", (received) => {
      trailers = received;
    });
    stream.on("data", (chunk: Buffer) => {
      length += chunk.length;
      if (length <= MAX_ANSWER_BYTES) chunks.push(chunk);
    });
    stream.once("error", reject);
    stream.once("close", () => {
      clearTimeout(late);
      if (headers === undefined) reject(new Error("the call was closed without an answer"));
      else resolve({ headers, trailers: trailers ?? headers, body: Buffer.concat(chunks) });
    });
  });
}

/** A call that fails with its connection has the connection's error as cause. */
const reasonOf = (error: Error): string => (error.cause instanceof Error ? error.cause.message : error.message);

function resultOf({ headers, trailers, body }: Answer): PushResult {
  const http = headers[":status"] ?? 0;
  const status = trailers["grpc-status"];
  if (status === undefined) {
    const reason = http === 200 ? "an answer without grpc-status" : `HTTP status ${http}`;
    return http === 200 || RETRYABLE_HTTP.has(http) ? { kind: "retry", reason, afterMs: null } : { kind: "refused", reason };
  }
  const code = Number(status);
  if (code === OK) return taken(body[0] === 0 ? body.subarray(PREFIX_BYTES) : Buffer.alloc(0));
  const message = trailers["grpc-message"];
  const reason = `grpc-status ${code}${typeof message === "string" && message !== "" ? `: ${decoded(message)}` : ""}`;
  const afterMs = retryDelayMs(trailers["grpc-status-details-bin"]);
  if (RETRYABLE.has(code) || (code === RESOURCE_EXHAUSTED && afterMs !== null)) return { kind: "retry", reason, afterMs };
  return { kind: "refused", reason };
}

function decoded(message: string): string {
  try {
    return decodeURIComponent(message);
  } catch {
    return message;
  }
}

const RETRY_INFO = "type.googleapis.com/google.rpc.RetryInfo";

/** google.rpc.Status{ details = 3: Any{ type_url = 1, value = 2 } }, of which RetryInfo{ retry_delay = 1: Duration{ seconds = 1, nanos = 2 } }. */
function retryDelayMs(details: string | string[] | undefined): number | null {
  if (typeof details !== "string") return null;
  const bytes = Buffer.from(details, "base64");
  let delay: number | null = null;
  try {
    for (const any of messages(bytes, 0x1a)) {
      const [type] = messages(any, 0x0a);
      const [value] = messages(any, 0x12);
      const [duration] = type?.toString() === RETRY_INFO && value !== undefined ? messages(value, 0x0a) : [];
      if (duration !== undefined) delay = milliseconds(duration);
    }
  } catch {
    // not a Status: then nobody said how long
  }
  return delay;
}

/** Every length-delimited field of one tag. */
function messages(bytes: Buffer, wanted: number): Buffer[] {
  const reader = new ProtobufReader(bytes);
  const found: Buffer[] = [];
  while (reader.position < bytes.length) {
    const tag = reader.tag();
    if (tag !== wanted) {
      reader.skip(tag, bytes.length);
      continue;
    }
    const end = reader.lengthDelimited(bytes.length);
    found.push(bytes.subarray(reader.position, end));
    reader.position = end;
  }
  return found;
}

function milliseconds(duration: Buffer): number {
  const reader = new ProtobufReader(duration);
  let total = 0;
  while (reader.position < duration.length) {
    const tag = reader.tag();
    if (tag === 0x08) total += reader.varint() * 1000;
    else if (tag === 0x10) total += reader.varint() / 1e6;
    else reader.skip(tag, duration.length);
  }
  return total;
}
