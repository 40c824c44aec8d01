/** The bodies of answers, in the encoding of the request. All field numbers are below 16, so a tag is one byte. */
export type Encoding = "protobuf" | "json";

export const CONTENT_TYPE: Record<Encoding, string> = { protobuf: "application/x-protobuf", json: "application/json" };

/** google.rpc.Code, as far as we answer with it. */
export const StatusCode = {
  invalidArgument: 3,
  unauthenticated: 16,
  resourceExhausted: 8,
  unimplemented: 12,
  internal: 13,
  unavailable: 14,
} as const;
export type StatusCode = (typeof StatusCode)[keyof typeof StatusCode];

/** What each signal calls its rejected items in partial success. */
export const REJECTED_FIELD = { traces: "rejectedSpans", logs: "rejectedLogRecords", metrics: "rejectedDataPoints" } as const;
export type Signal = keyof typeof REJECTED_FIELD;
/** What one rejected item is called, for people. */
export const ITEM_NOUN: Record<Signal, string> = { traces: "span", logs: "log record", metrics: "data point" };

/** An Export…ServiceResponse; partial success is left out when nothing was rejected and there is nothing to say. */
export function exportResponse(encoding: Encoding, signal: Signal, rejected = 0, message = ""): Buffer {
  const silent = rejected === 0 && message === "";
  if (encoding === "json") {
    return Buffer.from(
      silent ? "{}" : JSON.stringify({ partialSuccess: { [REJECTED_FIELD[signal]]: String(rejected), errorMessage: message } }),
    );
  }
  if (silent) return Buffer.alloc(0);
  return bytesField(1, Buffer.concat([varintField(1, rejected), bytesField(2, Buffer.from(message))]));
}

/** A google.rpc.Status. `retryAfterSeconds` makes a RetryInfo of it; protobuf only. */
export function rpcStatus(encoding: Encoding, code: StatusCode, message: string, retryAfterSeconds?: number): Buffer {
  if (encoding === "json") return Buffer.from(JSON.stringify({ code, message }));
  const details = retryAfterSeconds === undefined ? [] : [bytesField(3, retryInfo(retryAfterSeconds))];
  return Buffer.concat([varintField(1, code), bytesField(2, Buffer.from(message)), ...details]);
}

/** A google.protobuf.Any of google.rpc.RetryInfo { retry_delay: Duration { seconds } }. */
function retryInfo(seconds: number): Buffer {
  const type = bytesField(1, Buffer.from("type.googleapis.com/google.rpc.RetryInfo"));
  return Buffer.concat([type, bytesField(2, bytesField(1, varintField(1, seconds)))]);
}

function varint(value: number): number[] {
  const bytes: number[] = [];
  for (let rest = value; ; rest = Math.floor(rest / 128)) {
    if (rest < 128) return [...bytes, rest];
    bytes.push((rest % 128) + 128);
  }
}

const varintField = (number: number, value: number) => Buffer.from([number << 3, ...varint(value)]);
const bytesField = (number: number, value: Buffer) => Buffer.concat([Buffer.from([(number << 3) | 2, ...varint(value.length)]), value]);
