import http2, { type Http2Server, type IncomingHttpHeaders, type ServerHttp2Stream } from "node:http2";
import type { Log } from "../log.ts";
import type { Metrics } from "../metrics.ts";
import { exportResponse, rpcStatus, type Signal, StatusCode } from "../otlp/responses.ts";
import { MalformedBody } from "../otlp/traces.ts";
import { Unavailable } from "../pipeline.ts";
import { BadCompression, BodyTooLarge, COMPRESSIONS, decompress, isCompression } from "./compression.ts";
import type { Intake } from "./intake.ts";
import { KEY_REFUSED, type KeyCheck } from "./keys.ts";

export interface OtlpGrpcConfig {
  /** Bytes of one message, before and after decompression. */
  maxBodyBytes: number;
  checkKey: KeyCheck;
}

const SIGNALS = new Map<string, Signal>(
  (["traces", "logs", "metrics"] as const).map((signal) => {
    const name = signal === "traces" ? "trace" : signal;
    return [`/opentelemetry.proto.collector.${name}.v1.${name[0]?.toUpperCase()}${name.slice(1)}Service/Export`, signal];
  }),
);
const PREFIX_BYTES = 5;
/** The default window of 64 KB costs a round trip for each of them. */
const WINDOW_BYTES = 1024 * 1024;
/** As many calls as one exporter has under way, and more. */
const MAX_STREAMS = 128;
const READ_TIMEOUT_MS = 30_000;

/** A call that ends without an answer, with the gRPC status that says so. */
class Failure extends Error {
  readonly code: number;
  readonly retryAfterSeconds: number | undefined;
  constructor(code: number, message: string, retryAfterSeconds?: number) {
    super(message);
    this.name = "Failure";
    this.code = code;
    this.retryAfterSeconds = retryAfterSeconds;
  }
}

/**
 * OTLP over gRPC: Export of the trace, logs and metrics services. Only unary calls are needed, and of those only a 5-byte prefix and
 * trailers are gRPC's own, so this is node:http2 with the decoders of OTLP/HTTP: no second protobuf runtime, no copy into message
 * objects. The server is not listening yet.
 */
export function otlpGrpcReceiver(config: OtlpGrpcConfig, take: Intake, log: Log, metrics: Metrics): Http2Server {
  async function receive(stream: ServerHttp2Stream, headers: IncomingHttpHeaders, signal: Signal): Promise<Buffer> {
    const sender = config.checkKey(headers);
    if (sender === null) throw new Failure(StatusCode.unauthenticated, KEY_REFUSED);
    const encoding = (headers["grpc-encoding"] as string | undefined) ?? "identity";
    if (encoding !== "identity" && !isCompression(encoding)) {
      throw new Failure(StatusCode.unimplemented, `grpc-encoding ${encoding} is not supported: send ${COMPRESSIONS.join(", ")} or none`);
    }
    async function read(arrived: (bytes: number) => void): Promise<Buffer> {
      const { compressed, message } = await readMessage(stream, config.maxBodyBytes, arrived);
      if (!compressed) return message;
      if (!isCompression(encoding))
        throw new Failure(StatusCode.internal, "the message is marked compressed and no grpc-encoding is named");
      return decompress(message, encoding, config.maxBodyBytes);
    }
    const rejections = await take({ signal, encoding: "protobuf", project: sender.project, bytes: 0, read });
    return exportResponse("protobuf", signal, rejections.count, rejections.message);
  }

  function failureOf(error: unknown): Failure {
    if (error instanceof Failure) return error;
    if (error instanceof MalformedBody || error instanceof BadCompression) return new Failure(StatusCode.invalidArgument, error.message);
    // without RetryInfo the specification forbids to send it again, which would not help
    if (error instanceof BodyTooLarge) return new Failure(StatusCode.resourceExhausted, error.message);
    if (error instanceof Unavailable) {
      metrics.unavailable();
      return new Failure(StatusCode.unavailable, error.message, error.retryAfterSeconds);
    }
    log.error("a gRPC call failed", { error: (error as Error).message });
    return new Failure(StatusCode.internal, "the collector failed to store this batch: see its log");
  }

  async function answer(stream: ServerHttp2Stream, headers: IncomingHttpHeaders): Promise<void> {
    if (headers[":method"] !== "POST" || !/^application\/grpc(?:\+proto)?(?:;|$)/.test(headers["content-type"] ?? "")) {
      if (!stream.destroyed) stream.respond({ ":status": 415 }, { endStream: true });
      return;
    }
    const signal = SIGNALS.get(headers[":path"] ?? "");
    try {
      if (signal === undefined)
        throw new Failure(StatusCode.unimplemented, `${headers[":path"]} is not served: OTLP's Export of traces, logs and metrics is`);
      succeed(stream, await receive(stream, headers, signal));
    } catch (error) {
      fail(stream, failureOf(error));
    }
  }

  const server = http2.createServer({ settings: { initialWindowSize: WINDOW_BYTES, maxConcurrentStreams: MAX_STREAMS } });
  server.on("session", (session) => session.setLocalWindowSize(WINDOW_BYTES));
  server.on("stream", (stream, headers) => {
    // a client that goes away is no event here: its call's promise says what is left to say
    stream.on("error", () => {});
    stream.setTimeout(READ_TIMEOUT_MS, () => stream.close(http2.constants.NGHTTP2_CANCEL));
    answer(stream, headers).catch((error: Error) => {
      log.error("a gRPC call failed", { error: error.message });
      stream.destroy();
    });
  });
  server.on("sessionError", (error) => log.warn("a gRPC connection failed", { error: (error as Error).message }));
  return server;
}

const GRPC_HEADERS = {
  ":status": 200,
  "content-type": "application/grpc+proto",
  "grpc-accept-encoding": ["identity", ...COMPRESSIONS].join(","),
};

function succeed(stream: ServerHttp2Stream, body: Buffer): void {
  if (stream.destroyed) return;
  stream.respond(GRPC_HEADERS, { waitForTrailers: true });
  stream.once("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0" }));
  const prefix = Buffer.alloc(PREFIX_BYTES);
  prefix.writeUInt32BE(body.length, 1);
  stream.end(Buffer.concat([prefix, body]));
}

/** An answer of trailers only. */
function fail(stream: ServerHttp2Stream, { code, message, retryAfterSeconds }: Failure): void {
  if (stream.destroyed) return;
  const details = rpcStatus("protobuf", code as StatusCode, message, retryAfterSeconds);
  stream.respond(
    {
      ...GRPC_HEADERS,
      "grpc-status": String(code),
      "grpc-message": percentEncoded(message),
      "grpc-status-details-bin": details.toString("base64"),
    },
    { endStream: true },
  );
  // what still comes of the request is not wanted
  if (!stream.readableEnded) stream.close(http2.constants.NGHTTP2_NO_ERROR);
}

/** As gRPC has it: printable ASCII but for the percent sign stays. */
const percentEncoded = (text: string) => text.toWellFormed().replace(/[^\x20-\x24\x26-\x7e]+/g, encodeURIComponent);

/**
 * The one message of a unary call. @throws BodyTooLarge at its prefix, before it is read; Failure when it is not one whole message; what
 * `arrived` throws.
 */
function readMessage(
  stream: ServerHttp2Stream,
  maxBytes: number,
  arrived: (bytes: number) => void,
): Promise<{ compressed: boolean; message: Buffer }> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let length = 0;
    let prefix: Buffer | null = null;
    const refuse = (error: unknown) => {
      stream.removeAllListeners("data").pause();
      reject(error);
    };
    const broken = (what: string) => refuse(new Failure(StatusCode.internal, `the call holds ${what}, not one message`));
    stream.on("data", (chunk: Buffer) => {
      try {
        arrived(chunk.length);
      } catch (error) {
        return refuse(error);
      }
      chunks.push(chunk);
      length += chunk.length;
      if (prefix === null && length >= PREFIX_BYTES) {
        prefix = Buffer.concat(chunks).subarray(0, PREFIX_BYTES);
        if ((prefix[0] as number) > 1) broken("an unknown prefix");
        else if (prefix.readUInt32BE(1) > maxBytes) refuse(new BodyTooLarge(maxBytes));
      }
      if (prefix !== null && length > PREFIX_BYTES + prefix.readUInt32BE(1)) broken("more bytes than it says");
    });
    stream.once("end", () => {
      const whole = prefix !== null && length === PREFIX_BYTES + prefix.readUInt32BE(1);
      if (!whole) broken("fewer bytes than it says");
      else resolve({ compressed: prefix?.[0] === 1, message: Buffer.concat(chunks).subarray(PREFIX_BYTES) });
    });
    stream.once("close", () => broken("fewer bytes than it says"));
    // while it waited
    if (stream.destroyed) broken("fewer bytes than it says");
  });
}
